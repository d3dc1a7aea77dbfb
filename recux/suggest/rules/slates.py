"""Rules about how lists are put together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from recux.suggest.draft import Draft, Predicted, practical, shrunken, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding
from recux.suggest.rules.counted import counted

GOOD = 3.5
"""Mean rating from which the end of a list is worth keeping."""
MUCH_OF_THE_SAME = 0.2
REPEATED = 0.05
ASSOCIATION = text(
    "A comparison within people, not an experiment: try it as an arm.", "这是人内比较而非实验：请作为方案试行。"
)


def good_items_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People like the end of the list better than its beginning: the order is wrong."""
    for f in discoveries(findings, "order"):
        effect = shrunken(f.value, f.low, f.high)
        if effect >= practical(f.metric):
            yield Draft(
                rule="good_items_low",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "The last third of the list is rated {value:.2f} points higher than the first"
                    " ({low:.2f} to {high:.2f})",
                    "列表后三分之一的评分比前三分之一高 {value:.2f} 分（{low:.2f} 至 {high:.2f}）",
                    value=f.value,
                    low=f.low,
                    high=f.high,
                ),
                change=text(
                    "Re-rank the list with the model that was fine-tuned on these ratings.",
                    "用根据这些评分微调的模型对列表重新排序。",
                ),
                predicted=Predicted(
                    f.metric, effect, f.low, f.high, f.n, f"the ends change places, shrunken; {f.method}",
                    {"position": "early"},
                ),
                guardrails=("mean_rating", "typical_ms"),
                against=(ASSOCIATION,),
                trial={"source": "rerank"},
            )  # fmt: skip


def tail_disappoints(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The end of the list is rated low: make it shorter."""
    for f in discoveries(findings, "tail"):
        dropped = replace(undone(f, scale=1 / 3), where={})  # a shorter list is judged as a whole
        if dropped.value >= practical(f.metric) and f.facts["late"] < GOOD:
            size = max(1, round(f.facts["size"] * 2 / 3))
            yield Draft(
                rule="tail_disappoints",
                version=1,
                category="interface",
                finding=f,
                title=text(
                    "The last third of the list is rated {late:.2f} on average, {gap:.2f} below the rest",
                    "列表后三分之一的平均评分为 {late:.2f}，比其余部分低 {gap:.2f}",
                    late=f.facts["late"],
                    gap=-f.value,
                ),
                change=text("Cap the list at {size} items.", "将列表限制为 {size} 项。", size=size),
                predicted=dropped,
                guardrails=("drop_off",),
                against=(
                    ASSOCIATION,
                    text("People get fewer items to choose from.", "可供选择的内容变少。"),
                ),
                trial={"options": {"slate_size": size}},
            )


def more_of_the_same(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The third item of a category in a list is liked less than it would be alone: diversify."""
    for f in discoveries(findings, "sameness"):
        gain = undone(f, scale=f.facts["share"])
        if f.facts["share"] >= MUCH_OF_THE_SAME and gain.value >= practical(f.metric) / 2:
            yield Draft(
                rule="more_of_the_same",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "Items with two of their category above them are rated {gap:.2f} lower ({share:.0%} of items)",
                    "上方已有两个同类内容的项目评分低 {gap:.2f}；此类项目占 {share:.0%}",
                    gap=-f.value,
                    share=f.facts["share"],
                ),
                change=text(
                    "Diversify the list: at most two items of one category near each other.",
                    "使列表多样化：相邻位置同一类别至多两项。",
                ),
                predicted=gain,
                guardrails=("typical_ms",),
                against=(ASSOCIATION,),
                trial={"options": {"diversity": 0.3}},
            )


def popularity_bias(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Few items take half of the places, and people like the others better."""
    for f in discoveries(findings, "popularity"):
        effect = shrunken(f.value, f.low, f.high) * f.facts["share"]
        if effect >= practical(f.metric):
            share, items = f.facts["share"], f.facts["items"]
            yield Draft(
                rule="popularity_bias",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "{items} items take half of all places, and people rate the others {value:.2f} points higher",
                    "{items} 个内容占据一半位置，而人们对其他内容的评分高 {value:.2f} 分",
                    items=items,
                    value=f.value,
                ),
                change=text(
                    "Give rarely shown items more of the places, for example by weighing the score against exposure.",
                    "让较少展示的内容获得更多位置，例如按曝光量对得分加权。",
                ),
                predicted=Predicted(
                    f.metric, effect, f.low * share, f.high * share, f.n, f"gap times share, shrunken; {f.method}", {}
                ),
                guardrails=("typical_ms",),
                against=(ASSOCIATION,),
                trial={"source": "rerank"},
            )


def repeated_items(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People are shown what they were shown before."""
    for f in counts(findings, "repeated"):
        if f.low > REPEATED:
            yield counted(
                "repeated_items",
                "algorithm",
                f,
                title=(
                    "{value:.0%} of places show an item that the person had been shown before ({people} people)",
                    "{value:.0%} 的位置展示了此人以前看过的内容（{people} 人）",
                ),
                change=(
                    "Leave out what a person has already been shown, at least within the pilot.",
                    "至少在试点期间，不再展示此人已看过的内容。",
                ),
                predicted=undone(f),
                guardrails=("mean_rating",),
                against=(text("In some domains people want to see a thing again.", "在某些领域人们希望再次看到。"),),
            )
