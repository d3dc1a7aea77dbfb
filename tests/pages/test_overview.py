"""The overview: satisfaction now, by group, over time, with and without flagged answers, and what is behind it."""

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.queries import arms_of
from db.tables import Item, Participant
from recux.ui.overview.tiles import headline
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
    assert charts_on(at) == 3, "the spread, the arms, the rounds"
    at.segmented_control(key="metric").select("mean_rating").run()
    assert charts_on(at) == 3
    at.segmented_control(key="period").select("week").run()
    assert "Week by week" in texts(at)


def test_one_click_leads_to_the_definition_and_the_rows_behind_a_figure(open_as, finished) -> None:
    at = open_as("viewer", "overview")
    at.button(key="behind-mean_rating").click().run()
    assert "Mean of people's own mean ratings" in texts(at)
    assert "96 rows of 24 people" in texts(at)
    assert set(at.dataframe[0].value["person"]) == {f"p{n}" for n in range(24)}


def test_a_filter_is_said_and_a_group_that_is_too_small_is_hidden(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        session.exec(sa.update(Participant).where(Participant.external_id.in_(["p1", "p2", "p3"])).values(cohort="few"))
    at = open_as("viewer", "overview")
    at.segmented_control(key="by").select("cohort").run()
    assert "1 groups are hidden" in " ".join(caption.value for caption in at.caption)
    charts = at.get("vega_lite_chart") + at.get("arrow_vega_lite_chart")
    drawn = [data.data.data for chart in charts for data in chart.proto.datasets]
    assert any(b"new" in data for data in drawn)
    assert not any(b"few" in data for data in drawn), "the spread of three people's answers is theirs, too"
    at.selectbox(key="only-cohort").select("few").run()
    assert "Nothing to show for this filter" in texts(at)
    assert not at.metric
    at.selectbox(key="only-cohort").select("new").run()
    assert "Only: new" in texts(at)
    assert all("n = 21" in m.delta for m in at.metric)


def test_a_category_has_ratings_but_no_questionnaires(open_as, pilot) -> None:
    at = open_as("viewer", "overview")
    at.selectbox(key="only-category").select("c1").run()
    shown = {m.label: m.delta for m in at.metric}
    assert "n = 24" in shown["Mean rating"]
    assert "n =" not in shown["NPS"]


def test_all_questionnaires_can_be_read_as_one_score(open_as, pilot) -> None:
    at = open_as("viewer", "overview")
    at.toggle(key="together").set_value(True).run()
    assert [m.label for m in at.metric] == ["Mean rating", "All questionnaires"]


def test_leaving_out_flagged_answers_changes_the_figures(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        careless = plant_person(session, pilot, "careless", arm_id=arms_of(session, pilot.id)[0].id)
        for item in session.exec(select(Item.id).where(Item.study_id == pilot.id)).all():
            for day in (1, 2):
                plant_rating(session, careless, item, 5, day=day, comment="just the same words again")
    at = open_as("viewer", "overview")
    assert "n = 25" in at.metric[2].delta
    assert "n = 24" in at.toggle(key="careful").set_value(True).run().metric[2].delta


def test_nothing_to_see_says_what_to_do(open_as, empty) -> None:
    at = open_as("viewer", "overview")
    assert "Nobody has answered yet" in texts(at)


@pytest.mark.parametrize(
    ("value", "details", "said"),
    [
        (0.3, {"p_adjusted": 0.01}, "up by 0.30 since round 1"),
        (-0.3, {"p_adjusted": 0.01}, "down by 0.30 since round 1"),
        (0.3, {"p_adjusted": 0.2}, "no sure change since round 1"),
        (0.3, {"p_adjusted": 0.01, "against": "The mix of cohorts is not the same"}, "cannot be compared with round 1"),
        (None, {}, ""),
    ],
)
def test_the_heading_claims_a_change_only_where_one_was_shown(value, details, said) -> None:
    changes = pd.DataFrame({"metric": ["mean_rating"], "round": [2], "value": [value], "details": [details]})
    text = headline(changes.set_index("metric"), "mean_rating").replace("\\", "")
    assert said in text
    assert bool(text) == bool(said)
