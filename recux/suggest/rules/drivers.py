"""Rules about what satisfaction goes with."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, Predicted, practical, shrunken, text
from recux.suggest.family import discoveries
from recux.suggest.finding import Finding

EXPLAINABLE = ("transparency", "trust", "explicability", "information_sufficiency", "confidence")
"""Constructs that showing reasons is meant to raise."""


def weak_driver(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Something that goes with satisfaction scores low."""
    for f in discoveries(findings, "driver"):
        rise = f.facts["middle"] - f.facts["score"]
        effect = shrunken(f.value, f.low, f.high) * rise
        if f.facts["score_high"] < f.facts["middle"] and effect >= practical(f.metric) / 2:
            name = f.where["construct"]
            explain = any(word in name for word in EXPLAINABLE)
            yield Draft(
                rule="weak_driver",
                version=1,
                category="interface",
                finding=f,
                title=text(
                    "{name} scores {score:.2f}, below the middle of its scale ({middle:.1f}), and satisfaction goes"
                    " with it ({slope:.2f} rating points a point)",
                    "{name} 得分 {score:.2f}，低于量表中点（{middle:.1f}），且与满意度相关（每分对应评分 {slope:.2f}）",
                    name=name,
                    score=f.facts["score"],
                    middle=f.facts["middle"],
                    slope=f.value,
                ),
                change=text(
                    "Show with each item why it was chosen." if explain else "Work on {name} first.",
                    "为每个内容说明推荐理由。" if explain else "优先改进 {name}。",
                    name=name,
                ),
                predicted=Predicted(
                    f.metric, effect, f.low * rise, f.high * rise, f.n, f"slope times rise, shrunken; {f.method}", {}
                ),
                guardrails=("drop_off",),
                against=(
                    text(
                        "An association between people: raising the one need not raise the other.",
                        "这是人与人之间的相关关系：提高其一未必提高另一个。",
                    ),
                ),
                trial={"options": {"explanations": True}} if explain else None,
            )
