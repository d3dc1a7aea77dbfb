"""Figures from the kept sums: the same as from the rows, up to rounding."""

from collections.abc import Iterator, Mapping

import numpy as np

from recux.evaluation import catalogue, data_quality, recommendation, satisfaction, stability
from recux.evaluation.aggregates.calls import Calls
from recux.evaluation.aggregates.sums import Sums
from recux.evaluation.figure import FigureValue, figure, missing
from recux.evaluation.lists import METRICS
from recux.evaluation.satisfaction import construct_range
from recux.instruments import Instruments
from recux.stats import coverage, gini, proportion
from recux.stats.clusters import RatioSums, ratio_of_sums
from recux.stats.latency import latency_quantile_of_counts
from recux.stats.moments import Moments
from recux.stats.net_promoter import nps_of_counts
from recux.stats.reliability import alpha_of_covariance, omega_of_covariance
from recux.stats.scales import bounded_mean_of

Figures = dict[str, FigureValue]
THEN = " (popularity as of each person's last round)"


def of_satisfaction(sums: Sums, instruments: Instruments) -> Figures:
    """NPS, CSAT and mean rating always; what else was asked."""
    asked = {name[len("asked.") :] for name in sums.values if name.startswith("asked.") and sums.people(name)}
    said = sums.moments("csat")
    found = {
        "nps": figure(nps_of_counts(nps_counts(sums)), satisfaction.NPS),
        "csat": figure(proportion(round(sums.total("csat")), said.n), satisfaction.CSAT),
        "mean_rating": _mean_rating(sums),
    }
    scales = {
        "ces": (satisfaction.CES, (1.0, 7.0)),
        "sus": (satisfaction.SUS, (0.0, 100.0)),
        "umux_lite": (satisfaction.UMUX, satisfaction.UMUX_RANGE),
    }
    for name, (words, (low, high)) in scales.items():
        if name in asked:
            found[name] = figure(bounded_mean_of(sums.moments(name), low=low, high=high), words)
    return found | {name: figures[0] for name, figures in _constructs(sums, asked, instruments)}


def of_quality(sums: Sums, instruments: Instruments) -> Figures:
    """Reliability of every construct with several questions."""
    asked = {name[len("asked.") :] for name in sums.values if name.startswith("asked.") and sums.people(name)}
    found = list(_constructs(sums, asked, instruments))
    return {f"{name}.alpha": one[1] for name, one in found} | {f"{name}.omega": one[2] for name, one in found}


def of_recommendation(sums: Sums, *, k: int, recorded: set[str], items: int) -> Figures:
    """Rates, ranking figures at ``k``, and what the slates are like; ``items`` is the size of the catalogue."""
    rates = {
        name: _rate(sums, name, kind, kind in recorded)
        for name, (_, kind) in (recommendation.RATES | recommendation.MARKS).items()
    }
    ranking = {name: _ranked(sums, name, k) for name in METRICS}
    return rates | ranking | _catalogue(sums, items)


def of_stability(sums: Sums, calls: Calls, unknown: list[int]) -> Figures:
    """Response times, failures, availability."""
    durations, counts = calls.rows[:, 0], calls.rows[:, 1].astype(np.int64)
    found = {
        name: figure(latency_quantile_of_counts(durations, counts, q, error=calls.error), stability.within_words(q))
        for name, q in stability.QUANTILES.items()
    }
    return {
        **found,
        "failure_rate": _failing(sums, unknown, stability.FAILURE, failed=True),
        "availability": _failing(sums, unknown, stability.AVAILABILITY, failed=False),
    }


def of_flags(sums: Sums) -> Figures:
    """Share of those who spoke that each rule flags."""
    counts = {reason: round(sums.total(f"flag.{reason}")) for reason in data_quality.RULES}
    return data_quality.shares_of(counts, sums.people("spoke"))


def nps_counts(sums: Sums) -> tuple[int, int, int]:
    """Promoters, passives and detractors."""
    n, total, squares, _ = (round(x) for x in sums.values.get("nps", [0.0] * 4))
    return (squares + total) // 2, n - squares, (squares - total) // 2


def _mean_rating(sums: Sums) -> FigureValue:
    definition = satisfaction.rating_words(round(sums.total("n.ratings")))
    if sums.people("mean_rating") == 0:
        return missing("nobody rated anything", definition, n=0)
    return figure(bounded_mean_of(sums.moments("mean_rating"), low=1, high=5), definition)


def construct_moments(sums: Sums, construct: str, low: float, width: float) -> Moments:
    """The moments of a construct's scores on their range, of which sums keep shares."""
    kept = sums.moments(f"score.{construct}")
    return Moments(kept.n, low + width * kept.mean, width**2 * kept.variance, kept.skewness)


