"""Each rule speaks when its problem is planted in a pilot that went through the database, and is silent otherwise."""

from collections.abc import Sequence

import numpy as np
import pytest
import sqlalchemy as sa

from db.engine import write_session
from db.tables import Round, Suggestion
from recux.suggest import propose
from tests.suggest.pilots import Pilot, Plant, placebo, store


def nothing(pilot: Pilot, rng: np.random.Generator) -> None:
    """Plant nothing."""


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


def cohort_dislikes(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 1.5 * (pilot.of(row)["cohort"] == "cedar" and pilot.item(row)["category"] == "kind2")


def some_dislike(pilot, rng):
    unlucky = rng.random(len(pilot.people)) < 0.33
    for row in pilot.shown:
        row["feel"] -= 1.5 * (unlucky[row["person"]] and pilot.item(row)["category"] == "kind2")


def low_trait(trait: str, value: str, by: float = 0.8) -> Plant:
    def plant(pilot, rng):
        for row in pilot.shown:
            person = pilot.of(row)
            row["feel"] -= by * (person.get(trait, person["attributes"].get(trait)) == value)

    return plant


def low_category(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.9 * (pilot.item(row)["category"] == "kind1")


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


def theme(pilot, rng):
    for row in pilot.shown:
        if row["feel"] < 2.5 and rng.random() < 0.5:
            row["comment"] = str(rng.choice(["shipping costs too much", "they hide the shipping costs until the end"]))


def theme_everywhere(pilot, rng):
    for row in pilot.shown:
        if rng.random() < 0.5:
            row["comment"] = str(rng.choice(["shipping costs too much", "they hide the shipping costs until the end"]))


def careless(pilot, rng):
    for person in range(0, 24, 2):
        for row in pilot.shown:
            if row["person"] == person:
                row["feel"] = 5.0


def few_comments(pilot, rng):
    for row in pilot.shown:
        row["comment"] = row["comment"] if rng.random() < 0.1 else None


def leaving(pilot, rng):
    gone = rng.random(len(pilot.people)) < 0.5
    for row in pilot.shown:
        row["rated"] = not (gone[row["person"]] and row["position"] > 2)


def same_answer(pilot, rng):
    for row in pilot.answers:
        if row["instrument"] == "csat":
            row["value"] = 4.0


def unreliable(pilot, rng):
    for row in pilot.answers:
        if row["instrument"] == "trust":
            row["value"] = float(rng.integers(1, 6))


def silent_cohort(pilot, rng):
    silent = [p["cohort"] == "amber" and rng.random() < 0.5 for p in pilot.people]
    for row in pilot.shown:
        row["rated"] = not silent[row["person"]]


def silent_some(pilot, rng):
    silent = rng.random(len(pilot.people)) < 0.2
    for row in pilot.shown:
        row["rated"] = not silent[row["person"]]


def lost_people(pilot, rng):
    for number, person in enumerate(pilot.people):
        person["arm"] = 1 if number % 4 else 0


def thin(pilot, rng):
    for number, person in enumerate(pilot.people):
        person["cohort"] = "dune" if number < 4 else person["cohort"]


def twins(pilot, rng):
    for number in range(10):
        pilot.items[number + 30].update(title=f"article  {number}!", description=pilot.items[number]["description"])


def bare_items(pilot, rng):
    for item in pilot.items[::3]:
        item["description"] = None


def no_descriptions(pilot, rng):
    for item in pilot.items:
        item["description"] = None


CASES: dict[str, tuple[Plant, Plant]] = {
    "arm_better": (better_arm, better_arms_alike),
    "arm_worse": (worse_arm, nothing),
    "arm_fails_segment": (arm_fails_cohort, low_trait("cohort", "birch", 1.3)),
    "arm_suits_segment": (arm_suits_cohort, better_arm),
    "group_dislikes_category": (cohort_dislikes, some_dislike),
    "cohort_low": (low_trait("cohort", "birch"), cohort_dislikes),
    "newcomers_low": (low_trait("experience", "new"), low_trait("experience", "returning")),
    "language_low": (low_trait("language", "zh_CN"), low_trait("cohort", "amber")),
    "device_low": (low_trait("device", "phone"), low_trait("language", "en")),
    "category_low": (low_category, cohort_dislikes),
    "slow_arm": (slow_arm, all_slow),
    "failing_arm": (failing_arm, all_failing),
    "objective_missed": (objective(150), objective(2000)),
    "slowness_costs_ratings": (slowness_hurts, slow_arm),
    "complaint_theme": (theme, theme_everywhere),
    "careless_answers": (careless, nothing),
    "few_comments": (few_comments, nothing),
    "people_leave": (leaving, nothing),
    "question_says_nothing": (same_answer, nothing),
    "unreliable_construct": (unreliable, nothing),
    "cohort_does_not_answer": (silent_cohort, silent_some),
    "sample_ratio_mismatch": (lost_people, nothing),
    "thin_cohort": (thin, nothing),
    "duplicate_items": (twins, nothing),
    "missing_field": (bare_items, no_descriptions),
}


def proposals(engine: sa.Engine, plant: Plant, *, seed: int = 0) -> Sequence[Suggestion]:
    """What is suggested after a pilot with this plant."""
    pilot = placebo(seed)
    plant(pilot, np.random.default_rng(seed + 1000))
    round_id = store(engine, pilot)
    with write_session(engine) as session:
        return propose(session, session.get_one(Round, round_id))


@pytest.mark.parametrize("rule", CASES)
def test_a_planted_problem_is_suggested(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][0])
    assert rule in {s.rule for s in found}


@pytest.mark.parametrize("rule", CASES)
def test_the_placebo_of_a_rule_leaves_it_silent(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][1])
    assert rule not in {s.rule for s in found}
