"""Slow and failing arms, and what slowness does to ratings."""

import numpy as np

from tests.suggest.pilots import Plant


def slow_arm(pilot, rng):
    for row in pilot.requests:
        row["duration_ms"] *= 3 if pilot.of(row)["arm"] == 1 else 1


def all_slow(pilot, rng):
    for row in pilot.requests:
        row["duration_ms"] *= 3


def failing_arm(pilot, rng):
    for row in pilot.requests:
        row["failed"] |= bool(pilot.of(row)["arm"] == 1 and rng.random() < 0.35)


def all_failing(pilot, rng):
    for row in pilot.requests:
        row["failed"] |= bool(rng.random() < 0.35)


def objective(milliseconds: float) -> Plant:
    def plant(pilot, rng):
        pilot.study["objectives"] = {"p95_ms": milliseconds}

    return plant


def slowness_hurts(pilot, rng):
    slow = {row["person"]: np.log(row["duration_ms"]) - 5.3 for row in pilot.requests}
    for row in pilot.shown:
        row["feel"] -= 1.2 * slow[row["person"]]


CASES: dict[str, tuple[Plant, Plant]] = {
    "slow_arm": (slow_arm, all_slow),
    "failing_arm": (failing_arm, all_failing),
    "objective_missed": (objective(150), objective(2000)),
    "slowness_costs_ratings": (slowness_hurts, slow_arm),
}
"""By rule: what makes it speak, and what looks alike and does not."""
