"""Rules about the recommender as a service: slow, failing, beyond its objective."""

from collections.abc import Iterator, Sequence

from recux.suggest.draft import Draft, aimed, practical, shrunken, text, undone
from recux.suggest.family import counts, discoveries
from recux.suggest.finding import Finding

SLOWER = 1.2
"""Times the control's response time from which a slower arm is worth a change."""


def once_an_arm(found: Sequence[Finding]) -> list[Finding]:
    """The largest gap of each arm: a bad control would be named once for every arm that it is compared with."""
    ordered = sorted(found, key=lambda f: -f.value)
    return list({f.where["arm"]: f for f in reversed(ordered)}.values())


def slow_arm(findings: Sequence[Finding]) -> Iterator[Draft]:
    """An arm answers later than the control, or the control later than an arm."""
    for f in once_an_arm(discoveries(findings, "slow_arm")):
        if f.value >= practical(f.metric) and f.facts["times"] >= SLOWER:
            facts = {**f.where, "value": f.value, "low": f.low, "high": f.high, "times": f.facts["times"]}
            yield Draft(
                rule="slow_arm",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "Arm {arm} answers {value:.0f} ms later than {control} ({low:.0f} to {high:.0f} ms;"
                    " {times:.1f} times as long)",
                    "{arm} 比 {control} 慢 {value:.0f} 毫秒（{low:.0f} 至 {high:.0f} 毫秒；耗时为 {times:.1f} 倍）",
                    **facts,
                ),
                change=text(
                    "Make {arm} faster: cache its lists, prepare them beforehand, or ask it for fewer candidates.",
                    "加快 {arm}：缓存列表、提前生成，或减少候选数量。",
                    **facts,
                ),
                predicted=undone(f, arm=f.where["arm"]),
                guardrails=("mean_rating",),
                against=(text("Slowness by itself need not cost satisfaction.", "慢本身未必降低满意度。"),),
                plan={"control": f.where["arm"]},
            )


def failing_arm(findings: Sequence[Finding]) -> Iterator[Draft]:
    """More people meet a failed request in an arm than in the control, or the other way round."""
    for f in once_an_arm(discoveries(findings, "failing_arm")):
        if shrunken(f.value, f.low, f.high) >= practical(f.metric):
            facts = {**f.where, "share": f.facts["share_arm"], "base": f.facts["share_control"]}
            yield Draft(
                rule="failing_arm",
                version=1,
                category="algorithm",
                finding=f,
                title=text(
                    "In arm {arm} {share:.0%} of people meet a failed request, in {control} {base:.0%}",
                    "方案 {arm} 中 {share:.0%} 的人遇到请求失败，{control} 中为 {base:.0%}",
                    **facts,
                ),
                change=text(
                    "Find the cause of the failures of {arm}; until then fall back to {control} when it fails.",
                    "查明 {arm} 失败的原因；在此之前失败时退回到 {control}。",
                    **facts,
                ),
                predicted=undone(f, arm=f.where["arm"]),
                guardrails=("mean_rating", "typical_ms"),
                plan={"control": f.where["arm"]},
            )


def objective_missed(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Requests take longer, or fail more often, than the objective allows, in all arms together."""
    for f in counts(findings, "objective"):
        title, change, allowed = _SLOW if f.metric == "slow_share" else _FAILING
        facts = {"value": f.value, "low": f.low, **f.facts}
        yield Draft(
            rule="objective_missed",
            version=2,
            category="algorithm",
            finding=f,
            title=text(*title, **facts),
            change=text(*change, **facts),
            predicted=aimed(f, f.facts["target"] if allowed is None else allowed),
            guardrails=("any_failure", "mean_rating") if f.metric == "slow_share" else ("typical_ms", "mean_rating"),
        )


_SLOW = (
    (
        "The 95th percentile of response time is {p95:.0f} ms (at least {p95_low:.0f}); the objective is"
        " {target:.0f} ms",
        "响应时间的第 95 百分位为 {p95:.0f} 毫秒（至少 {p95_low:.0f}）；目标为 {target:.0f} 毫秒",
    ),
    (
        "Look at the slowest requests listed here; time out and fall back beyond {target:.0f} ms.",
        "查看此处列出的最慢请求；超过 {target:.0f} 毫秒时超时并退回。",
    ),
    0.05,  # of the requests may be slower than the 95th percentile
)
_FAILING = (
    (
        "{value:.1%} of requests fail (at least {low:.1%}); the objective is {target:.1%}",
        "{value:.1%} 的请求失败（至少 {low:.1%}）；目标为 {target:.1%}",
    ),
    (
        "Find the cause in the failed requests listed here; until then answer from a list that was prepared before.",
        "从此处列出的失败请求中查明原因；在此之前用事先准备的列表作答。",
    ),
    None,
)
"""Title, change, and the share that is allowed; None for the objective itself."""


def slowness_costs_ratings(findings: Sequence[Finding]) -> Iterator[Draft]:
    """Within the same arm, people who waited longer rate lower."""
    for f in discoveries(findings, "slowness"):
        if -shrunken(f.value, f.low, f.high) >= practical(f.metric):
            facts = {"gap": -f.value, "spread": f.facts["spread"]}
            yield Draft(
                rule="slowness_costs_ratings",
                version=1,
                category="interface",
                finding=f,
                title=text(
                    "People whose lists take {spread:.1f} times as long rate {gap:.2f} points lower in the same arm",
                    "同一方案中，列表耗时为 {spread:.1f} 倍的人评分低 {gap:.2f} 分",
                    **facts,
                ),
                change=text(
                    "Show something while the list is being made, and prepare the next list in advance.",
                    "生成列表时先显示内容，并提前准备下一个列表。",
                ),
                predicted=undone(f),
                guardrails=("any_failure",),
                against=(
                    text(
                        "An association: slow connections and busy hours may have other ties to ratings.",
                        "这是相关关系：慢速网络和繁忙时段可能以其他方式影响评分。",
                    ),
                ),
            )
