"""Segments whose people, or whose kind of item, are rated lower, and arms that do worse or better in a segment.

Level candidates: groups of people against all others; two traits together against those who share but one of them;
categories against the same people's other categories; and groups x categories or groups x thirds of the list, where
the contrast within each person is compared between the group and all others, so that neither a strict group nor a
weak category passes for the pair. Arm candidates: arm against control inside a group, a category, or both. How strong
candidates look on the discovery half decides their shares of the error budget; they are tested, in the direction
found, and estimated on the other half.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy import stats

from recux.suggest import family
from recux.suggest.columns import THIRDS, Floats, Ints, most_frequent
from recux.suggest.contrasts import Contrasts, Moments, against_zero, moments, weaker, welch, within_person
from recux.suggest.finding import Finding
from recux.suggest.frames import TRAITS, Evidence
from recux.suggest.outcomes import level

FEWEST = 6
"""People on each side of a comparison, in each half."""
MOST_GROUPS = 200
"""Groups of people by one trait, the largest ones."""
FEWEST_CATEGORIES, MOST_CATEGORIES, CELLS = 30, 100, 4_000_000
"""Categories that are looked at one by one: as many as fit into `CELLS` people x categories, within these bounds."""
METHOD = "Welch's t test on participants' values, confirmation half"
Where = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Comparisons of all segments of a kind; arrays of shape (2, candidates): discovery half, confirmation half."""

    cuts: Mapping[str, Sequence[str]]
    """What the segments are cut by, and the values of each cut; the last varies fastest."""
    contrasts: Contrasts
    base: Where = field(default_factory=dict)
    """What all of them have in common: the arms."""
    one_sample: bool = False

    def usable(self) -> Ints:
        """Candidates with enough people on both sides in both halves."""
        c = self.contrasts
        enough = (c.n_b >= FEWEST) & (self.one_sample | (c.n_a >= FEWEST)) & ~np.isnan(c.t)
        return np.flatnonzero(enough.all(axis=0))

    def where(self, number: int) -> Where:
        """The segment of a candidate."""
        places = np.unravel_index(number, [len(names) for names in self.cuts.values()])
        return {**self.base, **{key: names[int(i)] for (key, names), i in zip(self.cuts.items(), places, strict=True)}}


def segments(e: Evidence) -> list[Finding]:
    """The lowest segments, and those where an arm differs most from the control, by the discovery half; both tested on
    the confirmation half.
    """
    views, (metric, values) = _category_contrasts(e), level(e)
    low = [*_people_levels(e, values), *_pair_levels(e, values)]
    low += [*_category_levels(e, views), *_position_levels(e)]
    arms = range(1, len(e.arms))
    if e.crossed:
        apart = [c for arm in arms for c in _arm_within_people(e, arm)]
    else:
        apart = [c for arm in arms for c in (*_arm_people(e, values, arm), *_arm_categories(e, views, arm))]
    return [
        *_ladder(low, ("segment", metric), family.SEGMENTS, low_only=True),
        *_ladder(apart, ("arm_segment", metric), family.ARM_SEGMENTS, low_only=False),
    ]


