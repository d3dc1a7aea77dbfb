"""What is planted in a simulated pilot. Only the simulation and its tests know it."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

N_CATEGORIES, N_COHORTS = 4, 3
BETTER = 0.9
"""Stars that the better arm adds for everyone."""
DISLIKE = -1.7
"""Stars that one cohort takes off one category."""
SLOW = 4.0
"""How many times longer the slow arm takes."""
COMPLAINERS = 0.6
"""Share of unhappy texts that raise the complaint theme."""
CARELESS = 0.06
"""Share of people who answer without looking."""
PATIENCE = 0.3
PROBLEMS = ("segment", "theme", "slow")


@dataclass(frozen=True)
class ArmTruth:
    """What is true of one arm."""

    key: str
    effect: float
    """Stars it adds to everyone's latent satisfaction, before rounding to 1..5."""
    segment: bool
    """Whether one cohort dislikes what it shows of one category."""
    theme: bool
    """Whether the unhappy complain of one thing."""
    slow: bool
    """Whether it answers late and fails more often."""


@dataclass(frozen=True)
class Truth:
    """The names and sizes of everything planted."""

    seed: int
    languages: tuple[str, ...]
    """The first is that of the items."""
    arms: tuple[ArmTruth, ...]
    """The control first."""
    cohort: str
    """The cohort that dislikes ``category``."""
    category: str
    cohorts: tuple[str, ...]
    categories: tuple[str, ...]
    theme: str
    """Name of the complaint in the pools."""
    dislike: float = DISLIKE
    theme_share: float = COMPLAINERS
    slow_factor: float = SLOW
    careless_share: float = CARELESS
    patience: float = PATIENCE
    """Stars that a doubling of the waiting time within one's arm costs."""
    order_skill: float = 1.0
    """How much of what people like decides the order of a list; 0 shuffles it."""

    @property
    def control(self) -> ArmTruth:
        """The control arm."""
        return self.arms[0]

    @property
    def better_arm(self) -> ArmTruth:
        """The arm with the largest effect."""
        return max(self.arms, key=lambda arm: arm.effect)

    @property
    def slow_arms(self) -> tuple[str, ...]:
        """Keys of the arms that answer late."""
        return tuple(arm.key for arm in self.arms if arm.slow)

    def arm(self, key: str) -> ArmTruth:
        """The arm of this key."""
        return next(arm for arm in self.arms if arm.key == key)

    def with_fix(self, problem: str, key: str, *, like: str | None = None) -> "Truth":
        """The same world with the control and a new arm: the arm ``like`` (the control) without ``problem``."""
        assert problem in PROBLEMS, f"{problem!r} is none of {PROBLEMS}"
        base = self.arm(like) if like else self.control
        fixed = replace(base, key=key, **{problem: False})
        return replace(self, arms=(self.control, fixed))


def draw_truth(
    seed: int,
    *,
    languages: tuple[str, ...] = ("en", "zh_CN"),
    arms: int = 2,
    planted: bool = True,
) -> Truth:
    """Draw names and places of everything planted from ``seed``: another seed, other names in other roles.

    With ``planted`` False nothing differs between arms and segments and nobody complains of one thing: a placebo.
    """
    rng = np.random.default_rng([seed, 8])
    words = pools()
    keys = ("control", *_some(rng, words["arms"], arms - 1))
    better, slow = (keys[int(rng.integers(len(keys)))] for _ in range(2))
    cohorts = [cohort_name(name, languages[0]) for name in _some(rng, list(words["cohorts"]), N_COHORTS)]
    categories = [category_name(name, languages[0]) for name in _some(rng, list(words["categories"]), N_CATEGORIES)]
    return Truth(
        seed=seed,
        languages=languages,
        arms=tuple(
            ArmTruth(key, BETTER if planted and key == better else 0.0, planted, planted, planted and key == slow)
            for key in keys
        ),
        cohort=cohorts[0],
        category=categories[0],
        cohorts=tuple(cohorts),
        categories=tuple(categories),
        theme=_some(rng, list(words["themes"]), 1)[0],
        patience=PATIENCE if planted else 0.0,
        order_skill=1.0 if planted else 0.0,
    )


def cohort_name(name: str, language: str) -> str:
    """How a cohort of the pools is called."""
    return str(pools()["cohorts"][name]) if language == "zh_CN" else name.replace("_", " ")


def category_name(name: str, language: str) -> str:
    """How a category of the pools is called."""
    return str(pools()["categories"][name]["zh_CN"]) if language == "zh_CN" else name


@cache
def pools() -> dict[str, Any]:
    """The invented words."""
    return tomllib.loads(files("recux.simulate").joinpath("pools.toml").read_text(encoding="utf-8"))


def _some(rng: np.random.Generator, names: list[str], count: int) -> list[str]:
    return [str(name) for name in rng.permutation(names)[:count]]
