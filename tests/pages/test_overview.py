"""The overview: satisfaction now, by arm, over time, with and without flagged answers."""

from sqlmodel import select

from db.engine import write_session
from db.queries import arms_of
from db.tables import (
    Item,
)
from tests.pages.planted import charts_on, texts
from tests.planting import plant_person, plant_rating


def test_before_the_first_round_the_overview_shows_live_figures(open_as, pilot) -> None:
    at = open_as("viewer", "overview")
    assert "As of now" in texts(at)
    assert [m.label for m in at.metric] == ["NPS", "CSAT", "Mean rating"]
    assert all("n = 24" in m.delta for m in at.metric)


def test_the_overview_shows_value_interval_and_n_and_compares_arms(open_as, finished) -> None:
    at = open_as("viewer", "overview")
    assert "As of round 1; 0 newer ratings wait" in texts(at)
    assert "Synthetic data" in texts(at)
    assert charts_on(at) == 3
    at.segmented_control(key="metric").select("mean_rating").run()
    assert "Mean of people's own mean ratings" in texts(at)
    at.segmented_control(key="by").select("day").run()
    assert "Day by day" in texts(at)


def test_leaving_out_flagged_answers_changes_the_figures(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        careless = plant_person(session, pilot, "careless", arm_id=arms_of(session, pilot.id)[0].id)
        for item in session.exec(select(Item.id).where(Item.study_id == pilot.id)).all():
            for day in (1, 2):
                plant_rating(session, careless, item, 5, day=day, comment="just the same words again")
    at = open_as("viewer", "overview")
    assert "n = 25" in at.metric[2].delta
    assert "n = 24" in at.toggle(key="careful").set_value(True).run().metric[2].delta
