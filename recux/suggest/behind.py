"""The rows behind a finding, as examples to read: those that show it best come first."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from recux.suggest.columns import Flags, earlier_alike, first_match, integers, missing
from recux.suggest.finding import Finding, Ids, ids_of
from recux.suggest.findings.data import duplicates
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import reached
from recux.suggest.segment import people_where, rows_where


def with_rows(e: Evidence, f: Finding) -> Finding:
    """The finding with the ratings, comments and answers behind it; one that has any by itself keeps those."""
    if f.ids:
        return f
    return replace(f, ids={**_answers(e, f), **(_ratings(e, f, ROWS[f.kind]) if f.kind in ROWS else {})})


def _ratings(e: Evidence, f: Finding, which: "Which") -> Ids:
    """Ratings, and those with a comment: the lowest first, or the highest where the finding is that they are high."""
    rows = np.flatnonzero(which(e, f))
    high = f.kind in ("arm", "arm_segment") and f.value > 0
    ordered = rows[np.argsort(-e.rating[rows] if high else e.rating[rows], kind="stable")]
    spoken = ordered[e.has_comment[ordered]]
    return {"ratings": ids_of(e.rating_id[ordered]), "comments": ids_of(e.rating_id[spoken])}


def _answers(e: Evidence, f: Finding) -> Ids:
    """Answers to the questions of the finding's construct, or of the questionnaire that its metric comes from."""
    name, a = f.where.get("construct", f.metric), e.answers
    asked = {(c.instrument, q) for c in e.constructs if f"{c.instrument}.{c.name}" == name for q in c.questions}
    asked |= {(name, "score")} if name in ("nps", "csat") else set()
    if not asked:
        return {}
    rows = np.array([(one, two) in asked for one, two in zip(a["instrument"], a["question"], strict=True)], dtype=bool)
    if f.kind == "arm":
        rows = rows & people_where(e, f.where)[integers(a["person"])]
    return {"answers": ids_of(a["id"].to_numpy()[rows])}


def _in_segment(e: Evidence, f: Finding) -> Flags:
    return rows_where(e, f.where)


def _of_arm(e: Evidence, f: Finding) -> Flags:
    none = np.zeros(len(e.rating), dtype=bool)
    return rows_where(e, f.where) if f.metric == "mean_rating" else none


def _of_last_round(e: Evidence, f: Finding) -> Flags:
    return np.asarray(integers(e.ratings["round"]) == e.round_number)


def _without_comment(e: Evidence, f: Finding) -> Flags:
    return ~e.has_comment


def _with_comment(e: Evidence, f: Finding) -> Flags:
    return e.has_comment


def _of_leavers(e: Evidence, f: Finding) -> Flags:
    return (reached(e, f.where["from"]) & ~reached(e, f.where["step"]))[e.person]


def _of_doubled_items(e: Evidence, f: Finding) -> Flags:
    return np.append(duplicates(e), False)[e.item]


def _of_bare_items(e: Evidence, f: Finding) -> Flags:
    return np.append(missing(e.items[f.where["field"]]), False)[e.item]


def _shown_again(e: Evidence, f: Finding) -> Flags:
    person, item = (integers(e.impressions[name]) for name in ("person", "item"))
    again = earlier_alike(person, item) > 0
    order = np.lexsort((item[again], person[again]))
    return first_match((person[again][order], item[again][order]), (e.person, e.item)) >= 0


Which = Callable[[Evidence, Finding], Flags]
ROWS: Mapping[str, Which] = {
    "arm": _of_arm,
    "segment": _in_segment,
    "arm_segment": _in_segment,
    "drift": _of_last_round,
    "comment_rate": _without_comment,
    "drop_off": _of_leavers,
    "non_response": _in_segment,
    "thin_cohort": _in_segment,
    "duplicates": _of_doubled_items,
    "missing_field": _of_bare_items,
    "repeated": _shown_again,
    "unknown_tokens": _with_comment,
}
"""Which ratings are behind each kind of finding, shape (ratings,)."""
