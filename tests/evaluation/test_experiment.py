from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Arm, Batch
from recux.evaluation.experiment import Data, compare, comparisons, judge, split_of
from recux.evaluation.figure import FigureValue
from recux.evaluation.lists import METRICS
from recux.insight import people
from recux.instruments import load
from recux.stats import compare_crossover, compare_means, holm
from tests.evaluation.world import KNOWN, answers_frame, exposures_frame, ratings_frame
from tests.planting import START, plant_person, plant_study

SILENCE, UNSEEN = answers_frame([]), exposures_frame([(1, [5])]).iloc[:0]


def pilot(effects, *, people=40, each=6, seed=1):
    """Ratings of arms a, b, ... that differ by these effects."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, (arm, effect) in enumerate(effects.items()):
        for person in range(people):
            own = 3 + effect + rng.normal(0, 0.4)
            stars = np.clip(np.round(own + rng.normal(0, 0.7, each)), 1, 5)
            rows += [(1000 * number + person, arm, float(one)) for one in stars]
    return ratings_frame(rows)


def verdicts(ratings, arms="ab", primary="mean_rating", **more):
    found = comparisons(Data(ratings, SILENCE, UNSEEN, KNOWN), list(arms), primary, recorded=set(), **more)
    return {one.arm: one.verdict for one in found if one.primary}


def test_a_clear_difference_is_better_in_one_arm_and_worse_when_the_arms_are_swapped():
    assert verdicts(pilot({"a": 0, "b": 0.9})) == {"b": "better"}
    assert verdicts(pilot({"a": 0.9, "b": 0})) == {"b": "worse"}


def test_noise_in_a_small_pilot_cannot_be_told():
    assert verdicts(pilot({"a": 0, "b": 0.1}, people=8)) == {"b": "cannot_tell"}


def test_the_same_in_a_large_pilot_is_equivalent():
    assert verdicts(pilot({"a": 0, "b": 0}, people=600)) == {"b": "equivalent"}


def test_a_broken_split_lets_nothing_be_told():
    assert verdicts(pilot({"a": 0, "b": 0.9}), split_ok=False) == {"b": "cannot_tell"}


def test_the_primary_metric_of_several_arms_is_adjusted_over_the_arms():
    data = Data(pilot({"a": 0, "b": 0.3, "c": 0.25}, people=25), SILENCE, UNSEEN, KNOWN)
    found = comparisons(data, ["a", "b", "c"], "mean_rating", recorded=set())
    assert [one.p_adjusted for one in found] == pytest.approx(list(holm([one.p for one in found])))


def test_a_rating_is_never_counted_as_a_person():
    ratings = pilot({"a": 0, "b": 0.4}, people=15)
    a, b = (ratings[ratings["arm"] == arm].groupby("participant")["rating"].mean() for arm in "ab")
    found = compare("mean_rating", Data(ratings, SILENCE, UNSEEN, KNOWN), "b", "a").result
    wanted = compare_means(a.to_numpy(), b.to_numpy())
    assert (found.difference, found.p, found.n_a) == pytest.approx((wanted.difference, wanted.p, 15))


def test_nps_and_csat_are_compared_beside_the_primary_metric():
    rows = [(n, "ab"[n % 2], "nps", "score", 10 if n % 2 else 3) for n in range(40)]
    rows += [(n, "ab"[n % 2], "csat", "score", 5 if n % 2 else 2) for n in range(40)]
    data = Data(pilot({"a": 0, "b": 0}), answers_frame(rows), UNSEEN, KNOWN)
    found = {one.metric: one for one in comparisons(data, ["a", "b"], "mean_rating", recorded=set())}
    assert found["nps"].verdict == found["csat"].verdict == "better"
    assert found["nps"].difference.value == 200
    assert not found["nps"].primary


def test_a_difference_in_clicks_is_the_difference_of_the_two_rates():
    a = exposures_frame([(n, [None] * (n % 4 + 1)) for n in range(30)], arm="a")
    b = exposures_frame([(100 + n, [None] * (n % 3 + 2)) for n in range(30)], arm="b")
    rng = np.random.default_rng(5)
    shown = pd.concat([a.assign(clicked=rng.random(len(a)) < 0.2), b.assign(clicked=rng.random(len(b)) < 0.5)])
    found = compare("ctr", Data(ratings_frame([]), SILENCE, shown, KNOWN), "b", "a").result
    rates = shown.groupby("arm")["clicked"].mean()
    assert found.difference == pytest.approx(rates["b"] - rates["a"])
    assert (found.n_a, found.n_b) == (30, 30)


def test_ranking_figures_are_never_compared():
    shown = pd.concat([exposures_frame([(n, [5, 1, 4])], arm="ab"[n % 2]).assign(slate=n) for n in range(20)])
    data = Data(pilot({"a": 0, "b": 0.9}), SILENCE, shown.assign(clicked=shown["item"] == 1), KNOWN)
    found = comparisons(data, ["a", "b"], "ndcg", recorded={"click"})
    assert found[0].verdict == "cannot_tell"  # even when somebody asks for it
    assert not {one.metric for one in found[1:]} & set(METRICS)


def test_a_construct_can_decide():
    rng, rows = np.random.default_rng(6), []
    for n in range(60):
        for question in (load("trust").question(name) for name in ("q1", "q2", "q3")):
            score = float(np.clip((4.5 if n % 2 else 2) + rng.integers(-1, 2), 1, 5))
            rows.append((n, "ab"[n % 2], "trust", question.name, question.keyed(score)))
    data = Data(ratings_frame([]), answers_frame(rows), UNSEEN, KNOWN)
    (found,) = comparisons(data, ["a", "b"], "trust.transparency", recorded=set())
    assert found.verdict == "better"
    assert found.difference.value == pytest.approx(2.5, abs=0.5)


@pytest.mark.parametrize(
    ("low", "value", "high", "p", "verdict"),
    [
        (0.1, 0.5, 0.9, 0.01, "better"),
        (-0.9, -0.5, -0.1, 0.01, "worse"),
        (-0.15, 0.0, 0.15, 0.9, "equivalent"),
        (-0.1, 0.4, 0.9, 0.12, "cannot_tell"),
        (0.01, 0.5, 0.99, 0.08, "cannot_tell"),  # its own interval is clear, the family's is not
        (-0.48, -0.33, 0.03, 0.0495, "cannot_tell"),  # an exact test and an exact interval need not agree
    ],
)
def test_verdicts(low, value, high, p, verdict):
    assert judge(FigureValue(value, low, high, 40), p, 0.2)[0] == verdict


def test_a_difference_that_is_clear_only_alone_says_so():
    _, because = judge(FigureValue(0.5, 0.01, 0.99, 40), 0.08, 0.2)
    assert because.startswith("significant alone")


def test_a_p_just_below_the_level_is_told_apart_from_it():
    assert judge(FigureValue(0.5, 0.01, 0.99, 40), 0.0495, 0.2) == ("better", "adjusted p = 0.0495, below 0.05")


def test_the_split_counts_everybody_assigned_and_ignores_arms_that_get_nobody():
    found = split_of({"a": 17, "b": 3, "c": 0}, {"a": 1.0, "b": 1.0, "c": 0.0})
    assert found.counts == {"a": 17, "b": 3, "c": 0}
    assert found.p == pytest.approx(0.00258, abs=1e-5)
    assert found.ok is False


@pytest.mark.parametrize(
    ("closed", "counted"), [(True, {"a": 12, "b": 0, "c": 12}), (False, {"a": 36, "b": 24, "c": 12})]
)
def test_the_split_is_of_people_who_came_while_all_arms_were_open(engine, closed, counted):
    with write_session(engine) as session:
        study = plant_study(session, arms=("a", "b", "c"))
        arms = {arm.key: arm for arm in session.exec(select(Arm)).all()}
        arms["b"].weight = 0.0  # closed when c, which tries a change, was opened
        for day, came in ((0, {"a": 24, "b": 24}), (9, {"a": 12, "c": 12})):
            for key, n in came.items():
                for number in range(n):
                    at = START + timedelta(days=day, seconds=number)
                    plant_person(session, study, f"{key}{day}-{number}", arm_id=arms[key].id, created_at=at)
        if closed:
            at = START + timedelta(days=5)
            session.add(Batch(study_id=study.id, number=1, closed_by="hand", closed_at=at, content_hash="x"))
        session.flush()
        found = people.split(session, study)
    assert found.counts == counted
    assert found.ok is closed


def test_one_arm_has_no_split_to_check():
    assert split_of({"a": 1}, {"a": 1.0}).ok is None


def both_arms(effect, *, people=24, seed=2):
    """Ratings of people who saw both arms, every second one b first, everybody a star lower the second time."""
    rng = np.random.default_rng(seed)
    rows, first = [], {}
    for person in range(people):
        taste = rng.normal(0, 0.8)
        first[person] = "a" if person % 2 else "b"
        for arm in "ab":
            later = 1.0 * (first[person] != arm)
            stars = 3.5 + taste + (effect if arm == "b" else 0) - later + rng.normal(0, 0.3, 4)
            rows += [(person, arm, star) for star in np.clip(stars, 1, 5)]
    return Data(ratings_frame(rows), SILENCE, UNSEEN, KNOWN), pd.Series(first)


def test_people_who_saw_both_arms_are_compared_with_themselves():
    data, first = both_arms(0.4)
    (one,) = comparisons(data, ["a", "b"], "mean_rating", recorded=set(), first=first)
    wide = data.ratings.groupby(["participant", "arm"])["rating"].mean().unstack()
    wanted = compare_crossover(wide["a"], wide["b"], first[wide.index] == "a").effect
    assert (one.within, one.verdict, one.difference.n) == (True, "better", 24)
    assert (one.difference.value, one.p) == pytest.approx((wanted.difference, wanted.p))
    assert one.difference.definition.endswith("within the same people")


def test_the_same_ratings_by_different_people_cannot_tell():
    data, _ = both_arms(0.4)
    ratings = data.ratings.assign(participant=data.ratings["participant"] + 100 * (data.ratings["arm"] == "b"))
    (one,) = comparisons(
        Data(ratings, SILENCE, UNSEEN, KNOWN), ["a", "b"], "mean_rating", recorded=set(), first=pd.Series()
    )
    assert (one.within, one.verdict) == (False, "cannot_tell")
    assert one.further.n_per_arm > 0


def test_a_planned_crossover_that_nobody_finished_has_no_difference_yet():
    data = Data(pilot({"a": 0, "b": 0.3}, people=10), SILENCE, UNSEEN, KNOWN)
    nobody = pd.Series([], dtype="str")
    (one,) = comparisons(data, ["a", "b"], "mean_rating", recorded=set(), first=nobody, crossover=True)
    assert (one.verdict, one.difference.value, one.further) == ("cannot_tell", None, None)


def cohorts_that_decide(gap, *, keen=(24, 6), seed=3):
    """Ratings by two cohorts in arms a and b, b better by ``gap`` within each; ``keen`` raters of 30 by arm."""
    rng, rows, cohorts = np.random.default_rng(seed), [], {}
    for arm, many in zip("ab", keen, strict=True):
        for place in range(30):
            person = 1000 * (arm == "b") + place
            cohorts[person] = "keen" if place < many else "cool"
            low = (4.0 if place < many else 1.5) + (gap if arm == "b" else 0)
            rows += [(person, arm, float(one)) for one in np.clip(low + rng.normal(0, 0.2, 2), 1, 5)]
    return Data(ratings_frame(rows), SILENCE, UNSEEN, KNOWN), pd.Series(cohorts)


def test_arms_whose_difference_the_mix_of_cohorts_turned_round_are_called_by_their_name():
    """In both cohorts b is rated higher, but many more of its people are of the cohort that rates low."""
    data, cohorts = cohorts_that_decide(0.4)
    (found,) = comparisons(data, ["a", "b"], "mean_rating", recorded=set(), cohorts=cohorts)
    assert found.difference.value < -0.5
    details = found.details()
    assert details["mix_p"] < 0.001
    assert details["within_cohorts"]["value"] == pytest.approx(0.4, abs=0.1)
    assert "Simpson's paradox" in details["against"]


def test_arms_with_the_same_mix_of_cohorts_have_nothing_said_against_their_difference():
    data, cohorts = cohorts_that_decide(0.4, keen=(15, 15))
    (found,) = comparisons(data, ["a", "b"], "mean_rating", recorded=set(), cohorts=cohorts)
    assert found.difference.value == pytest.approx(0.4, abs=0.1)
    assert found.details() == {}


def test_among_many_comparisons_a_chance_difference_of_the_mix_is_not_noted():
    """Twelve arms by chance: some differ at .05 by themselves, and notes of them would be noise."""
    rng = np.random.default_rng(8)
    noisy, loud = 0, 0
    for _ in range(60):
        people = rng.permutation(360)
        cohorts = pd.Series(np.where(rng.random(360) < 0.5, "keen", "cool"), index=range(360))
        rows = [(int(p), f"arm{n % 12:02}", float(rng.integers(1, 6))) for n, p in enumerate(people)]
        data = Data(ratings_frame(rows), SILENCE, UNSEEN, KNOWN)
        arms = [f"arm{n:02}" for n in range(12)]
        found = comparisons(data, arms, "mean_rating", recorded=set(), cohorts=cohorts)
        loud += any(one.mix is not None for one in found)
        alone = [compare("mean_rating", data, arm, arms[0], cohorts=cohorts).mix for arm in arms[1:]]
        noisy += any(check.p < 0.05 for check in alone)
    assert noisy > 12
    assert loud <= 6
