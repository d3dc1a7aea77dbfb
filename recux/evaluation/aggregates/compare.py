"""Comparisons of arms from the kept sums."""

from collections.abc import Sequence

import numpy as np

from recux.evaluation.aggregates.fields import range_of
from recux.evaluation.aggregates.kept import Kept
from recux.evaluation.aggregates.read import construct_moments, nps_counts
from recux.evaluation.aggregates.sums import Sums
from recux.evaluation.experiment import SAME_PEOPLE, Compared, Comparison, judged, words
from recux.evaluation.mix import MixCheck, check_of
from recux.evaluation.recommendation import RATES
from recux.evaluation.values import margin_of
from recux.instruments import Instruments
from recux.stats import Difference, compare_proportions
from recux.stats.crossover import crossover_of
from recux.stats.means import paired_of, welch_of
from recux.stats.mix import mix_of_counts, standardised_of
from recux.stats.net_promoter import compare_nps_counts


def comparisons(
    kept: Kept,
    arms: Sequence[str],
    primary: str,
    *,
    split_ok: bool | None,
    crossover: bool,
    instruments: Instruments,
) -> list[Comparison]:
    """Every arm against the first, by the primary metric and then by the others that were measured."""
    everyone, control = kept.sums(""), arms[0] if arms else ""
    others = [metric for metric in measured_in(everyone, set(kept.recorded)) if metric != primary]
    pairs = [(metric, arm) for metric in (primary, *others) for arm in arms[1:]]
    found = [_compared(metric, kept, (control, arm), crossover, instruments) for metric, arm in pairs]
    return judged(found, control, primary, split_ok=split_ok)


def measured_in(sums: Sums, recorded: set[str]) -> list[str]:
    """The metrics, besides constructs, that these sums can be compared by."""
    found = ["mean_rating"] if sums.people("mean_rating") else []
    found += [name for name in ("nps", "csat", "ces", "sus", "umux_lite") if sums.people(f"asked.{name}")]
    return found + [name for name, (_, kind) in RATES.items() if kind in recorded and sums.people("n.shown")]


def _compared(metric: str, kept: Kept, arms: tuple[str, str], crossover: bool, instruments: Instruments) -> Compared:
    control, arm = arms
    a, b, (low, width) = kept.sums(control), kept.sums(arm), range_of(metric, instruments)
    rate = a.ratio(metric) if metric in RATES else None
    margin = margin_of(metric, instruments, rate.ratio if rate is not None and rate.bottom else None)
    if crossover or _same_people(kept, arm, control):
        inside = _scaled(_within(metric, kept.sums(""), arm, control), width)
        return Compared(metric, arm, inside, margin, within=True)
    result = between_sums(metric, a, b, (low, width))
    mix = mix_of_sums(metric, (a, b), kept.cohorts, result, width=width, what=words(metric, arm, control))
    return Compared(metric, arm, result, margin, within=False, mix=mix)


def mix_of_sums(
    metric: str, pair: tuple[Sums, Sums], cohorts: Sequence[str], crude: Difference, *, width: float, what: str
) -> MixCheck | None:
    """The check of the cohorts of the people who have this metric; ``what`` names the difference, and what is kept is
    multiplied by ``width``.
    """
    a, b = pair
    name = f"score.{metric}" if "." in metric else metric
    codes = {cohorts[int(code)]: code for one in (a, b) for code in one.kinds.get(name, {})}
    found = [(kind, a.of_kind(name, codes[kind]), b.of_kind(name, codes[kind])) for kind in sorted(codes)]
    found = [(kind, x, y) for kind, x, y in found if x.n + y.n]
    first, second = np.array([(x.n, y.n) for _, x, y in found], dtype=np.int64).reshape(-1, 2).T
    mix = mix_of_counts([kind for kind, _, _ in found], first, second)
    parts = [(x, y) for _, x, y in found]
    return check_of(mix, lambda: _scaled(standardised_of(parts), width), crude.difference, what)


def between_sums(metric: str, a: Sums, b: Sums, of: tuple[float, float]) -> Difference:
    """B minus a of different people; ``of`` is the lowest value of a construct and the width of its range."""
    if metric == "nps":
        return compare_nps_counts(nps_counts(a), nps_counts(b))
    if metric == "csat":
        pairs = [(round(one.total("csat")), one.people("csat")) for one in (a, b)]
        return compare_proportions(*pairs[0], *pairs[1])
    if metric in RATES:
        return welch_of(a.ratio(metric).linearised(), b.ratio(metric).linearised())
    if "." in metric:
        return welch_of(*(construct_moments(one, metric, *of) for one in (a, b)))
    return welch_of(a.moments(metric), b.moments(metric))


def _within(metric: str, everyone: Sums, arm: str, control: str) -> Difference:
    names = [f"{side}.{control}.{arm}.{metric}" for side in ("first", "then")]
    first, then = (everyone.moments(name) for name in names)
    if min(first.n, then.n) >= 2:
        return crossover_of(first, then).effect
    both = Sums()
    for name in names:
        both.add(Sums({f"first.{control}.{arm}.{metric}": everyone.values.get(name, [0.0] * 4)}), 1)
    return paired_of(both.moments(names[0]))


def _scaled(result: Difference, width: float) -> Difference:
    """NPS is kept as -1, 0, 1 a person, constructs as shares of their range."""
    if width == 1 or result.difference is None or result.ci_low is None or result.ci_high is None:
        return result
    ends = (width * result.difference, width * result.ci_low, width * result.ci_high)
    return Difference(*ends, result.p, result.n_a, result.n_b, result.method, width * (result.se or 0.0), result.reason)


def _same_people(kept: Kept, arm: str, control: str) -> bool:
    both = sum(kept.sums("").people(f"{side}.{control}.{arm}.mean_rating") for side in ("first", "then"))
    either = kept.sums(arm).people("n.ratings") + kept.sums(control).people("n.ratings") - both
    return both > 0 and both >= SAME_PEOPLE * either
