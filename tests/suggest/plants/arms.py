"""Arms that are better or worse, everywhere or for some."""

from tests.suggest.pilots import Plant, nothing
from tests.suggest.plants.segments import low_trait


def better_arm(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.7 * (pilot.of(row)["arm"] == 1)


def better_arms_alike(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.7


def worse_arm(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.7 * (pilot.of(row)["arm"] == 1)


def arm_fails_cohort(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 1.3 * (pilot.of(row)["arm"] == 1 and pilot.of(row)["cohort"] == "birch")


def arm_suits_cohort(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 1.3 * (pilot.of(row)["arm"] == 1 and pilot.of(row)["cohort"] == "birch") - 0.5


CASES: dict[str, tuple[Plant, Plant]] = {
    "arm_better": (better_arm, better_arms_alike),
    "arm_worse": (worse_arm, nothing),
    "arm_fails_segment": (arm_fails_cohort, low_trait("cohort", "birch", 1.3)),
    "arm_suits_segment": (arm_suits_cohort, better_arm),
}
"""By rule: what makes it speak, and what looks alike and does not."""
