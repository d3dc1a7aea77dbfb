"""Outcomes: one value a person, so that arms and rounds can be compared with the person as the unit.

Every outcome takes the evidence and a segment and returns an array of shape (people,), NaN for people who have no
value: they were not asked, saw nothing, or are outside the segment.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from recux.suggest.columns import Flags, Floats, floats, integers, mean_by
from recux.suggest.frames import Evidence
from recux.suggest.segment import people_where, rows_where

Where = Mapping[str, str]

ENOUGH = 5
"""Ratings from which a person's carelessness can be judged."""
FASTEST = 1.0
"""Seconds a rating below which nobody has read an item."""
NONE = np.zeros(0, dtype=np.int64)
RATING = "rating"
"""What the question about an item is called beside those of questionnaires."""


def mean_rating(e: Evidence, where: Where) -> Floats:
    """Mean of the person's ratings in the segment, 1 to 5."""
    rows = rows_where(e, where, any_arm=True)
    return mean_by(np.where(rows, e.person, -1), e.rating, e.n)


def comment_rate(e: Evidence, where: Where) -> Floats:
    """Share of the person's ratings that carry a comment."""
    rows = rows_where(e, where, any_arm=True)
    return mean_by(np.where(rows, e.person, -1), e.has_comment.astype(np.float64), e.n)


def theme_share(e: Evidence, where: Where) -> Floats:
    """Whether the person mentions the theme (1 or 0) in any comment, or in the reason given for the recommendation
    score; NaN for people who never wrote.
    """
    return _inside(e, where, share_of_writers(e, e.writings[1].mentioning(where.get("theme", "").split(" | "))))


def share_of_writers(e: Evidence, said: Flags) -> Floats:
    """Whether each person (1 or 0) wrote any of the flagged `writings`, shape (people,); NaN without any writing."""
    share = mean_by(e.writings[0], said.astype(np.float64), e.n)
    return np.where(np.isnan(share), np.nan, (share > 0).astype(np.float64))


def mentioned(e: Evidence, where: Where) -> Flags:
    """Which ratings carry a comment that mentions the theme, shape (ratings,)."""
    found = np.zeros(len(e.rating), dtype=bool)
    said = e.writings[1].mentioning(where.get("theme", "").split(" | "))
    found[e.has_comment] = said[: int(e.has_comment.sum())]  # comments come first
    return found


def nps(e: Evidence, where: Where) -> Floats:
    """100 for a promoter, 0 for a passive, -100 for a detractor: the mean is the net promoter score."""
    score = answer(e, "nps", "score")
    value = np.where(score >= 9, 100.0, np.where(score <= 6, -100.0, 0.0))
    return _inside(e, where, np.where(np.isnan(score), np.nan, value))


def csat(e: Evidence, where: Where) -> Floats:
    """Whether the person is satisfied (1 for an answer of 4 or 5, else 0)."""
    score = answer(e, "csat", "score")
    return _inside(e, where, np.where(np.isnan(score), np.nan, (score >= 4).astype(np.float64)))


def construct_score(e: Evidence, where: Where, name: str) -> Floats:
    """The person's mean over the answered questions of a construct `INSTRUMENT.NAME`, reversed where needed."""
    for construct in e.constructs:
        if f"{construct.instrument}.{construct.name}" == name:
            columns = [
                construct.low + construct.high - answer(e, construct.instrument, question)
                if turned
                else answer(e, construct.instrument, question)
                for question, turned in zip(construct.questions, construct.reversed, strict=True)
            ]
            table = np.column_stack(columns)
            known = ~np.isnan(table)
            total, number = np.where(known, table, 0).sum(axis=1), known.sum(axis=1)
            return _inside(e, where, np.where(number > 0, total / np.maximum(number, 1), np.nan))
    return np.full(e.n, np.nan)


def answer(e: Evidence, instrument: str, question: str) -> Floats:
    """Each person's numeric answer to one question; NaN without."""
    rows, value = e.numeric_answers.get((instrument, question), (NONE, NONE.astype(np.float64)))
    return mean_by(integers(e.answers["person"])[rows], value, e.n)


def click_rate(e: Evidence, where: Where) -> Floats:
    """Share of the items shown to the person that were clicked."""
    return _interaction_rate(e, where, "click")


def purchase_rate(e: Evidence, where: Where) -> Floats:
    """Share of the items shown to the person that were bought."""
    return _interaction_rate(e, where, "purchase")


def _interaction_rate(e: Evidence, where: Where, kind: str) -> Floats:
    shown = e.impressions[["person", "item"]].drop_duplicates()
    done = e.interactions[e.interactions["kind"] == kind][["person", "item"]].drop_duplicates()
    hits = shown.merge(done, on=["person", "item"])
    seen = np.bincount(integers(shown["person"]), minlength=e.n)
    hit = np.bincount(integers(hits["person"]), minlength=e.n)
    return _inside(e, where, np.where(seen > 0, hit / np.maximum(seen, 1), np.nan))


def typical_ms(e: Evidence, where: Where) -> Floats:
    """Median response time of the person's requests, in milliseconds."""
    ours = e.requests[(e.requests["person"] >= 0) & ~e.requests["failed"].astype(bool)]
    medians = ours.groupby("person")["duration_ms"].median()
    values = np.full(e.n, np.nan)
    values[integers(medians.index)] = floats(medians)
    return _inside(e, where, values)


def failure_rate(e: Evidence, where: Where) -> Floats:
    """Share of the person's requests that failed."""
    person = integers(e.requests["person"])
    return _inside(e, where, mean_by(person, e.requests["failed"].to_numpy(dtype=np.float64), e.n))


