"""Simulated pilots with known truth: who rates what in which arm, and where something is planted.

Ratings are latent normal values (person .3, rest .7 of the variance), rounded and clipped to 1..5, so the truth is
known exactly on the scale that is observed. An effect of "twice the smallest detectable size" comes from
`minimum_detectable_effect` for the segment's own number of people an arm and ratings a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy import optimize, stats

from recux.stats import minimum_detectable_effect
from recux.suggest.frames import ArmInfo, Evidence

SD, ICC, CENTRE = 1.1, 0.3, 3.4
SMALLEST, HIGHEST = 1, 5
SAID = ("saw it on the first page", "the blue one with pockets", "arrived in a box", "颜色是蓝色带口袋")
CUTS = np.arange(SMALLEST, HIGHEST) + 0.5


@cache
def expected(centre: float) -> float:
    """Mean of the observed rating when the latent one has this mean."""
    below = stats.norm.cdf((CUTS - centre) / SD)
    return float(HIGHEST - below.sum())


@cache
def shift_for(effect: float) -> float:
    """Latent shift from CENTRE that moves the mean observed rating by `effect`."""
    target = expected(CENTRE) + effect
    return float(optimize.brentq(lambda s: expected(CENTRE + s) - target, -6, 6))


@dataclass(frozen=True)
class Design:
    """Size and cuts of a pilot."""

    people: int = 100
    each: int = 10
    cohorts: int = 3
    categories: int = 4
    spread_categories: bool = True
    """Each person rates all categories equally often (else at random)."""


Effect = Callable[[pd.DataFrame], np.ndarray]
"""Latent shift of each rating, from columns arm, cohort, category."""


def pilot(design: Design, rng: np.random.Generator, effect: Effect | None = None) -> Evidence:
    """One simulated pilot with people, items, lists, ratings, comments and requests."""
    n, k = design.people, design.each
    arm = rng.permutation(np.arange(n) % 2)
    people = pd.DataFrame(
        {
            "id": np.arange(n),
            "arm": arm,
            "confirm": rng.random(n) < 0.5,
            "first": 1,
            "cohort": _names("cohort", rng.permutation(np.arange(n) % design.cohorts)),
            "language": _words(["en", "zh_CN"], rng.integers(0, 2, n)),
            "device": _words(["phone", "desktop"], rng.integers(0, 2, n)),
            "experience": _words(["new", "returning"], rng.integers(0, 2, n)),
        }
    )
    items = _items(design)
    person, category = np.repeat(np.arange(n), k), _categories(design, rng)
    per_category = len(items) // design.categories
    item = category * per_category + rng.integers(0, per_category, n * k)
    latent = CENTRE + rng.normal(0, SD * ICC**0.5, n)[person] + rng.normal(0, SD * (1 - ICC) ** 0.5, n * k)
    if effect is not None:
        cut = pd.DataFrame({"arm": arm[person], "cohort": people["cohort"].to_numpy()[person]})
        latent = latent + effect(cut.assign(category=items["category"].to_numpy()[item]))
    position = np.tile(np.arange(1.0, k + 1), n)
    ratings = pd.DataFrame(
        {
            "id": np.arange(n * k),
            "person": person,
            "item": item,
            "arm": arm[person],
            "slate": person,
            "position": position,
            "rating": np.clip(np.floor(latent + 0.5), SMALLEST, HIGHEST),
            "comment": _words([*SAID, None], np.where(rng.random(n * k) < 0.4, rng.integers(0, len(SAID), n * k), -1)),
            "round": 1,
            "at": np.nan,
        }
    )
    impressions = ratings[["slate", "person", "arm", "item", "position"]]
    requests = pd.DataFrame(
        {
            "id": np.arange(n),
            "arm": arm,
            "person": np.arange(n),
            "duration_ms": np.exp(rng.normal(5.3, 0.4, n)),
            "failed": rng.random(n) < 0.03,
        }
    )
    arms = (ArmInfo("a"), ArmInfo("b"))
    return Evidence(arms, people, ratings, items=items, impressions=impressions, requests=requests)


def _names(word: str, codes: np.ndarray) -> pd.Series:
    return _words([f"{word}{n}" for n in range(int(codes.max()) + 1)], codes)


def _words(words: Sequence[str | None], codes: np.ndarray) -> pd.Series:
    """A column of texts as it is read from a database: objects, not pandas' own strings."""
    return pd.Series(np.array(words, dtype=object)[codes], dtype=object)


def _categories(design: Design, rng: np.random.Generator) -> np.ndarray:
    if not design.spread_categories:
        return rng.integers(0, design.categories, design.people * design.each)
    row = np.tile(np.arange(design.each) % design.categories, (design.people, 1))
    return rng.permuted(row, axis=1).ravel()


@cache
def _items(design: Design) -> pd.DataFrame:
    number = np.arange(40 * design.categories)
    return pd.DataFrame(
        {
            "id": number,
            "title": [f"Article {n}" for n in number],
            "description": [f"Number {n} of the collection" for n in number],
            "category": _names("kind", number // 40),
            "tags": 0,
            "price": 1.0,
            "image_url": "x",
        }
    )


@dataclass(frozen=True)
class Planted:
    """A truth: what is low or different where, and the rule that should say so."""

    name: str
    design: Design
    where: Mapping[str, str]
    rules: tuple[str, str]
    """For a lower and for a higher segment."""
    per_person: int
    """Ratings of a person that fall into the segment."""
    both_signs: bool

    @property
    def size(self) -> float:
        """Twice the smallest detectable effect for the people an arm in this segment."""
        cohort = self.design.people // self.design.cohorts
        return 2 * minimum_detectable_effect(cohort // 2, sd=SD, icc=ICC, k=self.per_person).value

    def effect(self, signed: float, *, only_arm: int | None = None) -> Effect:
        """Shift the segment by `signed` on the observed scale, in the planted arm or in `only_arm`."""
        shift, arm = shift_for(signed), only_arm if only_arm is not None else (1 if "arm" in self.where else None)

        def shifts(rows: pd.DataFrame) -> np.ndarray:
            inside = np.ones(len(rows), dtype=bool)
            for key in ("cohort", "category"):
                if key in self.where:
                    inside &= (rows[key] == self.where[key]).to_numpy()
            if arm is not None:
                inside &= (rows["arm"] == arm).to_numpy()
            return np.where(inside, shift, 0.0)

        return shifts


TEN = Design(people=1000, cohorts=10, categories=4)
HUNDRED = Design(people=1000, cohorts=10, categories=10)
MANY = Design(people=10_000, cohorts=100, categories=4)
ARM = {"arm": "b", "control": "a"}
TRUTHS = (
    Planted("10 cohorts, one lower", TEN, {"cohort": "cohort3"}, ("cohort_low", ""), 10, both_signs=False),
    Planted("10 cohorts, arm differs in one", TEN, {**ARM, "cohort": "cohort3"},
            ("arm_fails_segment", "arm_suits_segment"), 10, both_signs=True),
    Planted("100 cohort x category, one lower", HUNDRED, {"cohort": "cohort3", "category": "kind4"},
            ("group_dislikes_category", ""), 1, both_signs=False),
    Planted("100 cohort x category, arm differs in one", HUNDRED, {**ARM, "cohort": "cohort3", "category": "kind4"},
            ("arm_fails_segment", "arm_suits_segment"), 1, both_signs=True),
)  # fmt: skip
LARGE = Planted("100 cohorts, arm differs in one", MANY, {**ARM, "cohort": "cohort3"},
                ("arm_fails_segment", "arm_suits_segment"), 10, both_signs=True)  # fmt: skip
