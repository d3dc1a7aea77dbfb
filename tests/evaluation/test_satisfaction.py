import numpy as np
import pandas as pd
import pytest

from recux.evaluation.satisfaction import constructs, figures, instruments
from recux.instruments import load
from tests.evaluation.world import KNOWN, answers_frame, numbers, ratings_frame

NOTHING = ratings_frame([])
SILENCE = answers_frame([])


def scores(instrument, values, question="score"):
    return answers_frame([(n, "a", instrument, question, value) for n, value in enumerate(values, start=1)])


def test_nps_leaves_skipped_answers_out_of_the_denominator():
    found = figures(NOTHING, scores("nps", [10, 7, 3, 9, None]))["nps"]
    assert (found.value, found.n) == (25, 4)


def test_csat_is_the_share_of_fours_and_fives():
    assert figures(NOTHING, scores("csat", [5, 4, 3, 1]))["csat"].value == 0.5


def test_zero_is_an_answer_and_makes_a_detractor():
    assert figures(NOTHING, scores("nps", [0, 0, 10]))["nps"].value == pytest.approx(-100 / 3)


def test_the_mean_rating_is_the_mean_of_peoples_means_not_of_ratings():
    ratings = ratings_frame([(1, "a", 5)] * 9 + [(2, "a", 1)])
    found = figures(ratings, SILENCE)["mean_rating"]
    assert (found.value, found.n) == (3, 2)
    assert "10 ratings" in found.definition


def test_repeating_a_persons_ratings_changes_neither_value_nor_interval():
    once = [(1, "a", 5), (1, "a", 3), (2, "a", 2), (3, "a", 4)]
    a, b = (figures(ratings_frame(rows), SILENCE)["mean_rating"] for rows in (once, once * 4))
    assert (a.value, a.ci_low, a.ci_high, a.n) == (b.value, b.ci_low, b.ci_high, b.n)


def test_agreement_is_not_shown_as_certainty():
    found = figures(ratings_frame([(1, "a", 5), (2, "a", 5), (3, "a", 5)]), SILENCE)["mean_rating"]
    assert found.value == 5
    assert found.ci_low < 5


def test_the_last_wave_of_a_person_counts():
    rows = [(1, "a", "nps", "score", 0, 1), (1, "a", "nps", "score", 10, 2), (2, "a", "nps", "score", 10, 1)]
    found = figures(NOTHING, answers_frame(rows))["nps"]
    assert (found.value, found.n) == (100, 2)


def test_nobody_asked_is_not_estimable_and_says_so():
    found = figures(NOTHING, SILENCE)
    assert set(found) == {"nps", "csat", "mean_rating"}
    assert all(value.value is None and value.reason for value in found.values())


def test_sus_counts_people_who_answered_all_ten():
    rows = [(1, "a", "sus", f"q{n}", int(v)) for n, v in enumerate("4152514231", start=1)]
    rows += [(2, "a", "sus", f"q{n}", 3) for n in range(1, 11)]
    rows += [(3, "a", "sus", f"q{n}", 5) for n in range(1, 10)]
    found = figures(NOTHING, answers_frame(rows))["sus"]
    assert (found.value, found.n) == (67.5, 2)  # (85 + 50) / 2


def test_umux_lite_and_ces_by_hand():
    rows = [(1, "a", "umux_lite", "q1", 6), (1, "a", "umux_lite", "q2", 7), (1, "a", "ces", "score", 6)]
    rows += [(2, "a", "umux_lite", "q1", 2), (2, "a", "umux_lite", "q2", 1), (2, "a", "ces", "score", 3)]
    found = figures(NOTHING, answers_frame(rows))
    assert found["umux_lite"].value == pytest.approx((82.48 + 28.32) / 2, abs=0.01)
    assert found["ces"].value == 4.5


@pytest.mark.parametrize("instrument_id", ["sus", "trust", "resque"])
def test_construct_scores_are_those_of_the_instrument_person_by_person(instrument_id):
    instrument, rng = load(instrument_id), np.random.default_rng(4)
    scales = [q for q in instrument.questions if q.low is not None]
    people = [
        {q.name: (None if rng.random() < 0.15 else float(rng.integers(q.low, q.high + 1))) for q in scales}
        for _ in range(60)
    ]
    rows = [(n, "a", instrument_id, name, value) for n, said in enumerate(people) for name, value in said.items()]
    found = instruments(answers_frame(rows), KNOWN)[instrument_id]
    for name, figures_ in found.constructs.items():
        wanted = [score for said in people if (score := instrument.score(said)[name]) is not None]
        assert figures_.score.value == pytest.approx(np.mean(wanted))
        assert figures_.score.n == len(wanted)


def test_reliability_turns_reversed_questions_round():
    rng = np.random.default_rng(1)
    rows = []
    for person in range(80):
        level = rng.integers(1, 6)
        for question in load("trust").questions:
            if question.low is not None:
                value = float(np.clip(level + rng.integers(-1, 2), 1, 5))
                rows.append((person, "a", "trust", question.name, 6 - value if question.reverse else value))
    assert constructs(answers_frame(rows), KNOWN)["trust.trust"].alpha.value > 0.7


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(2)
    ratings = ratings_frame([(int(rng.integers(1, 30)), "a", int(rng.integers(1, 6))) for _ in range(200)])
    answers = scores("nps", rng.integers(0, 11, 40).tolist())
    mixed = figures(ratings.sample(frac=1, random_state=1), answers.sample(frac=1, random_state=1))
    for name, value in figures(ratings, answers).items():
        assert numbers(mixed[name]) == pytest.approx(numbers(value), rel=1e-12)


def test_the_mean_rating_of_movielens_is_that_of_its_610_people(data_folder):
    log = pd.read_csv(data_folder / "movielens_small" / "ratings.csv.gz")
    stars = 1 + (log["rating"] - 0.5) * 4 / 4.5
    ratings = ratings_frame(list(zip(log["userId"], ["a"] * len(log), stars, strict=True)))
    found = figures(ratings, SILENCE)["mean_rating"]
    assert (round(found.value, 6), found.n) == (3.806420, 610)  # 3.6574 on the scale of the data
    assert found.value == pytest.approx(1 + (log.groupby("userId")["rating"].mean().mean() - 0.5) * 4 / 4.5)
    assert found.ci_high - found.ci_low < 0.08