def slow_share(e: Evidence, where: Where) -> Floats:
    """Share of the person's requests that took longer than the segment's `over_ms`."""
    slow = floats(e.requests["duration_ms"]) > float(where.get("over_ms", "inf"))
    return _inside(e, where, mean_by(integers(e.requests["person"]), slow.astype(np.float64), e.n))


def careless_people(e: Evidence) -> Floats:
    """Whether the person's answers look careless: one and the same rating throughout, or under `FASTEST` seconds a
    rating (median), over at least `ENOUGH` ratings; NaN for people with fewer ratings.
    """
    highest, lowest = np.full(e.n, -np.inf), np.full(e.n, np.inf)
    np.maximum.at(highest, e.person, e.rating)
    np.minimum.at(lowest, e.person, e.rating)
    flags = (highest == lowest) | (_seconds_each(e) < FASTEST)
    return np.where(e.times_rated >= ENOUGH, flags.astype(np.float64), np.nan)


def _seconds_each(e: Evidence) -> Floats:
    """Median time between a person's ratings, in seconds; NaN without times. Ratings that were stored at one moment
    were imported or sent together and tell nothing.
    """
    at = floats(e.ratings["at"])
    order = np.lexsort((at, e.person))
    gap, same = np.diff(at[order]), np.diff(e.person[order]) == 0
    used = same & (gap > 0)
    values = np.full(e.n, np.nan)
    if used.any():
        medians = pd.Series(gap[used]).groupby(e.person[order][1:][used]).median()
        values[integers(medians.index)] = floats(medians)
    return values


def careless(e: Evidence, where: Where) -> Floats:
    """Whether the person looks careless (1 or 0)."""
    return _inside(e, where, careless_people(e))


def reached(e: Evidence, step: str) -> Flags:
    """Whether each person came to a step: `shown`, `rated`, `rated_all` (all that was shown) or `answered`."""
    rated, offered = e.times_rated, e.times_shown
    if step == "shown":
        return (offered > 0) | (rated > 0)
    if step == "rated":
        return rated > 0
    if step == "rated_all":
        return (rated > 0) & (rated >= offered)
    return np.bincount(integers(e.answers["person"]), minlength=e.n) > 0


def drop_off(e: Evidence, where: Where) -> Floats:
    """Whether the person left between two steps (1 or 0); NaN for people who did not come to the first."""
    came = reached(e, where.get("from", "shown"))
    return _inside(e, where, np.where(came, (~reached(e, where.get("step", "rated"))).astype(np.float64), np.nan))


def response_rate(e: Evidence, where: Where) -> Floats:
    """Whether the person rated after being shown something (1 or 0)."""
    return _inside(e, where, np.where(reached(e, "shown"), reached(e, "rated").astype(np.float64), np.nan))


def same_answer(e: Evidence, where: Where) -> Floats:
    """Whether the person gives the most frequent answer to the question (1 or 0); of ratings, the share of them."""
    if where.get("question") == RATING:
        values, times = np.unique(e.rating, return_counts=True)
        most = values[times.argmax()] if len(values) else np.nan
        return _inside(e, where, mean_by(e.person, (e.rating == most).astype(np.float64), e.n))
    instrument, _, question = where.get("question", "").partition("/")
    value = answer(e, instrument, question)
    known = value[~np.isnan(value)]
    if not len(known):
        return value
    values, times = np.unique(known, return_counts=True)
    most = values[times.argmax()]
    return _inside(e, where, np.where(np.isnan(value), np.nan, (value == most).astype(np.float64)))


def repeat_share(e: Evidence, where: Where) -> Floats:
    """Share of the person's places that show an item again."""
    again = e.impressions.duplicated(["person", "item"]).to_numpy(dtype=np.float64)
    return _inside(e, where, mean_by(integers(e.impressions["person"]), again, e.n))


def any_failure(e: Evidence, where: Where) -> Floats:
    """Whether any of the person's requests failed (1 or 0)."""
    rate = failure_rate(e, where)
    return np.where(np.isnan(rate), np.nan, (rate > 0).astype(np.float64))


def _inside(e: Evidence, where: Where, values: Floats) -> Floats:
    return np.where(people_where(e, where, any_arm=True), values, np.nan)


OUTCOMES: Mapping[str, Callable[[Evidence, Where], Floats]] = {
    "mean_rating": mean_rating,
    "nps": nps,
    "csat": csat,
    "ctr": click_rate,
    "purchase_rate": purchase_rate,
    "comment_rate": comment_rate,
    "theme_share": theme_share,
    "typical_ms": typical_ms,
    "failure_rate": failure_rate,
    "any_failure": any_failure,
    "slow_share": slow_share,
    "careless": careless,
    "drop_off": drop_off,
    "response_rate": response_rate,
    "same_answer": same_answer,
    "repeat_share": repeat_share,
}


def level(e: Evidence) -> tuple[str, Floats]:
    """What people are compared by, and each person's value: their ratings; where nobody rates, the primary metric, or
    what of NPS and CSAT was asked.
    """
    if len(e.rating):
        return "mean_rating", e.person_mean
    named = [name for name in (e.primary_metric, "nps", "csat") if name != "mean_rating"]
    found = [(name, values) for name in named if (values := outcome(e, name, {})) is not None]
    return next((pair for pair in found if not np.isnan(pair[1]).all()), ("mean_rating", e.person_mean))


def outcome(e: Evidence, metric: str, where: Where) -> Floats | None:
    """Each person's value of `metric` in the segment; None for a metric that is not a person's."""
    if metric in OUTCOMES:
        return OUTCOMES[metric](e, where)
    if "." in metric and any(f"{c.instrument}.{c.name}" == metric for c in e.constructs):
        return construct_score(e, where, metric)
    return None
