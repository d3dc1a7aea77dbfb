"""Score cards tell what came of a rule, and a rule that keeps failing is ranked down."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import Round, Study, Suggestion, SuggestionEvent, User
from recux.errors import NotFound
from recux.suggest import assign, decline, propose, score_cards, set_effort
from recux.suggest.life import mark_judged
from recux.suggest.score_cards import records_by_rule
from tests.suggest.pilots import nothing
from tests.suggest.plants.arms import better_arm
from tests.suggest.plants.segments import cohort_dislikes
from tests.suggest.test_life import first_round, next_round, take_up, the


def test_effort_moves_a_suggestion_down(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    with write_session(sqlite_engine) as session:
        row = the(session, "group_dislikes_category")
        before = row.rank
        set_effort(session, row, actor="ada", effort=4)
        assert row.rank == pytest.approx(before / 4)
        assert row.effort == 4


def test_what_people_said_of_a_suggestion_holds_in_the_next_round_too(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    with write_session(sqlite_engine) as session:
        row = the(session, "group_dislikes_category")
        session.add(User(email="ada@example.org", password_hash="x", role="analyst"))
        session.flush()
        set_effort(session, row, actor="ada", effort=3)
        assign(session, row, actor="ada", owner="ada@example.org")
        with pytest.raises(NotFound, match="no account"):
            assign(session, row, actor="ada", owner="nobody@example.org")
        decline(session, row, actor="ada", reason="no other shoes to offer")
    next_round(sqlite_engine, cohort_dislikes)
    with write_session(sqlite_engine) as session:
        found = propose(session, session.exec(select(Round).where(Round.number == 2)).one())
        again = next(s for s in found if s.rule == "group_dislikes_category")
        assert (again.effort, again.owner) == (3, "ada@example.org")
        assert again.rank == pytest.approx(np.prod([*again.predicted["rank"].values()]) / 3)
        assert again.against[-1]["en"].endswith("no other shoes to offer")


def test_a_rule_that_keeps_failing_is_ranked_down_and_says_so(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    with write_session(sqlite_engine) as session:
        row = the(session, "group_dislikes_category")
        before, said = row.rank, len(row.against)
        for number in range(4):
            earlier = Suggestion(
                study_id=row.study_id, round_id=row.round_id, rule=row.rule, category="algorithm",
                segment=f"earlier {number}", metric="mean_rating", title={}, change={}, figure={}, predicted={},
                judged_in_round=1,
            )  # fmt: skip
            session.add(earlier)
            session.flush()
            mark_judged(session, earlier, "refuted", {"controlled": True})
        propose(session, session.exec(select(Round)).one())
        again = session.exec(select(Suggestion).where(Suggestion.segment == row.segment)).one()
    assert again.rank < before / 2
    assert len(again.against) == said + 1
    assert "often fails: 0 of its 4" in again.against[-1]["en"]


def test_the_score_card_tells_what_came_of_a_rule(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, better_arm)
    take_up(sqlite_engine, "arm_better")
    next_round(sqlite_engine, better_arm)
    with write_session(sqlite_engine) as session:
        cards = {card.rule: card for card in score_cards(session, session.exec(select(Study)).one())}
    card = cards["arm_better"]
    assert (card.fired, card.accepted, card.implemented, card.controlled, card.confirmed) == (1, 1, 1, 1, 1)
    assert card.hit_rate.value == 1
    assert card.hit_rate.ci_low is not None
    assert card.hit_rate.ci_low < 0.5
    assert card.mean_actual is not None
    assert cards[""].confirmed == 1


@pytest.mark.parametrize(
    ("plant", "verdict"), [(nothing, "moved_uncontrolled"), (cohort_dislikes, "inconclusive")], ids=["fixed", "not"]
)
def test_without_a_control_neither_success_nor_failure_enters_the_score_card(sqlite_engine, plant, verdict) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category")
    assert [s.verdict for s in next_round(sqlite_engine, plant)] == [verdict]
    with write_session(sqlite_engine) as session:
        study = session.exec(select(Study)).one()
        card = next(one for one in score_cards(session, study) if one.rule == "group_dislikes_category")
        assert (card.judged, card.controlled, card.hit_rate.value, card.mean_actual) == (1, 0, None, None)
        assert records_by_rule(session, study.id) == {}
        event = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "judged")).one()
        event.payload = {key: value for key, value in event.payload.items() if key != "controlled"}
        session.add(event)  # as it was recorded before it said so
        session.flush()
        assert records_by_rule(session, study.id) == {}
