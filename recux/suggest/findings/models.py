"""Problems of the round's models: worse than a baseline, overconfident, forgetful, unfair."""

from collections.abc import Mapping
from math import comb, hypot, sqrt
from typing import Any

from scipy import stats

from recux.suggest import family
from recux.suggest.finding import Finding
from recux.suggest.frames import Evidence, ModelFact

PERFECT_ECE = 1.4
"""Calibration error of a perfect model: its 95th percentile is about 1.4 / sqrt(n) (measured at n = 2,000)."""


def models(e: Evidence) -> list[Finding]:
    """Everything about the models of this round. All but the comparison of cohorts, which looks for the largest of
    many gaps, are counts: the held-out people are few and fixed.
    """
    return [
        *worse_than_baseline(e),
        *miscalibrated(e),
        *forgetting(e),
        *family.equal_shares(unfair(e), family.OTHERS / 6),
    ]


def worse_than_baseline(e: Evidence) -> list[Finding]:
    """Log-loss of the fine-tuned encoder minus that of the best baseline, for each head."""
    found = []
    for head, encoder in _encoders(e).items():
        rivals = [m for m in e.models if m.head == head and m.baseline and m.round == encoder.round]
        scored = [(figure["value"], m.name) for m in rivals if (figure := _figure(m.metrics, "log_loss"))]
        ours = _figure(encoder.metrics, "log_loss")
        if not scored or not ours:
            continue
        best, name = min(scored)
        found.append(
            _finding(
                ours,
                kind="baseline",
                metric="log_loss_gap",
                less=best,
                definition="held-out log-loss of the fine-tuned model minus that of the best baseline",
                where={"head": head},
                facts={"baseline": name, "ours": ours["value"], "theirs": best},
            )
        )
    return found


def miscalibrated(e: Evidence) -> list[Finding]:
    """Calibration error of each encoder, with what a perfect model would show at this n."""
    found = []
    for head, encoder in _encoders(e).items():
        ours = _figure(encoder.metrics, "ece")
        if ours and ours.get("n"):
            found.append(
                _finding(
                    ours,
                    kind="ece",
                    metric="ece",
                    less=0.0,
                    definition="expected calibration error on held-out people",
                    where={"head": head},
                    facts={"perfect": PERFECT_ECE / sqrt(ours["n"])},
                )
            )
    return found


def forgetting(e: Evidence) -> list[Finding]:
    """The earlier round on which this round's encoder lost most against the encoder of the round before."""
    found = []
    for head, encoder in _encoders(e).items():
        before = [m for m in e.models if m.head == head and not m.baseline and m.round == e.round_number - 1]
        losses = [loss for m in before[:1] for loss in _losses(encoder, m, head)]
        if losses:
            found.append(max(losses, key=lambda f: f.value))
    return found


def unfair(e: Evidence) -> list[Finding]:
    """The cohort that each encoder serves worst against the one that it serves best, tested as the largest gap of all
    pairs (Bonferroni); the intervals of the two errors give the standard error.
    """
    found = []
    for head, encoder in _encoders(e).items():
        cohorts = (encoder.metrics.get("closer") or {}).get("cohorts") or {}
        errors = {cohort: figure for cohort, figure in cohorts.items() if _known(figure)}
        if len(errors) > 1:
            worst, best = (pick(errors, key=lambda cohort: errors[cohort]["value"]) for pick in (max, min))
            found.append(_unfair(head, (worst, errors[worst]), (best, errors[best]), comb(len(errors), 2)))
    return [finding for finding in found if finding is not None]


Error = tuple[str, Mapping[str, Any]]
"""A cohort and the model's error on it."""


def _unfair(head: str, worst: Error, best: Error, pairs: int) -> Finding | None:
    gap = worst[1]["value"] - best[1]["value"]
    se = hypot(*((figure["ci_high"] - figure["ci_low"]) / (2 * 1.96) for _, figure in (worst, best)))
    if not se > 0:
        return None
    return Finding(
        kind="unfair",
        metric="error_gap",
        value=gap,
        low=gap - 1.96 * se,
        high=gap + 1.96 * se,
        n=int(sum(figure.get("n") or 0 for _, figure in (worst, best))),
        definition="mean error on held-out people of the cohort served worst, minus that of the one served best",
        method=f"from the intervals of both, the largest of {pairs} pairs",
        where={"head": head},
        p=min(1.0, pairs * float(2 * stats.norm.sf(gap / se))),
        tried=pairs,
        facts={"worst": worst[0], "best": best[0], "error": worst[1]["value"], "least": best[1]["value"]},
    )


def _losses(now: ModelFact, before: ModelFact, head: str) -> list[Finding]:
    ours, theirs = now.metrics.get("by_round", {}), before.metrics.get("by_round", {})
    return [
        _finding(
            ours[number],
            kind="forgetting",
            metric="forgetting",
            less=theirs[number]["value"],
            definition="held-out log-loss on an earlier round, minus that of the model of the round before",
            where={"head": head, "round": number},
        )
        for number in ours
        if _known(ours[number]) and _known(theirs.get(number, {}))
    ]


def _encoders(e: Evidence) -> dict[str, ModelFact]:
    return {m.head: m for m in e.models if not m.baseline and m.round == e.round_number}


def _figure(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    figure = metrics.get(name)
    return figure if isinstance(figure, Mapping) and _known(figure) else None


def _known(figure: Mapping[str, Any]) -> bool:
    return all(figure.get(key) is not None for key in ("value", "ci_low", "ci_high"))


def _finding(figure: Mapping[str, Any], *, less: float, **rest: Any) -> Finding:
    return Finding(
        value=figure["value"] - less,
        low=figure["ci_low"] - less,
        high=figure["ci_high"] - less,
        n=int(figure.get("n") or 0),
        method=str(figure.get("method") or ""),
        **rest,
    )


def measure(e: Evidence, metric: str, where: Mapping[str, str]) -> tuple[float, float] | None:
    """Value and half width of a model figure of a round, for the judging round; None when it is not there."""
    for finding in models(e):
        if finding.metric == metric and finding.where.get("head") == where.get("head"):
            return finding.value, (finding.high - finding.low) / 2
    return None
