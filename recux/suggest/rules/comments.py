"""Rules about what people write."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, Predicted, practical, shrunken, text, undone
from recux.suggest.family import discoveries
from recux.suggest.finding import Finding


def complaint_theme(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Dissatisfied people name something that satisfied people do not."""
    for f in discoveries(findings, "theme"):
        predicted = _silenced(f)
        if -predicted.value >= practical(f.metric):
            facts = {"theme": f.facts["theme"], "share": f.facts["share_low"], "base": f.facts["share_high"]}
            yield Draft(
                rule="complaint_theme",
                version=1,
                category="interface",
                finding=f,
                title=text(
                    "{share:.0%} of dissatisfied people write about “{theme}”, and {base:.0%} of satisfied people",
                    "{share:.0%} 的不满意者提到“{theme}”，满意者中为 {base:.0%}",
                    **facts,
                ),
                change=text(
                    "Read the comments listed here and remove the cause of “{theme}”.",
                    "阅读此处列出的评论，消除“{theme}”的原因。",
                    **facts,
                ),
                predicted=predicted,
                guardrails=("mean_rating", "comment_rate"),
                against=(
                    text(
                        "{people} people said it; those who write comments are not everyone.",
                        "有 {people} 人提到；写评论的人不能代表所有人。",
                        people=f.facts["people"],
                    ),
                ),
            )


def theme_in_arm(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A complaint comes from one arm more than from another."""
    for f in discoveries(findings, "theme_arm"):
        if shrunken(f.value, f.low, f.high) >= practical(f.metric):
            facts = {**f.where, **f.facts, "share": f.facts["share_arm"], "base": f.facts["share_control"]}
            yield Draft(
                rule="theme_in_arm",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "In arm {arm} {share:.0%} of those who write mention “{theme}”, in {control} {base:.0%}",
                    "方案 {arm} 中 {share:.0%} 的评论者提到“{theme}”，{control} 中为 {base:.0%}",
                    **facts,
                ),
                change=text(
                    "Find out what {arm} does differently that leads to “{theme}”, and change it there.",
                    "查明 {arm} 的哪些不同之处导致“{theme}”，并加以改进。",
                    **facts,
                ),
                predicted=undone(f, theme=f.where["theme"]),
                guardrails=("mean_rating", "comment_rate"),
                against=(text("Those who write comments are not everyone.", "写评论的人不能代表所有人。"),),
                plan={"control": f.where["arm"]},
            )


def _silenced(f: Finding) -> Predicted:
    """Of all who write, as many as mention the theme now stop doing so, down to the share of satisfied people.

    That share is judged later: whom the change made satisfied is no longer among the dissatisfied.
    """
    base = f.facts["share_high"]
    gap, low, high = (f.facts[key] - base for key in ("reach", "reach_low", "reach_high"))
    effect = shrunken(gap, low, high)
    method = "down to the share of satisfied people, shrunken; Clopper-Pearson, confirmation half"
    return Predicted(f.metric, -effect, -high, -low, f.facts["wrote"], method, f.where)
