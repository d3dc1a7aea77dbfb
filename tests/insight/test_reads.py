"""What pages read: the same figures as the report, as tables."""

import pandas as pd
import pytest

from db.engine import write_session
from recux.evaluation import evaluate_round
from recux.insight import data_quality, effect, satisfaction, stability
from recux.report import build_report
from recux.rounds.batches import close_batch
from tests.evaluation.world import plant_interaction, plant_request, plant_slate
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


@pytest.fixture
def study(session):
    """Two arms; ann and bob on the first day, cyd a week later, dan says the same of everything."""
    study = plant_study(session, objectives={"p50_ms": 200.0}, items=6)
    for number, (name, arm, stars, score, day) in enumerate(
        [("ann", 1, (5, 4), 10, 0), ("bob", 2, (2, 1), 0, 0), ("cyd", 1, (3, 4), 9, 7), ("dan", 2, (5,) * 5, 7, 7)]
    ):
        person = plant_person(session, study, name, arm_id=arm)
        slate = plant_slate(session, person, list(range(1, len(stars) + 1)), day=day, arm_id=arm)
        for item, one in enumerate(stars, start=1):
            plant_rating(session, person, item, one, day=day, slate_id=slate.id)
        plant_interaction(session, person, 1, "click", slate=slate, day=day)
        plant_answers(session, person, "nps", day=day, score=score)
        for call in range(10):
            outcome = "error" if call == 0 else "ok"
            key = f"{number}-{call}"
            plant_request(session, study, key, 100 + call, outcome, day=day, slate_id=slate.id, arm_id=arm)
        if name in ("bob", "dan"):
            round_ = close_batch(session, study)
            evaluate_round(session, round_)
            round_.status = "done"
            session.add(round_)
            session.flush()
    return study


def value(table, **where):
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    (one,) = table["value"]
    return one


def test_what_holds_now_is_what_the_report_says(session, study):
    report = build_report(session, study)
    tables = {
        "satisfaction": satisfaction.now(session, study),
        "recommendation": effect.summary(session, study),
        "stability": stability.summary(session, study),
    }
    for section, table in tables.items():
        for row in table.itertuples():
            said = report[section] if row.arm == "" else report[section]["by_arm"][row.arm]
            if row.metric in said:
                wanted = said[row.metric]["value"]
                assert pd.isna(row.value) if wanted is None else row.value == pytest.approx(wanted), (section, row)


def test_days_and_weeks_stand_alone(session, study):
    weekly = satisfaction.trend(session, study, by="week")
    assert value(weekly, metric="nps", arm="", period=pd.Timestamp("2025-12-29")) == 0
    assert value(weekly, metric="nps", arm="", period=pd.Timestamp("2026-01-05")) == 50
    daily = satisfaction.trend(session, study, by="day")
    assert value(daily, metric="mean_rating", arm="a", period=pd.Timestamp("2026-01-08")) == 3.5
    assert set(daily["period"]) == {pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-08")}


def test_the_trend_by_round_is_of_each_batch_alone(session, study):
    table = satisfaction.trend(session, study, by="round")
    assert value(table, metric="nps", arm="", period=1) == 0
    assert value(table, metric="nps", arm="", period=2) == 50


def test_people_who_answered_without_care_can_be_left_out(session, study):
    assert value(satisfaction.now(session, study), metric="mean_rating", arm="b") == (1.5 + 5) / 2
    assert value(satisfaction.now(session, study, without_flagged=True), metric="mean_rating", arm="b") == 1.5
    quality = data_quality.summary(session, study)
    assert quality.people.to_dict("records") == [{"participant": "dan", "arm": "b", "reason": "straight_lining"}]
    assert quality.flagged.set_index("reason")["people"]["straight_lining"] == 1
    assert quality.missing.set_index("question")["missing"]["nps/score"] == 0


def test_answers_are_spread_over_the_scale_by_arm(session, study):
    table = satisfaction.answer_shares(session, study)
    assert table.to_dict("records") == [
        {"answer": 9.0, "arm": "a", "share": 0.5, "n": 2},
        {"answer": 10.0, "arm": "a", "share": 0.5, "n": 2},
        {"answer": 0.0, "arm": "b", "share": 0.5, "n": 2},
        {"answer": 7.0, "arm": "b", "share": 0.5, "n": 2},
    ]


def test_stability_over_time_and_against_what_was_promised(session, study):
    table = stability.over_time(session, study, by="day")
    first = pd.Timestamp("2026-01-01", tz="UTC")
    assert value(table, at=first, arm="a", metric="failure_rate") == pytest.approx(0.1)
    assert value(table, at=first, arm="a", metric="p50_ms") == pytest.approx(104.5)
    (promise,) = stability.objectives(session, study)
    assert (promise.ok, promise.certain) == (True, True)


def test_an_empty_study_reads_as_not_estimable(session):
    study = plant_study(session, "empty")
    for table in (satisfaction.now(session, study), effect.summary(session, study), stability.summary(session, study)):
        assert table["value"].isna().all()
        assert table["reason"].str.len().gt(0).all()
    assert satisfaction.trend(session, study, by="day").empty
    assert satisfaction.answer_shares(session, study).empty
    assert stability.over_time(session, study).empty