def _ladder(parts: list[Candidates], what: tuple[str, str], share: float, *, low_only: bool) -> list[Finding]:
    """The strongest candidates of the discovery half, tested in the direction found there on the confirmation half;
    `what` is the kind of finding and the metric.
    """
    kind, metric = what
    chosen = [part.usable() for part in parts]
    tried = sum(len(usable) for usable in chosen)
    if not tried:
        return []
    ends = np.cumsum([len(usable) for usable in chosen])
    cells = [part.contrasts.at(usable) for part, usable in zip(parts, chosen, strict=True)]
    first, second = (
        Contrasts(*(np.concatenate([getattr(c, name)[half] for c in cells]) for name in CONTRAST_FIELDS))
        for half in (0, 1)
    )
    p = first.p_in_direction(np.sign(first.t))  # comparable between different degrees of freedom
    strength = np.where(low_only & (first.t > 0), -1.0, 1.0) * stats.norm.isf(np.clip(p, 1e-300, 0.5))
    sign = np.where(low_only | (first.t < 0), -1.0, 1.0)
    tested, width = second.p_in_direction(sign), second.half_width()

    def where(candidate: int) -> Where:
        part = int(np.searchsorted(ends, candidate, side="right"))
        return parts[part].where(int(chosen[part][candidate - ends[part]]))  # from the end: below 0

    return [
        Finding(
            kind=kind,
            metric=metric,
            value=float(second.difference[i]),
            low=float(second.difference[i] - width[i]),
            high=float(second.difference[i] + width[i]),
            n=int(second.n_b[i]),
            definition=f"difference of {metric}, each person counting once",
            method=METHOD,
            where=where(i),
            p=float(tested[i]),
            share=part,
            tried=tried,
        )
        for i, part in family.shares_by_strength(strength, share)
    ]


CONTRAST_FIELDS = ("difference", "se", "df", "n_a", "n_b")


def _halves(e: Evidence) -> Ints:
    return e.confirm.astype(np.int64)


def _by(values: Floats, *cuts: tuple[Ints, int]) -> Moments:
    """Moments of person-level values in every combination of cuts (codes, number of levels), halves first."""
    group, size = np.zeros(len(values), dtype=np.int64), 1
    outside = np.zeros(len(values), dtype=bool)
    for codes, levels in cuts:
        group, outside, size = group * levels + codes, outside | (codes < 0), size * levels
    group[outside] = -1
    found = moments(values, group, size)
    shape = tuple(levels for _, levels in cuts)
    return Moments(found.n.reshape(shape), found.total.reshape(shape), found.squares.reshape(shape))


def _summed(m: Moments, axis: int) -> Moments:
    return Moments(*(part.sum(axis=axis, keepdims=True) for part in (m.n, m.total, m.squares)))


def _flat(contrasts: Contrasts) -> Contrasts:
    return Contrasts(*(getattr(contrasts, name).reshape(2, -1) for name in CONTRAST_FIELDS))


def _people_levels(e: Evidence, values: Floats) -> list[Candidates]:
    found = []
    for trait in TRAITS:
        codes, names = most_frequent(e.traits[trait], MOST_GROUPS)
        if len(names) < 2:
            continue
        inside = _by(values, (_halves(e), 2), (codes, len(names)))
        rest = _summed(inside, 1) - inside
        found.append(Candidates({trait: names}, welch(rest, inside)))
    return found


def _pair_levels(e: Evidence, values: Floats) -> list[Candidates]:
    """People with two traits against those who have only the first and those who have only the second.

    The pair must be lower than both (an intersection-union test, Berger 1982): the weaker of the two comparisons
    counts. Else a low cohort would come with every device that its people use.
    """
    found = []
    for one, other in combinations(TRAITS, 2):
        (rows, row_names), (columns, column_names) = (most_frequent(e.traits[t], MOST_GROUPS) for t in (one, other))
        if min(len(row_names), len(column_names)) < 2:
            continue
        inside = _by(values, (_halves(e), 2), (rows, len(row_names)), (columns, len(column_names)))
        against_each = (welch(_summed(inside, axis) - inside, inside) for axis in (2, 1))
        found.append(Candidates({one: row_names, other: column_names}, _flat(weaker(*against_each))))
    return found


def _position_levels(e: Evidence) -> list[Candidates]:
    """Groups of people who mind a third of the list more than others do."""
    if not (e.third >= 0).any():
        return []
    return _group_levels(e, _views(e, e.third, THIRDS), "position")


@dataclass(frozen=True, eq=False)
class Views:
    """How people rate a part of what they saw against their own other ratings; one row for each that is known."""

    value: Floats
    person: Ints
    part: Ints
    names: Sequence[str]
    """Of the parts."""


