"""Defects of the data: arms of the wrong size, thin cohorts, items listed twice or half empty, drift, foreign words."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from recux.stats import compare_means, proportion, srm
from recux.suggest import family
from recux.suggest.columns import Flags, integers, mean_by, missing, most_frequent, objects
from recux.suggest.finding import Finding, from_difference, from_estimate
from recux.suggest.frames import Evidence

FEWEST_ITEMS = 20
FEWEST_PEOPLE = 8
THIN = 10
"""People from which a cohort's own figures mean something."""
BETWEEN = re.compile(r"[\W_]+")
FIELDS = ("description", "category", "image_url", "price")


def data(e: Evidence) -> list[Finding]:
    """Counts about the data, and tests of the sample ratio and of drift."""
    tests = family.equal_shares([*sample_ratio(e), *drift(e)], family.OTHERS / 6)
    return [*tests, *thin_cohorts(e), *duplicate_items(e), *missing_fields(e), *unknown_tokens(e)]


def sample_ratio(e: Evidence) -> list[Finding]:
    """Whether the arms that are open have the sizes that were planned, among people who came while all were open."""
    weights = np.array([arm.weight for arm in e.arms])
    used = weights > 0
    if used.sum() < 2:
        return []
    open_arms = np.flatnonzero(used)
    mine = e.arm_of_person[e.together(int(arm) for arm in open_arms) & (e.arm_of_person >= 0)]
    counts = np.bincount(mine, minlength=len(e.arms))
    checked = srm([int(c) for c in counts[used]], [float(w) for w in weights[used]])
    if checked.p is None:
        return []
    n = int(counts[used].sum())
    excess = counts[used] / n - weights[used] / weights[used].sum()
    worst = int(np.argmax(np.abs(excess)))
    key = [arm.key for arm, flag in zip(e.arms, used, strict=True) if flag][worst]
    found = from_estimate(
        proportion(int(counts[used][worst]), n),
        kind="sample_ratio",
        metric="assigned_share",
        definition="share of people in the arm whose size differs most from its plan",
        where={"arm": key},
        facts={"planned": float(weights[used][worst] / weights[used].sum()), "counts": [int(c) for c in counts]},
    )
    return [] if found is None else [found.tested(checked.p, 0.0)]


def drift(e: Evidence) -> list[Finding]:
    """Mean rating of the last round against the rounds before; people who rated in both are left out of the earlier."""
    rounds = integers(e.ratings["round"]) if len(e.ratings) else np.zeros(0, dtype=np.int64)
    last = rounds == e.round_number
    if not last.any() or last.all():
        return []
    later = np.zeros(e.n, dtype=bool)
    later[e.person[last]] = True
    now = mean_by(np.where(last, e.person, -1), e.rating, e.n)
    before = np.where(later, np.nan, mean_by(np.where(last, -1, e.person), e.rating, e.n))
    a, b = before[~np.isnan(before)], now[~np.isnan(now)]
    if min(len(a), len(b)) < FEWEST_PEOPLE:
        return []
    found = from_difference(
        compare_means(a, b),
        kind="drift",
        metric="mean_rating",
        definition="mean rating of this round minus that of earlier rounds, other people",
        facts={"mean_now": float(b.mean()), "mean_before": float(a.mean())},
    )
    return [found] if found else []


def thin_cohorts(e: Evidence) -> list[Finding]:
    """Cohorts with too few people who answered, while others have enough."""
    codes, names = most_frequent(e.traits["cohort"], 1000)
    answered = np.zeros(e.n, dtype=bool)
    answered[e.person] = True
    sizes = np.bincount(codes[(codes >= 0) & answered], minlength=len(names))
    if not len(sizes) or sizes.max() < 3 * THIN:
        return []
    return [
        Finding(
            kind="thin_cohort",
            metric="people",
            value=float(size),
            low=float(size),
            high=float(size),
            n=int(size),
            definition="people of the cohort who answered",
            method="count",
            where={"cohort": name},
            facts={"largest": int(sizes.max())},
        )
        for name, size in zip(names, sizes, strict=True)
        if size < THIN
    ]


def shown_items(e: Evidence) -> Flags:
    """Which items of the catalogue were shown or rated, shape (items,)."""
    seen = np.zeros(len(e.items), dtype=bool)
    for item in (e.item, integers(e.impressions["item"])):
        seen[item[item >= 0]] = True
    return seen


def duplicates(e: Evidence) -> Flags:
    """Which items have the same words (title and description) as an earlier item, shape (items,)."""
    pairs = zip(objects(e.items["title"]), objects(e.items["description"]), strict=True)
    plain = pd.Series([BETWEEN.sub(" ", f"{title or ''} {told or ''}".lower()).strip() for title, told in pairs])
    return (plain.duplicated() & (plain != "")).to_numpy(dtype=bool)


def duplicate_items(e: Evidence) -> list[Finding]:
    """Items that are in the catalogue twice."""
    twice = duplicates(e) if len(e.items) else np.zeros(0, dtype=bool)
    if len(e.items) < FEWEST_ITEMS or twice.sum() < 2:
        return []
    found = from_estimate(
        proportion(int(twice.sum()), len(e.items)),
        kind="duplicates",
        metric="duplicate_share",
        definition="share of items whose title and description repeat another item's",
        facts={"items": int(twice.sum()), "examples": [str(t) for t in e.items["title"][twice][:3]]},
    )
    return [found] if found else []


def missing_fields(e: Evidence) -> list[Finding]:
    """Fields that part of the items lack; a field that no item has was never meant to be there."""
    seen = shown_items(e) if len(e.items) else np.zeros(0, dtype=bool)
    if seen.sum() < FEWEST_ITEMS:
        return []
    found = [_missing_field(e, field, seen) for field in FIELDS]
    return [finding for finding in found if finding is not None]


def _missing_field(e: Evidence, field: str, seen: Flags) -> Finding | None:
    lacking = missing(e.items[field])
    gone = lacking[seen]
    if not 0.1 <= gone.mean() <= 0.8:
        return None
    return from_estimate(
        proportion(int(gone.sum()), int(seen.sum())),
        kind="missing_field",
        metric="missing_share",
        definition=f"share of shown items without {field}",
        where={"field": field},
        facts={"items": int(gone.sum()), "effect": _rated_without(e, lacking)},
    )


def _rated_without(e: Evidence, lacking: Flags) -> Mapping[str, float] | None:
    """Within-person difference of ratings of items without the field and with it; None when it cannot be told."""
    gone = np.append(lacking, False)[e.item]
    without = mean_by(np.where(gone, e.person, -1), e.rating, e.n)
    having = mean_by(np.where(gone, -1, e.person), e.rating, e.n)
    both = ~np.isnan(without) & ~np.isnan(having)
    if both.sum() < FEWEST_PEOPLE:
        return None
    return {"difference": float((without - having)[both].mean()), "people": int(both.sum())}


def unknown_tokens(e: Evidence) -> list[Finding]:
    """Share of the comments' tokens that the encoder does not know, as the evaluation measured it."""
    share = e.shares.get("unknown_token_share")
    if share is None:
        return []
    return [
        Finding(
            kind="unknown_tokens",
            metric="unknown_token_share",
            value=share,
            low=share,
            high=share,
            n=len(e.ratings),
            definition="share of tokens of the texts that the encoder's vocabulary does not have",
            method="count",
        )
    ]
