"""Rules about arms: which to keep, which to stop, and for whom."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, Predicted, Text, practical, shrunken, text, undone
from recux.suggest.family import discoveries
from recux.suggest.finding import Finding
from recux.suggest.rules.wording import begun, metric_text, segment_text

NOT_OTHER_METRICS = text("Other metrics may move the other way.", "其他指标可能向相反方向变化。")


def arm_better(findings: Sequence[Finding]) -> Iterator[Draft]:
    """An arm beats the control on the primary metric: make it the default."""
    for f in discoveries(findings, "arm"):
        effect = shrunken(f.value, f.low, f.high)
        if effect >= practical(f.metric):
            names, called = {"arm": f.where["arm"], "control": f.where["control"]}, metric_text(f.metric)
            yield Draft(
                rule="arm_better",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "Arm {arm} is better than {control} by {value:.2f} on {called[en]} ({low:.2f} to {high:.2f})",
                    "方案 {arm} 在 {called[zh_CN]} 上比 {control} 高 {value:.2f}（{low:.2f} 至 {high:.2f}）",
                    value=f.value,
                    low=f.low,
                    high=f.high,
                    called=called,
                    **names,
                ),
                change=text(
                    "Give arm {arm} to most people; keep at least 20 % in {control} to see whether it lasts.",
                    "让多数人使用方案 {arm}；至少保留 20% 的人在 {control}，以检验效果是否持续。",
                    **names,
                ),
                predicted=_moved(f, effect),
                guardrails=("typical_ms", "any_failure"),
                against=(NOT_OTHER_METRICS,),
                plan={"arm": f.where["arm"], "control": f.where["control"]},
            )


def _moved(f: Finding, effect: float) -> Predicted:
    return Predicted(f.metric, effect, f.low, f.high, f.n, f"shrunken; {f.method}", {})


def arm_worse(findings: Sequence[Finding]) -> Iterator[Draft]:
    """An arm loses to the control on the primary metric: stop it."""
    for f in discoveries(findings, "arm"):
        if -shrunken(f.value, f.low, f.high) >= practical(f.metric):
            names, called = {"arm": f.where["arm"], "control": f.where["control"]}, metric_text(f.metric)
            yield Draft(
                rule="arm_worse",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "Arm {arm} is worse than {control} by {value:.2f} on {called[en]} ({low:.2f} to {high:.2f})",
                    "方案 {arm} 在 {called[zh_CN]} 上比 {control} 低 {value:.2f}（{low:.2f} 至 {high:.2f}）",
                    value=-f.value,
                    low=-f.high,
                    high=-f.low,
                    called=called,
                    **names,
                ),
                change=text(
                    "Stop arm {arm}, or change it before it goes on; its people get {control}.",
                    "停用方案 {arm}，或改进后再继续；其用户改用 {control}。",
                    **names,
                ),
                predicted=undone(f, metric=f.metric),
                guardrails=("typical_ms", "any_failure"),
                against=(NOT_OTHER_METRICS,),
                plan={"arm": f.where["control"], "control": f.where["arm"]},
            )


def arm_fails_segment(findings: Sequence[Finding]) -> Iterator[Draft]:
    """An arm is worse than the control for some people or some kind of item: use the control there."""
    for f in discoveries(findings, "arm_segment"):
        if -shrunken(f.value, f.low, f.high) >= practical(f.metric):
            yield _segment_draft(
                f,
                "arm_fails_segment",
                ("worse", "低"),
                change=text(
                    "Use {control} instead of {arm} there, or find out what {arm} does differently.",
                    "在此处用 {control} 代替 {arm}，或查明 {arm} 的不同之处。",
                    **_arms(f),
                ),
                predicted=undone(f),
                plan={"arm": f.where["control"], "control": f.where["arm"]},
            )


def arm_suits_segment(findings: Sequence[Finding]) -> Iterator[Draft]:
    """An arm is better than the control for some people or some kind of item: use it there."""
    for f in discoveries(findings, "arm_segment"):
        effect = shrunken(f.value, f.low, f.high)
        if effect >= practical(f.metric):
            where = {key: value for key, value in f.where.items() if key not in ("arm", "control")}
            yield _segment_draft(
                f,
                "arm_suits_segment",
                ("better", "高"),
                change=text(
                    "Use {arm} there, whatever others get.", "在此处使用 {arm}，无论其他人使用什么。", **_arms(f)
                ),
                predicted=Predicted(f.metric, effect, f.low, f.high, f.n, f"shrunken; {f.method}", where),
                plan=_arms(f),
            )


def _arms(f: Finding) -> dict[str, str]:
    return {"arm": f.where["arm"], "control": f.where["control"]}


def _segment_draft(
    f: Finding, rule: str, word: tuple[str, str], *, change: Text, predicted: Predicted, plan: dict[str, str]
) -> Draft:
    place = segment_text(f.where)
    numbers = {"value": abs(f.value), "low": min(abs(f.low), abs(f.high)), "high": max(abs(f.low), abs(f.high))}
    rated, called = f.metric == "mean_rating", metric_text(f.metric)
    title = text(
        "{place}: arm {arm} is {word} than {control} by {value:.2f} {unit} ({low:.2f} to {high:.2f})",
        "{place_zh}：方案 {arm} 的{unit_zh}比 {control} {word_zh} {value:.2f}（{low:.2f} 至 {high:.2f}）",
        unit="rating points" if rated else f"on {called['en']}",
        unit_zh="评分" if rated else called["zh_CN"],
        place=place["en"],
        place_zh=place["zh_CN"],
        word=word[0],
        word_zh=word[1],
        **_arms(f),
        **numbers,
    )
    return Draft(
        rule=rule,
        version=1,
        category="algorithm",
        finding=f,
        title=begun(title),
        change=change,
        predicted=predicted,
        guardrails=(f.metric,),
        against=(tried_text(f),),
        plan=plan,
    )


def tried_text(f: Finding) -> Text:
    """How many places were searched."""
    return text(
        "Found among {tried} comparisons; the estimate is from people who were not used to find it.",
        "从 {tried} 个比较中发现；估计值来自未用于发现的人。",
        tried=f.tried,
    )
