"""How far a model can be trusted: whether it stands small changes of the words, and errs alike for all cohorts."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import Calibration, predicted_stars
from recux.learn.examples import Pair
from recux.learn.metrics import Groups, Measure, measure
from recux.learn.predictor import Scorer

SYNONYMS = {
    "good": "nice", "nice": "good", "great": "excellent", "excellent": "great", "bad": "poor", "poor": "bad",
    "love": "adore", "like": "enjoy", "small": "little", "big": "large", "large": "big", "buy": "purchase",
    "bought": "purchased", "pretty": "lovely", "lovely": "pretty", "cheap": "low-priced",
    "quick": "fast", "fast": "quick",
    "slow": "sluggish", "easy": "simple", "simple": "easy", "hard": "difficult", "boring": "dull", "wrong": "incorrect",
    "喜欢": "喜爱", "很好": "非常好", "不错": "挺好", "差": "糟", "慢": "缓慢", "便宜": "实惠",
}  # fmt: skip
MIN_IN_COHORT = 5
"""Participants a cohort needs before its error is compared."""


@dataclass(frozen=True, slots=True)
class Stability:
    """Share of served stars that flip under a change that should not matter."""

    change: str
    flipped: Measure
    example: tuple[str | Pair, str | Pair] | None
    """An input whose prediction flipped, before and after; None when none did."""


def typo(text: str, rng: random.Random) -> str:
    """Two neighbouring letters of one longer word swapped."""
    words = list(re.finditer(r"[A-Za-z]{4,}", text))
    if not words:
        return text
    at = (found := rng.choice(words)).start() + rng.randrange(1, len(found.group()) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def other_case(text: str, _: random.Random) -> str:
    """All capitals, or small letters when it was."""
    return text.lower() if text.isupper() else text.upper()


def synonym(text: str, _: random.Random) -> str:
    """Every word that has a synonym in the table replaced by it."""
    pattern = "|".join(rf"\b{w}\b" if w.isascii() else w for w in SYNONYMS)
    return re.sub(pattern, lambda m: SYNONYMS[m.group()], text)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {"typo": typo, "case": other_case, "synonym": synonym}


def changed_input(one: Any, change: Callable[[str, random.Random], str], rng: random.Random) -> Any:
    """A comment changed, or a pair with its item's text changed."""
    return replace(one, item_text=change(one.item_text, rng)) if isinstance(one, Pair) else change(one, rng)


def stability(
    scorer: Scorer,
    calibration: Calibration,
    inputs: Sequence[str] | Sequence[Pair],
    participants: Sequence[str],
    *,
    head: str = "satisfaction",
    seed: int = 0,
) -> list[Stability]:
    """Flips of the stars that are served of ``head`` for each change, over the inputs that it does change."""

    def called(asked: Sequence[Any]) -> NDArray[np.int64]:
        served = calibration.served(head, scorer.raw(asked)[head])
        return predicted_stars(served, calibration.cuts.get(head))

    before = called(inputs) if inputs else np.zeros(0, dtype=np.int64)
    rng = random.Random(seed)  # noqa: S311 - typos, not secrets
    found = []
    for name, change in CHANGES.items():
        changed = [changed_input(one, change, rng) for one in inputs]
        found.append(flips(called, name, inputs, changed, participants, before))
    return found


def flips(  # noqa: PLR0917 - private to this module
    called: Callable[[Sequence[Any]], NDArray[np.int64]],
    name: str,
    inputs: Sequence[Any],
    changed: Sequence[Any],
    participants: Sequence[str],
    before: NDArray[np.int64],
) -> Stability:
    """The outcome of one change."""
    rows = [i for i, one in enumerate(inputs) if changed[i] != one]
    if not rows:
        return Stability(name, Measure(None, reason="no text has anything to change"), None)
    flipped = called([changed[i] for i in rows]) != before[rows]
    groups = Groups.of([participants[i] for i in rows])
    share = measure(
        groups.mean(flipped.astype(float)), len(rows), groups.draws.shape[1], "share of flipped predictions"
    )
    first = next((i for i, f in zip(rows, flipped, strict=True) if f), None)
    return Stability(name, share, None if first is None else (inputs[first], changed[first]))


@dataclass(frozen=True, slots=True)
class CohortErrors:
    """The mean absolute error of each cohort, and the largest gap between two of them."""

    errors: dict[str, Measure]
    gap: Measure


def errors_by_cohort(
    participants: Sequence[str],
    distance: NDArray[np.float64],
    cohorts: Mapping[str, str],
    *,
    stars: bool = True,
    seed: int = 0,
) -> CohortErrors:
    """The mean of ``distance`` (n,) in each cohort that is large enough, and the largest gap between two of them.

    ``cohorts`` is participant -> cohort. The gap's interval resamples participants. Being a maximum it is above 0 by
    chance alone, so judge it by its lower end and by the sizes of the cohorts.
    """
    names = np.array([cohorts.get(person, "") for person in participants])
    people = np.array(participants)
    large = [c for c in sorted(set(names) - {""}) if len(set(people[names == c])) >= MIN_IN_COHORT]
    if len(large) < 2:
        reason = f"fewer than two cohorts with {MIN_IN_COHORT} held-out participants"
        return CohortErrors({}, Measure(None, reason=reason))
    what = "mean distance of expected from true star" if stars else "mean squared distance from yes (1) or no (0)"
    groups = Groups.of(participants, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = {c: groups.total(distance * (names == c)) / groups.total((names == c).astype(float)) for c in large}
    errors = {c: measure(m, int((names == c).sum()), len(set(people[names == c])), what) for c, m in means.items()}
    stacked = np.stack(list(means.values()))
    gap = np.where(np.isfinite(stacked).all(0), stacked.max(0) - stacked.min(0), np.nan)
    return CohortErrors(
        errors, measure(gap, len(distance), groups.draws.shape[1], "largest gap of error between cohorts")
    )
