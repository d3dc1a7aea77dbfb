"""Rules about how feedback is asked for."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, aimed, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding

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
BY_DEFINITION = text("A count of what was collected, not a test.", "这是对已收集数据的计数，不是检验。")


def careless_answers(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Some people rate everything alike, or faster than anybody reads."""
    for f in counts(findings, "careless"):
        yield Draft(
            rule="careless_answers",
            version=1,
            category="feedback",
            finding=f,
            title=text(
                "{people} people ({share:.0%}) rate everything alike or faster than one can read",
                "{people} 人（{share:.0%}）对所有内容评分相同，或快于阅读速度",
                people=f.facts["people"],
                share=f.value,
            ),
            change=text(
                "Look at the figures without them, add one attention check, and shorten the list.",
                "查看去除他们后的数据，加入一个注意力检查，并缩短列表。",
            ),
            predicted=undone(f),
            guardrails=("response_rate",),
            against=(
                text("Some may really find everything equally good.", "有些人可能确实觉得都一样。"),
                BY_DEFINITION,
            ),
        )


def few_comments(findings: Sequence[Finding]) -> Iterator[Draft]:
    """So few ratings carry a comment that nobody learns why."""
    for f in counts(findings, "comment_rate"):
        if f.high < FEW_COMMENTS:
            yield Draft(
                rule="few_comments",
                version=1,
                category="feedback",
                finding=f,
                title=text(
                    "Only {share:.1%} of ratings carry a comment (at most {high:.1%})",
                    "只有 {share:.1%} 的评分附有评论（至多 {high:.1%}）",
                    share=f.value,
                    high=f.high,
                ),
                change=text(
                    "Ask for a reason after a low rating, in one short question, and say what it is used for.",
                    "在低分之后用一个简短问题询问原因，并说明用途。",
                ),
                predicted=aimed(f, COMMENTS_AIM),
                guardrails=("drop_off",),
                against=(BY_DEFINITION,),
            )


def people_leave(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Many of those who came to a step do not go on."""
    for f in counts(findings, "drop_off"):
        if f.low > MUCH_LOST:
            before, after = STEP_NAMES[f.where["from"]], STEP_NAMES[f.where["step"]]
            yield Draft(
                rule="people_leave",
                version=1,
                category="feedback",
                finding=f,
                title=text(
                    "{share:.0%} of people leave between {before} and {after}",
                    "{share:.0%} 的人在{before_zh}与{after_zh}之间离开",
                    share=f.value,
                    before=before[0],
                    after=after[0],
                    before_zh=before[1],
                    after_zh=after[1],
                ),
                change=text(
                    "Ask for less at this step: fewer items, fewer questions, and show how much is left.",
                    "减少这一步的要求：更少的内容、更少的问题，并显示剩余进度。",
                ),
                predicted=aimed(f, LOST_AIM),
                guardrails=("comment_rate",),
                against=(BY_DEFINITION,),
            )


def question_says_nothing(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Nearly everybody gives the same answer to a question."""
    for f in counts(findings, "same_answer"):
        yield Draft(
            rule="question_says_nothing",
            version=1,
            category="feedback",
            finding=f,
            title=text(
                "{share:.0%} of people give the same answer to {question}",
                "{share:.0%} 的人对 {question} 给出相同回答",
                share=f.value,
                question=f.where["question"],
            ),
            change=text(
                "Reword the question so that answers can differ, or drop it.",
                "修改问题的措辞使回答有所区分，或删除该问题。",
            ),
            predicted=aimed(f, 0.8),
            guardrails=("response_rate",),
            against=(BY_DEFINITION,),
        )


def unreliable_construct(findings: Sequence[Finding]) -> Iterator[Draft]:
    """The questions of a construct do not measure one thing."""
    for f in counts(findings, "alpha"):
        if f.high < UNRELIABLE:
            yield Draft(
                rule="unreliable_construct",
                version=1,
                category="feedback",
                finding=f,
                title=text(
                    "The questions of {construct} do not agree: alpha {alpha:.2f} (at most {high:.2f})",
                    "{construct} 的问题不一致：alpha 为 {alpha:.2f}（至多 {high:.2f}）",
                    construct=f.where["construct"],
                    alpha=f.value,
                    high=f.high,
                ),
                change=text(
                    "Check for a reverse-keyed or misread question; until then report its questions one by one.",
                    "检查是否有反向计分或易误读的问题；在此之前逐题报告。",
                ),
                predicted=aimed(f, UNRELIABLE),
                guardrails=("response_rate",),
                against=(BY_DEFINITION,),
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
