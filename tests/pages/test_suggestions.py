"""The board of suggestions: evidence, the reason for the rank, decisions, and the rules' records."""

import sqlalchemy as sa

from db.engine import read_session, write_session
from db.tables import Arm, Round, Study, Suggestion
from recux.suggest.life import frozen, hash_of, mark_judged, record
from tests.pages.planted import audited, plant_suggestion, press, texts


def plant_more(engine: sa.Engine, finished: Suggestion, **fields: object) -> int:
    """Another suggestion of the same round; its id."""
    with write_session(engine) as session:
        study = session.get_one(Study, finished.study_id)
        row = plant_suggestion(session, study, session.get_one(Round, finished.round_id), **fields)
        assert row.id is not None
        return row.id


def test_a_suggestion_shows_evidence_and_what_speaks_against_it(open_as, finished) -> None:
    at = open_as("viewer", "suggestions")
    shown = texts(at)
    assert "time of day" in shown
    assert "one of 9 comparisons" in shown
    assert [m.value for m in at.metric] == ["-0.40", "+0.30"]
    assert len(at.dataframe[0].value) == 5
    assert not at.main.button, "a viewer decides nothing"


def test_accepting_freezes_and_then_the_change_is_put_in_place(open_as, sqlite_engine, finished) -> None:
    at = press(open_as("analyst", "suggestions"), "Accept")
    assert "frozen" in texts(at)
    press(at, "The change is in place")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "implemented"
    assert audited(sqlite_engine) == ["suggestion.accepted", "suggestion.implemented"]


def test_declining_keeps_the_reason(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    at.text_input(key=f"why-{finished.id}").set_value("too dear")
    press(at, "Decline it")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "declined"
        reason = session.exec(sa.text("select payload from suggestion_event where kind = 'declined'")).one()[0]
    assert "too dear" in str(reason)


def test_a_decision_that_somebody_else_took_meanwhile_is_said(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    with write_session(sqlite_engine) as session:
        session.get_one(Suggestion, finished.id).status = "judged"
    shown = texts(press(at, "Accept"))
    assert "judged" in shown


def test_the_best_suggestion_is_open_with_the_reason_for_its_rank(open_as, sqlite_engine, finished) -> None:
    rank = {"effect": 3.1, "people": 80, "probability": 0.5}
    predicted = {**finished.predicted, "rank": rank}
    plant_more(sqlite_engine, finished, title={"en": "The best"}, segment="s", rank=124.0, predicted=predicted)
    at = open_as("viewer", "suggestions")
    assert at.subheader[0].value == "The best"
    assert "3.1 times the smallest effect worth having × 80 people × 50% likely ÷ effort 1 = 124" in texts(at)


def test_a_suggestion_has_an_address_of_its_own(open_as, sqlite_engine, finished) -> None:
    other = plant_more(sqlite_engine, finished, title={"en": "A minor one"}, segment="s", rank=-1.0)
    at = open_as("viewer")
    at.query_params["suggestion"] = str(other)
    at.switch_page("pages/admin/suggestions.py").run()
    assert at.subheader[0].value == "A minor one"


def test_a_part_of_the_board_has_an_address_of_its_own(open_as, finished) -> None:
    at = open_as("viewer")
    at.query_params["show"] = "judged"
    assert "No round has judged" in texts(at.switch_page("pages/admin/suggestions.py").run())


def test_one_click_opens_an_arm_beside_the_old_way(open_as, sqlite_engine, finished) -> None:
    predicted = {**finished.predicted, "plan": {"control": "a"}, "trial": {"options": {"slate_size": 6}}}
    plant_more(sqlite_engine, finished, segment="s", rank=9.0, predicted=predicted)
    assert "There is a new arm" in texts(press(open_as("analyst", "suggestions"), "Try it as an arm"))
    with read_session(sqlite_engine) as session:
        arm = session.exec(sa.select(Arm).order_by(Arm.id.desc())).scalars().first()
    assert arm.options == {"slate_size": 6}


def test_owner_and_effort_are_kept(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    at.selectbox(key=f"owner-{finished.id}-None").select("analyst@example.org").run()
    at.selectbox(key=f"effort-{finished.id}-1.0").select(3.0).run()
    with read_session(sqlite_engine) as session:
        row = session.get_one(Suggestion, finished.id)
        assert (row.owner, row.effort) == ("analyst@example.org", 3.0)
    assert audited(sqlite_engine) == ["suggestion.assigned", "suggestion.effort"]


def test_a_change_that_everybody_got_is_told_to_be_uncontrolled(open_as, sqlite_engine, finished) -> None:
    at = press(open_as("analyst", "suggestions"), "Accept")
    arm = at.selectbox(key=f"arm-{finished.id}")
    assert arm.value == "b", "the plan's own arm"
    assert "nothing can be confirmed" in arm.placeholder


def test_a_judged_suggestion_shows_promise_outcome_and_the_rules_record(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        row = session.get_one(Suggestion, finished.id)
        promise = frozen(row)
        record(session, row, "accepted", "ada", {**promise, "hash": hash_of(promise)})
        seen = {"value": 0.28, "ci_low": 0.1, "ci_high": 0.46, "n": 90}
        mark_judged(session, row, "confirmed", {"predicted": promise["predicted"], "delta": 0.1, "actual": seen})
    at = open_as("viewer", "suggestions")
    assert [m.value for m in at.metric] == ["-0.40", "+0.30", "+0.28"]
    assert "beside a concurrent control" in texts(at)
    record_of_all = at.dataframe[-1].value.iloc[0]
    assert record_of_all["Rule"] == "All rules"
    assert record_of_all["Hit rate (95 %)"].startswith("100%")


def test_a_closed_suggestion_is_out_of_the_way_but_not_gone(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        session.get_one(Suggestion, finished.id).status = "expired"
    at = open_as("viewer", "suggestions")
    assert "expired" in texts(at)
