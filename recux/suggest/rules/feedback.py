"""Rules about how feedback is asked for."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, aimed, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding
from recux.suggest.outcomes import RATING
from recux.suggest.rules.counted import counted

FEW_COMMENTS, COMMENTS_AIM = 0.15, 0.20
MUCH_LOST, LOST_AIM = 0.25, 0.20
UNRELIABLE = 0.70
"""Alpha below which a construct's score mixes several things (Nunnally 1978)."""
STEP_NAMES = {
    "shown": ("seeing the list", "看到列表"),
    "rated": ("the first rating", "第一次评分"),
    "rated_all": ("the last rating", "最后一次评分"),
    "answered": ("the questionnaire", "问卷"),
}


def careless_answers(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Some people rate everything alike, or faster than anybody reads."""
    for f in counts(findings, "careless"):
        yield counted(
            "careless_answers",
            "feedback",
            f,
            title=(
                "{people} people ({value:.0%}) rate everything alike or faster than one can read",
                "{people} 人（{value:.0%}）对所有内容评分相同，或快于阅读速度",
            ),
            change=(
                "Look at the figures without them, add one attention check, and shorten the list.",
                "查看去除他们后的数据，加入一个注意力检查，并缩短列表。",
            ),
            predicted=undone(f),
            guardrails=("response_rate",),
            against=(text("Some may really find everything equally good.", "有些人可能确实觉得都一样。"),),
        )


def few_comments(findings: Sequence[Finding]) -> Iterator[Draft]:
    """So few ratings carry a comment that nobody learns why."""
    for f in counts(findings, "comment_rate"):
        if f.high < FEW_COMMENTS:
            yield counted(
                "few_comments",
                "feedback",
                f,
                title=(
                    "Only {value:.1%} of ratings carry a comment (at most {high:.1%})",
                    "只有 {value:.1%} 的评分附有评论（至多 {high:.1%}）",
                ),
                change=(
                    "Ask for a reason after a low rating, in one short question, and say what it is used for.",
                    "在低分之后用一个简短问题询问原因，并说明用途。",
                ),
                predicted=aimed(f, COMMENTS_AIM),
                guardrails=("drop_off",),
            )


def people_leave(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Many of those who came to a step do not go on."""
    for f in counts(findings, "drop_off"):
        if f.low > MUCH_LOST:
            (before, before_zh), (after, after_zh) = STEP_NAMES[f.where["from"]], STEP_NAMES[f.where["step"]]
            yield counted(
                "people_leave",
                "feedback",
                f,
                title=(
                    "{value:.0%} of people leave between {before} and {after}",
                    "{value:.0%} 的人在{before_zh}与{after_zh}之间离开",
                ),
                change=(
                    "Ask for less at this step: fewer items, fewer questions, and show how much is left.",
                    "减少这一步的要求：更少的内容、更少的问题，并显示剩余进度。",
                ),
                predicted=aimed(f, LOST_AIM),
                guardrails=("comment_rate",),
                more={"before": before, "before_zh": before_zh, "after": after, "after_zh": after_zh},
            )


def question_says_nothing(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Nearly everybody gives the same answer to a question."""
    for f in counts(findings, "same_answer"):
        yield counted(
            "question_says_nothing",
            "feedback",
            f,
            title=_ALIKE if f.where["question"] == RATING else _SAME,
            change=(
                "Reword the question so that answers can differ, or drop it.",
                "修改问题的措辞使回答有所区分，或删除该问题。",
            ),
            predicted=aimed(f, 0.8),
            guardrails=("response_rate",),
        )


_SAME = (
    "{value:.0%} of people give the same answer to {question}",
    "{value:.0%} 的人对 {question} 给出相同回答",
)
_ALIKE = ("{value:.0%} of all ratings are the same number of stars", "{value:.0%} 的评分是相同的星数")


def unreliable_construct(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The questions of a construct do not measure one thing."""
    for f in counts(findings, "alpha"):
        if f.high < UNRELIABLE:
            yield counted(
                "unreliable_construct",
                "feedback",
                f,
                title=(
                    "The questions of {construct} do not agree: alpha {value:.2f} (at most {high:.2f})",
                    "{construct} 的问题不一致：alpha 为 {value:.2f}（至多 {high:.2f}）",
                ),
                change=(
                    "Check for a reverse-keyed or misread question; until then report its questions one by one.",
                    "检查是否有反向计分或易误读的问题；在此之前逐题报告。",
                ),
                predicted=aimed(f, UNRELIABLE),
                guardrails=("response_rate",),
            )


def cohort_does_not_answer(findings: Sequence[Finding]) -> Iterator[Draft]:
    """A cohort that was shown something rates less often than others."""
    for f in discoveries(findings, "non_response"):
        if f.value <= -0.1:
            facts = {"cohort": f.where["cohort"], "share": f.facts["share"], "rest": f.facts["share_rest"]}
            yield Draft(
                rule="cohort_does_not_answer",
                version=1,
                category="feedback",
                finding=f,
                title=text(
                    "{share:.0%} of cohort {cohort} answer, {rest:.0%} of all others",
                    "人群“{cohort}”中 {share:.0%} 的人作答，其他人为 {rest:.0%}",
                    **facts,
                ),
                change=text(
                    "Remind cohort {cohort}, in its language and at another time of day; weigh its answers until then.",
                    "以其语言并在其他时段提醒人群“{cohort}”；在此之前对其回答加权。",
                    **facts,
                ),
                predicted=undone(f),
                guardrails=("mean_rating",),
            )
