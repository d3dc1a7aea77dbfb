"""How lists are put together: their order, sameness, popular items, and items that come back."""

import numpy as np
import pandas as pd

from recux.stats import proportion
from recux.suggest import family
from recux.suggest.columns import (
    Flags,
    Floats,
    Ints,
    earlier_alike,
    first_match,
    floats,
    in_order,
    integers,
    mean_by,
)
from recux.suggest.contrasts import Contrasts, against_zero, moments, within_person
from recux.suggest.finding import Finding, from_estimate, ids_of
from recux.suggest.frames import Evidence

FEWEST = 20
"""People with ratings on both sides of a contrast."""
TIRED = 2
"""Items of the same category further up from which one counts as more of the same."""
HEAD = 0.5
"""The most shown items that together get this share of all places are the head."""
NARROW = 0.2
"""The head is a popularity bias only when it is at most this share of the items shown."""
METHOD = "one-sample t test on contrasts within people"


def slates(e: Evidence) -> list[Finding]:
    """All tests about lists, sharing their part of the budget, and the count of repeated items."""
    found = [*order(e), *sameness(e), *popularity(e)]
    return [*family.equal_shares(found, family.OTHERS / 3), *repeated_items(e)]


def order(e: Evidence) -> list[Finding]:
    """Ratings in the last third of the list against the first third, and against all the rest."""
    third = e.third
    late = third == 2
    found = []
    ends = np.where(late, 0, np.where(third == 0, 1, -1))
    kinds = (("order", ends, "the first third"), ("tail", np.where(third < 0, -1, np.where(late, 0, 1)), "the rest"))
    for kind, part, against in kinds:
        finding = _within(
            e,
            part,
            e.rating,
            kind=kind,
            where={"position": "late"},
            definition=f"mean rating in the last third of the list minus that in {against}, within people",
            facts={"late": _mean(e.rating[late]), "early": _mean(e.rating[third == 0]), "size": _usual_size(e)},
            ids={"ratings": ids_of(e.rating_id[late & (e.rating >= 4)])},
        )
        found.extend([finding] if finding else [])
    return found


def _usual_size(e: Evidence) -> int:
    if not len(e.impressions):
        return e.slate_size
    slate, slates = pd.factorize(integers(e.impressions["slate"]))
    lengths = np.zeros(len(slates))
    np.maximum.at(lengths, slate, floats(e.impressions["position"]))
    return int(np.median(lengths))


def sameness(e: Evidence) -> list[Finding]:
    """Ratings of items with two or more of their category above them, against others, cleared of position and
    category.
    """
    again = more_of_the_same(e)
    part = np.where(np.isnan(e.position), -1, np.where(again, 0, 1))
    finding = _within(
        e,
        part,
        _cleared(e),
        kind="sameness",
        definition="mean rating of items with two or more of their category above them, minus that of others",
        facts={"share": float(again.mean())},
        ids={"ratings": ids_of(e.rating_id[again])},
    )
    return [finding] if finding else []


def more_of_the_same(e: Evidence) -> Flags:
    """Ratings of items that had `TIRED` or more items of their category above them in the list, shape (ratings,)."""
    shown = e.impressions
    slate, position = integers(shown["slate"]), np.nan_to_num(floats(shown["position"])).astype(np.int64)
    category = np.append(e.item_category[0], -1)[integers(shown["item"])]
    if not in_order(slate, position):
        order = np.lexsort((position, slate))
        slate, position, category = slate[order], position[order], category[order]
    above = earlier_alike(slate, category)
    rated = np.nan_to_num(e.position).astype(np.int64)
    place = first_match((slate, position), (integers(e.ratings["slate"]), rated))
    tired = np.append(above >= TIRED, False)[place]
    return tired & (e.category[0] >= 0)


def _cleared(e: Evidence) -> Floats:
    """Ratings without the mean of their position and of their category."""
    position = np.nan_to_num(e.position, nan=0.0).astype(np.int64)
    codes, names = e.category
    left = e.rating - e.rating.mean()
    for group, size in ((position, int(position.max(initial=0)) + 1), (codes, len(names))):
        means = np.append(mean_by(group, left, size), 0.0)
        left = left - means[group]
    return np.asarray(left)


def popularity(e: Evidence) -> list[Finding]:
    """Ratings of rarely shown items against those of the head, where few items take most of the places."""
    head = head_items(e)
    if not head.any():
        return []
    in_head = np.append(head, False)[e.item]
    finding = _within(
        e,
        np.where(e.item < 0, -1, np.where(in_head, 1, 0)),
        e.rating,
        kind="popularity",
        definition="mean rating of rarely shown items minus that of the most shown ones, within people",
        facts={"share": float(in_head.mean()), "items": int(head.sum())},
        ids={"ratings": ids_of(e.rating_id[~in_head & (e.rating >= 4)])},
    )
    return [finding] if finding else []


def head_items(e: Evidence) -> Flags:
    """The few items that take half of all places, shape (items,); none where exposure is not that uneven."""
    item = integers(e.impressions["item"]) if len(e.impressions) else e.item
    times = np.bincount(item[item >= 0], minlength=len(e.items))
    head = np.zeros(len(e.items), dtype=bool)
    if not times.sum():
        return head
    ranked = np.argsort(-times, kind="stable")
    upto = int(np.searchsorted(np.cumsum(times[ranked]), HEAD * times.sum())) + 1
    if upto <= NARROW * (times > 0).sum():
        head[ranked[:upto]] = True
    return head


def repeated_items(e: Evidence) -> list[Finding]:
    """Places that show a person an item that the person was shown before."""
    shown = e.impressions
    if len(shown) < FEWEST:
        return []
    person = integers(shown["person"])
    again = earlier_alike(person, integers(shown["item"])) > 0
    found = from_estimate(
        proportion(int(again.sum()), len(again)),
        kind="repeated",
        metric="repeat_share",
        definition="share of shown places whose item the same person had been shown before",
        facts={"people": len(np.unique(person[again]))},
    )
    return [found] if found else []


def _within(e: Evidence, part: Ints, values: Floats, **rest: object) -> Finding | None:
    """Part 0 minus part 1 within people; None where too few people have both."""
    contrast = within_person(e.person, part, values, e.n, 2)[:, 0]
    found = against_zero(moments(contrast, np.zeros(e.n, dtype=np.int64), 1)).at(0)
    if not found.n_b >= FEWEST or np.isnan(found.t):
        return None
    return _finding(found, **rest)


def _finding(found: Contrasts, **rest: object) -> Finding:
    value, half = float(found.difference), float(found.half_width())
    sign = np.sign(found.t)
    return Finding(
        metric="mean_rating",
        value=value,
        low=value - half,
        high=value + half,
        n=int(found.n_b),
        method=METHOD,
        p=min(1.0, 2 * float(found.p_in_direction(sign))),
        **rest,  # type: ignore[arg-type]
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