def _views(e: Evidence, part: Ints, names: Sequence[str]) -> Views:
    """Contrasts within people of the parts that have a name; others count as the rest."""
    contrasts = within_person(e.person, part, e.rating, e.n, max(int(part.max(initial=0)) + 1, len(names)))
    person, number = np.nonzero(~np.isnan(contrasts[:, : len(names)]))
    return Views(contrasts[person, number], person, number, names)


def _category_contrasts(e: Evidence) -> Views:
    most = int(np.clip(CELLS // max(e.n, 1), FEWEST_CATEGORIES, MOST_CATEGORIES))
    codes, names = most_frequent(e.category, most)
    return _views(e, np.where(codes < 0, len(names), codes), names)  # rarer categories still count as "other"


def _category_levels(e: Evidence, views: Views) -> list[Candidates]:
    if len(views.names) < 2:
        return []
    overall = _by(views.value, (_halves(e)[views.person], 2), (views.part, len(views.names)))
    alone = Candidates({"category": views.names}, against_zero(overall), one_sample=True)
    return [alone, *_group_levels(e, views, "category")]


def _group_levels(e: Evidence, views: Views, key: str) -> list[Candidates]:
    """Contrasts within people of each group against all others."""
    found, halves = [], (_halves(e)[views.person], 2)
    for trait in TRAITS:
        codes, groups = most_frequent(e.traits[trait], MOST_GROUPS)
        if len(groups) < 2:
            continue
        inside = _by(views.value, halves, (codes[views.person], len(groups)), (views.part, len(views.names)))
        rest = _summed(inside, 1) - inside
        found.append(Candidates({trait: groups, key: views.names}, _flat(welch(rest, inside))))
    return found


def _arm_people(e: Evidence, values: Floats, arm: int) -> list[Candidates]:
    found = []
    side, base = _side(e, arm), e.pair(arm)
    for trait in TRAITS:
        codes, names = most_frequent(e.traits[trait], MOST_GROUPS)
        if len(names) < 2:
            continue
        by = _by(values, (_halves(e), 2), (codes, len(names)), (side, 2))
        found.append(Candidates({trait: names}, welch(_take(by, 0), _take(by, 1)), base))
    return found


def _arm_within_people(e: Evidence, arm: int) -> list[Candidates]:
    """Groups of people who rate the arm differently from the control, where everybody met both."""
    found, gap = [], e.mean_in(arm) - e.mean_in(0)
    for trait in TRAITS:
        codes, names = most_frequent(e.traits[trait], MOST_GROUPS)
        if len(names) > 1:
            by = _by(gap, (_halves(e), 2), (codes, len(names)))
            found.append(Candidates({trait: names}, against_zero(by), e.pair(arm), one_sample=True))
    return found


def _arm_categories(e: Evidence, views: Views, arm: int) -> list[Candidates]:
    if len(views.names) < 2:
        return []
    halves, side = (_halves(e)[views.person], 2), (_side(e, arm)[views.person], 2)
    base, parts = e.pair(arm), (views.part, len(views.names))
    by = _by(views.value, halves, parts, side)
    found = [Candidates({"category": views.names}, welch(_take(by, 0), _take(by, 1)), base)]
    for trait in TRAITS:
        codes, groups = most_frequent(e.traits[trait], MOST_GROUPS)
        if len(groups) < 2:
            continue
        by = _by(views.value, halves, (codes[views.person], len(groups)), parts, side)
        cuts = {trait: groups, "category": views.names}
        found.append(Candidates(cuts, _flat(welch(_take(by, 0), _take(by, 1))), base))
    return found


def _side(e: Evidence, arm: int) -> Ints:
    """0 for people of the control, 1 for people of `arm`, -1 for all others."""
    return np.where(e.arm_of_person == 0, 0, np.where(e.arm_of_person == arm, 1, -1))


def _take(by: Moments, side: int) -> Moments:
    return Moments(by.n[..., side], by.total[..., side], by.squares[..., side])
