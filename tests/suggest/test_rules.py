"""Each rule speaks when its problem is planted in a pilot that went through the database, and is silent otherwise."""

from collections.abc import Sequence

import numpy as np
import pytest
import sqlalchemy as sa

from db.engine import write_session
from db.tables import ModelVersion, Round, Suggestion
from recux.suggest import RULE_NAMES, judge, propose
from recux.suggest.rules import RULES
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


def low_on_phones(pilot, rng):
    for row in pilot.shown:
        person = pilot.of(row)
        row["feel"] -= 1.4 * (person["cohort"] == "amber" and person["attributes"]["device"] == "phone")


def phones_mind_the_end(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 1.2 * (pilot.of(row)["attributes"]["device"] == "phone" and row["position"] > 6)


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


def theme_of_one_arm(pilot, rng):
    for row in pilot.shown:
        if row["feel"] < 3 and pilot.of(row)["arm"] == 1 and rng.random() < 0.7:
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


def wrong_order(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.15 * (row["position"] - 5)


def right_order(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.1 * (row["position"] - 5)


def weak_tail(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.8 * (row["position"] > 6)


def strong_list_with_weaker_tail(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.9 - 0.4 * (row["position"] > 6)


def tired_of_the_same(pilot, rng):
    above: dict[tuple[int, str], int] = {}
    for row in pilot.shown:
        key = row["person"], pilot.item(row)["category"]
        row["feel"] -= 0.8 * (above.get(key, 0) >= 2)
        above[key] = above.get(key, 0) + 1


def few_kinds(pilot, rng):
    for item in pilot.items[::2]:
        item["category"] = "kind0"


def crowded(tail: float) -> Plant:
    """Six items take half of the places; the others are liked better by `tail`."""

    def plant(pilot, rng):
        for row in pilot.shown:
            if row["position"] % 2:
                row["item"] = int((row["position"] // 2 + row["person"]) % 6)
            row["feel"] += tail * (row["item"] >= 6)

    return plant


def shown_again(pilot, rng):
    first: dict[int, int] = {}
    for row in pilot.shown:
        first.setdefault(row["person"], row["item"])
        if row["position"] == 5:
            row["item"] = first[row["person"]]


def distrust(tie: float) -> Plant:
    """Trust is low, and as high as the person is satisfied when `tie` is 1."""

    def plant(pilot, rng):
        felt = np.zeros(len(pilot.people))
        for row in pilot.shown:
            felt[row["person"]] += (row["feel"] - 3.7) / 9
        for row in pilot.answers:
            if row["instrument"] == "trust":
                level = 2.0 + 1.2 * tie * felt[row["person"]] + rng.normal(0, 0.5)
                value = float(np.clip(round(level), 1, 5))
                row["value"] = 6 - value if row["question"] in ("q2", "q5") else value

    return plant


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
    "group_minds_position": (phones_mind_the_end, weak_tail),
    "combination_low": (low_on_phones, low_trait("cohort", "amber")),
    "category_low": (low_category, cohort_dislikes),
    "slow_arm": (slow_arm, all_slow),
    "failing_arm": (failing_arm, all_failing),
    "objective_missed": (objective(150), objective(2000)),
    "slowness_costs_ratings": (slowness_hurts, slow_arm),
    "good_items_low": (wrong_order, right_order),
    "tail_disappoints": (weak_tail, strong_list_with_weaker_tail),
    "more_of_the_same": (tired_of_the_same, few_kinds),
    "popularity_bias": (crowded(0.8), crowded(0.0)),
    "repeated_items": (shown_again, nothing),
    "weak_driver": (distrust(1.0), distrust(0.0)),
    "complaint_theme": (theme, theme_everywhere),
    "theme_in_arm": (theme_of_one_arm, theme),
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


def test_every_rule_has_its_plant_and_its_name_in_words() -> None:
    rules = {rule.__name__ for rule in RULES}
    assert rules == {*CASES, *ROUND_RULES}
    assert rules == set(RULE_NAMES)


@pytest.mark.parametrize("rule", CASES)
def test_a_planted_problem_is_suggested(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][0])
    assert rule in {s.rule for s in found}


@pytest.mark.parametrize("rule", CASES)
def test_the_placebo_of_a_rule_leaves_it_silent(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][1])
    assert rule not in {s.rule for s in found}


def plant_models(
    session, round_: Round, *, loss: float, baseline: float, ece: float, old: float, off: float = 0.7
) -> None:
    """An encoder and a baseline with these held-out figures; `off` is the error on the cohort that is served worst."""

    def figure(value: float, half: float = 0.02) -> dict[str, object]:
        return {"value": value, "ci_low": value - half, "ci_high": value + half, "n": 400, "method": "bootstrap"}

    for name, value in (("encoder", loss), ("tfidf_logistic", baseline)):
        cohorts = {"amber": figure(0.7, 0.08), "birch": figure(0.75, 0.08), "cedar": figure(off, 0.08)}
        metrics = {"log_loss": figure(value), "ece": figure(ece)}
        metrics |= {"by_round": {"1": figure(old)}, "closer": {"cohorts": cohorts}}
        session.add(
            ModelVersion(
                study_id=round_.study_id, round_id=round_.id, head="rating", name=name, baseline=name != "encoder",
                base_model="x", folder="x", metrics=metrics,
            )
        )  # fmt: skip


def two_rounds(engine: sa.Engine, second: Plant, *, bad: bool) -> set[str]:
    """Rules that speak in the second of two rounds; `bad` plants models that got worse and a foreign language."""
    with_first = placebo(1)
    first_id = store(engine, with_first)
    pilot = placebo(2)
    second(pilot, np.random.default_rng(2))
    second_id = store(engine, pilot, day=30)
    with write_session(engine) as session:
        first, then = (session.get_one(Round, number) for number in (first_id, second_id))
        plant_models(session, first, loss=1.2, baseline=1.3, ece=0.03, old=1.2)
        if bad:
            plant_models(session, then, loss=1.4, baseline=1.2, ece=0.2, old=1.5, off=1.3)
        else:
            plant_models(session, then, loss=1.19, baseline=1.2, ece=0.05, old=1.21, off=0.85)
        then.config = {"unknown_token_share": 0.6 if bad else 0.02}
        session.add(then)
        session.flush()
        return {s.rule for s in propose(session, then)}


ROUND_RULES = {
    "ratings_drift",
    "unsuitable_encoder",
    "worse_than_baseline",
    "miscalibrated_model",
    "model_forgets",
    "unfair_model",
}


def test_what_got_worse_between_rounds_is_suggested(engine: sa.Engine) -> None:
    def gloomier(pilot, rng):
        for row in pilot.shown:
            row["feel"] -= 0.6

    assert two_rounds(engine, gloomier, bad=True) >= ROUND_RULES


def test_two_like_rounds_leave_the_rules_about_rounds_silent(sqlite_engine: sa.Engine) -> None:
    assert not two_rounds(sqlite_engine, nothing, bad=False) & ROUND_RULES


@pytest.mark.parametrize("seed", range(5))
def test_a_pilot_without_problems_gets_no_suggestion(sqlite_engine: sa.Engine, seed: int) -> None:
    assert [s.title["en"] for s in proposals(sqlite_engine, nothing, seed=seed)] == []


def one_arm(pilot, rng):
    pilot.arms = ("a",)
    for person in pilot.people:
        person["arm"] = 0


def one_cohort(pilot, rng):
    for person in pilot.people:
        person["cohort"] = "amber"


def no_comments(pilot, rng):
    for row in pilot.shown:
        row["comment"] = None


def unknown_language(pilot, rng):
    for row in pilot.shown:
        row["comment"] = str(rng.choice(["ราคาแพงเกินไป", "ძალიან ძვირია", "በጣም ውድ ነው"]))


def all_alike(pilot, rng):
    for row in pilot.shown:
        row["feel"] = 4.0


@pytest.mark.parametrize("odd", [one_arm, one_cohort, no_comments, unknown_language, all_alike])
def test_an_odd_pilot_is_suggested_nothing_that_its_data_cannot_support(sqlite_engine: sa.Engine, odd: Plant) -> None:
    found = {s.rule for s in proposals(sqlite_engine, odd)}
    assert found == {no_comments: {"few_comments"}, all_alike: {"careless_answers"}}.get(odd, set())


def test_a_first_round_has_nothing_to_judge(sqlite_engine: sa.Engine) -> None:
    round_id = store(sqlite_engine, placebo(0))
    with write_session(sqlite_engine) as session:
        assert judge(session, session.get_one(Round, round_id)) == []
