"""The statistics path alone, without training: what is planted under any name is what is found."""

import pytest

from db.engine import write_session
from db.tables import Suggestion
from recux.collect.studies import get_study
from recux.demo.fix import planted
from recux.rounds import close_batch
from recux.simulate import Truth, simulate_pilot
from recux.suggest import propose

SEEDS = (1, 2, 6, 9, 12)
HARMLESS = {"careless_answers"}
"""True of the placebo as well: some of its people answer without looking."""


def suggested(engine, seed: int, **more) -> tuple[Truth, list[Suggestion]]:
    """What the first round of a pilot of 120 people suggests."""
    truth = simulate_pilot(engine, "pilot", participants=120, seed=seed, **more)
    with write_session(engine) as session:
        study = get_study(session, "pilot")
        round_ = close_batch(session, study)
        return truth, propose(session, round_)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_planted_is_what_is_found_whatever_its_name(sqlite_engine, seed):
    truth, suggestions = suggested(sqlite_engine, seed)
    rules = {suggestion.rule: suggestion for suggestion in suggestions}
    variant = truth.arms[1].key
    assert ("arm_better" in rules, "arm_worse" in rules) == (
        truth.better_arm.key == variant,
        truth.better_arm.key != variant,
    )
    groups = [suggestion for suggestion in suggestions if suggestion.rule == "group_dislikes_category"]
    worst = min(groups, key=lambda suggestion: suggestion.figure["value"])
    assert worst.predicted["where"] == {"cohort": truth.cohort, "category": truth.category}
    assert len(groups) <= 2  # one in twenty may be found by chance
    themes = [suggestion for suggestion in suggestions if suggestion.rule == "complaint_theme"]
    assert themes
    assert planted(truth, themes) == ("theme", themes[0])
    assert rules["slow_arm"].predicted["where"] == {"arm": truth.slow_arms[0]}
    assert "objective_missed" in rules
    assert "careless_answers" in rules


def test_the_seeds_differ_in_all_names_and_roles(sqlite_engine):
    from recux.simulate import draw_truth

    truths = [draw_truth(seed) for seed in SEEDS]
    assert len({truth.arms[1].key for truth in truths}) >= 4
    assert len({(truth.cohort, truth.category) for truth in truths}) == len(SEEDS)
    assert len({truth.theme for truth in truths}) >= 3
    assert {truth.better_arm == truth.control for truth in truths} == {True, False}
    assert {truth.slow_arms == (truth.control.key,) for truth in truths} == {True, False}


def test_where_nothing_is_planted_arms_and_segments_are_left_alone(sqlite_engine):
    alarms = 0
    for seed in SEEDS:
        simulate_pilot(sqlite_engine, f"placebo-{seed}", participants=60, seed=seed, planted=False)
        with write_session(sqlite_engine) as session:
            study = get_study(session, f"placebo-{seed}")
            found = propose(session, close_batch(session, study))
        alarms += any(suggestion.rule not in HARMLESS for suggestion in found)
    assert alarms <= 1  # the false alarms of one pilot in twenty are allowed for