def _constructs(
    sums: Sums, asked: set[str], instruments: Instruments
) -> Iterator[tuple[str, tuple[FigureValue, FigureValue, FigureValue]]]:
    for name in sorted(asked & set(instruments)):
        instrument = instruments[name]
        for construct in (one for one in instrument.constructs if len(one.questions) > 1):
            place, (low, high) = f"{name}.{construct.name}", construct_range(instrument, construct)
            covariance, n = sums.covariance(place)
            if not len(covariance):
                covariance = np.zeros((len(construct.questions),) * 2)
            kept = construct_moments(sums, place, low, high - low)
            score = bounded_mean_of(kept, low=low, high=high)
            words = satisfaction.construct_words(construct, low, high)
            yield (
                place,
                (
                    figure(score, words[0]),
                    figure(alpha_of_covariance(covariance, n, skewness=kept.skewness), words[1]),
                    figure(omega_of_covariance(covariance, n, skewness=kept.skewness), words[2]),
                ),
            )


def _rate(sums: Sums, name: str, kind: str, recorded: bool) -> FigureValue:
    shown = round(sums.total("n.shown"))
    definition = recommendation.rate_words(kind, shown)
    if shown == 0:
        return missing("no slate was shown to anybody", definition, n=0)
    if not recorded:
        return missing(recommendation.never_recorded(kind), definition)
    return figure(ratio_of_sums(sums.ratio(name)), definition)


def _ranked(sums: Sums, name: str, k: int) -> FigureValue:
    words = recommendation.ranking_words(name, k)
    if not round(sums.total("n.rated_shown")):
        return missing("no item of a shown slate was rated", words, n=0)
    found = sums.moments(f"rank.{name}")
    if found.n == 0:
        return missing(recommendation.undefined(name, k), words, n=0)
    return figure(bounded_mean_of(found, low=0, high=1), words)


def _catalogue(sums: Sums, items: int) -> Figures:
    people = sums.people("n.shown")
    if people == 0 or items == 0:
        return catalogue.nothing_shown()
    times = sums.items[:, 1]
    shown = np.concatenate([times[times > 0], np.zeros(items - (times > 0).sum())]).astype(np.float64)
    lists = sums.moments("diversity")
    novelty, luck = sums.moments("novelty"), sums.moments("serendipity")
    one_person = missing(catalogue.ONE_PERSON, catalogue.NOVELTY, n=people)
    return {
        "coverage": catalogue.counted(coverage(np.flatnonzero(shown), items), people, catalogue.COVERAGE),
        "gini": catalogue.counted(gini(shown), people, catalogue.GINI),
        "diversity": figure(bounded_mean_of(lists, low=0, high=1), catalogue.DIVERSITY)
        if lists.n
        else missing(catalogue.NO_PAIRS, catalogue.DIVERSITY, n=0),
        "novelty": one_person
        if people < 2
        else figure(bounded_mean_of(novelty, low=0, high=float(np.log2(people))), catalogue.NOVELTY + THEN),
        "serendipity": figure(bounded_mean_of(luck, low=0, high=1), catalogue.SERENDIPITY + THEN)
        if luck.n
        else missing(catalogue.UNRATED, catalogue.SERENDIPITY, n=0),
    }


def _failing(sums: Sums, unknown: list[int], what: str, *, failed: bool) -> FigureValue:
    """Share of calls that failed (or did not); calls for nobody known each count as a person."""
    known, (calls, failures) = sums.ratio("failure_rate"), unknown
    if known.n == 0:
        return figure(proportion(failures if failed else calls - failures, calls), stability.calls_words(what))
    c, f = float(calls), float(failures)
    t3, t2b, tb2, b3 = known.cubes
    found = RatioSums(
        n=known.n + calls,
        top=known.top + f,
        bottom=known.bottom + c,
        top_squares=known.top_squares + f,
        bottom_squares=known.bottom_squares + c,
        products=known.products + f,
        with_event=known.with_event + failures,
        lacking=known.lacking + calls - failures,
        cubes=(t3 + f, t2b + f, tb2 + f, b3 + c),
    )
    return figure(ratio_of_sums(found if failed else answered(found)), stability.people_words(what))


def answered(sums: RatioSums) -> RatioSums:
    """The same for the calls that did not fail: b - t instead of t."""
    t, b, tt, bb, tb = sums.top, sums.bottom, sums.top_squares, sums.bottom_squares, sums.products
    ttt, ttb, tbb, bbb = sums.cubes
    cubes = (bbb - 3 * tbb + 3 * ttb - ttt, bbb - 2 * tbb + ttb, bbb - tbb, bbb)
    return RatioSums(sums.n, b - t, b, bb - 2 * tb + tt, bb, bb - tb, sums.lacking, sums.with_event, cubes)


def sections(
    sums: Sums,
    calls: Calls,
    unknown: list[int],
    *,
    k: int,
    recorded: set[str],
    items: int,
    instruments: Instruments,
) -> Mapping[str, Figures]:
    """All figures of one arm, or of everyone, by section."""
    return {
        "satisfaction": of_satisfaction(sums, instruments),
        "recommendation": of_recommendation(sums, k=k, recorded=recorded, items=items),
        "stability": of_stability(sums, calls, unknown),
        "data_quality": of_quality(sums, instruments),
    }
