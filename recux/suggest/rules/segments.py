"""Rules about people and kinds of items with lower ratings, whatever the arm."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from recux.suggest.draft import Category, Draft, Text, practical, shrunken, text, undone
from recux.suggest.family import discoveries
from recux.suggest.finding import Finding
from recux.suggest.frames import TRAITS
from recux.suggest.rules.arms import tried_text
from recux.suggest.rules.wording import begun, metric_text, segment_text

NOTABLE = 2.5
"""Times the smallest effect worth having (.25 rating points). Nobody assigned people to cohorts or items to categories,
so small gaps are always there.
"""


def _low(findings: Sequence[Finding], *keys: str) -> Iterator[Finding]:
    """Discovered segments cut by exactly these keys whose gap is worth closing."""
    for f in discoveries(findings, "segment"):
        if tuple(f.where) == keys and -shrunken(f.value, f.low, f.high) >= NOTABLE * practical(f.metric):
            yield f


def group_dislikes_category(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Some people like a category less than others do: match it better for them, or show less of it."""
    for trait in TRAITS:
        for f in _low(findings, trait, "category"):
            who = segment_text({trait: f.where[trait]})
            facts = {"who": who["en"], "who_zh": who["zh_CN"], "category": f.where["category"]}
            yield _draft(
                "group_dislikes_category",
                "algorithm",
                f,
                text(
                    "{who} rate category {category} {gap:.2f} points lower than others do ({low:.2f} to {high:.2f})",
                    "{who_zh}对类别“{category}”的评分比其他人低 {gap:.2f} 分（{low:.2f} 至 {high:.2f}）",
                    **facts,
                    **_gap(f),
                ),
                text(
                    "Choose other items of {category} for them, and fewer where none fits.",
                    "为其挑选“{category}”中更合适的内容；没有合适的就少推荐。",
                    **facts,
                ),
            )


def group_minds_position(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Some people mind a part of the list more than others do: order or cap the list for them."""
    for trait in TRAITS:
        for f in _low(findings, trait, "position"):
            who, part = (segment_text({key: f.where[key]}) for key in (trait, "position"))
            facts = {"who": who["en"], "who_zh": who["zh_CN"], "part": part["en"], "part_zh": part["zh_CN"]}
            yield _draft(
                "group_minds_position",
                "interface",
                f,
                text(
                    "{who} rate {part} {gap:.2f} points lower than others do ({low:.2f} to {high:.2f})",
                    "{who_zh}对{part_zh}的评分比其他人低 {gap:.2f} 分（{low:.2f} 至 {high:.2f}）",
                    **facts,
                    **_gap(f),
                ),
                text(
                    "See how {who} meet {part}: order it for them, or show a shorter list.",
                    "查看{who_zh}如何看到{part_zh}：为其调整顺序，或展示更短的列表。",
                    **facts,
                ),
            )


def combination_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People with two traits are less satisfied than those who share only one of them."""
    for one, other in combinations(TRAITS, 2):
        for f in _low(findings, one, other):
            yield _people_draft(
                "combination_low",
                "algorithm",
                f,
                (
                    "Look at what exactly these people meet: neither trait alone explains it.",
                    "具体查看这些人遇到了什么：单独任何一个特征都无法解释。",
                ),
            )


def cohort_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A cohort is less satisfied than all others with everything it sees."""
    for f in _low(findings, "cohort"):
        yield _people_draft(
            "cohort_low",
            "algorithm",
            f,
            (
                "Look at what they are shown: fit the profile or the candidates to this cohort.",
                "检查向其展示的内容：让画像或候选内容适合这一人群。",
            ),
        )


def newcomers_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People without a history are less satisfied: the cold start."""
    for f in _low(findings, "experience"):
        if f.where["experience"] == "new":
            yield _people_draft(
                "newcomers_low",
                "algorithm",
                f,
                (
                    "Ask newcomers for their interests first, or start from what is liked by most.",
                    "先询问新用户的兴趣，或从大多数人喜欢的内容开始。",
                ),
            )


def language_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People who use one language are less satisfied: look at the wording and the items' texts."""
    for f in _low(findings, "language"):
        yield _people_draft(
            "language_low",
            "interface",
            f,
            (
                "Check the translation of pages and items, and whether enough items suit this language.",
                "检查页面与内容的翻译，以及是否有足够适合该语言的内容。",
            ),
        )


def device_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """People on one kind of device are less satisfied: look at the layout there."""
    for f in _low(findings, "device"):
        yield _people_draft(
            "device_low",
            "interface",
            f,
            (
                "Look at the pages on this device: pictures, length of the list, loading.",
                "在该设备上检查页面：图片、列表长度、加载情况。",
            ),
        )


def category_low(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Everybody rates a category lower than the rest of their list."""
    for f in _low(findings, "category"):
        facts = {"category": f.where["category"]}
        yield _draft(
            "category_low",
            "algorithm",
            f,
            text(
                "Category {category} is rated {gap:.2f} points lower than the same people's other items"
                " ({low:.2f} to {high:.2f})",
                "类别“{category}”的评分比同一批人的其他内容低 {gap:.2f} 分（{low:.2f} 至 {high:.2f}）",
                **facts,
                **_gap(f),
            ),
            text(
                "Raise the bar for items of {category} to enter a list, and check their descriptions.",
                "提高“{category}”内容进入列表的门槛，并检查其描述。",
                **facts,
            ),
        )


def _gap(f: Finding) -> dict[str, float]:
    return {"gap": -f.value, "low": -f.high, "high": -f.low}


def _people_draft(rule: str, category: Category, f: Finding, change: tuple[str, str]) -> Draft:
    who, called = segment_text(f.where), metric_text(f.metric)
    names = {"who": who["en"], "who_zh": who["zh_CN"], "called": called["en"], "called_zh": called["zh_CN"]}
    title, strict = (RATE, STRICT_RATERS) if f.metric == "mean_rating" else (SCORE, STRICT_ANSWERS)
    filled = text(title[0], title[1], **names, **_gap(f))
    return _draft(rule, category, f, filled, text(*change), text(*strict))


RATE = (
    "{who} rate {gap:.2f} points lower than everyone else ({low:.2f} to {high:.2f})",
    "{who_zh}的评分比其他所有人低 {gap:.2f} 分（{low:.2f} 至 {high:.2f}）",
)
SCORE = (
    "{called} of {who} is {gap:.2f} lower than that of everyone else ({low:.2f} to {high:.2f})",
    "{who_zh}的{called_zh}比其他所有人低 {gap:.2f}（{low:.2f} 至 {high:.2f}）",
)
STRICT_RATERS = (
    "They may simply be stricter raters: compare their questionnaire answers too.",
    "他们可能只是打分更严格：请同时比较其问卷回答。",
)
STRICT_ANSWERS = ("They may simply answer more strictly than others.", "他们可能只是回答更严格。")


def _draft(rule: str, category: Category, f: Finding, title: Text, change: Text, *against: Text) -> Draft:
    # the fine-tuned model knows people and categories, but not why a group as a whole is less satisfied
    trial = {"source": "rerank"} if {"category", "position"} & set(f.where) else None
    return Draft(
        rule=rule,
        version=1,
        category=category,
        finding=f,
        title=begun(title),
        change=change,
        predicted=undone(f),
        guardrails=(f.metric,),
        against=(tried_text(f), *against),
        trial=trial,
    )
