"""A suggestion is proposed, accepted with a frozen prediction, put into practice, and judged by what happens."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import write_session
from db.queries import arms_of
from db.tables import Arm, Audit, Round, Suggestion, SuggestionEvent
from recux.errors import Conflict, InvalidInput, NotFound
from recux.suggest import accept, decline, implement, judge, propose, try_as_arm
from tests.suggest.pilots import collect, nothing, placebo, store
from tests.suggest.plants.arms import better_arm
from tests.suggest.plants.comments import theme
from tests.suggest.plants.drivers import distrust
from tests.suggest.plants.feedback import unreliable
from tests.suggest.plants.segments import cohort_dislikes
from tests.suggest.plants.service import slow_arm
from tests.suggest.plants.slates import tired_of_the_same, weak_tail, wrong_order


def first_round(engine: sa.Engine, plant=cohort_dislikes, seed: int = 0) -> None:
    pilot = placebo(seed)
    plant(pilot, np.random.default_rng(seed))
    round_id = store(engine, pilot)
    with write_session(engine) as session:
        propose(session, session.get_one(Round, round_id))


def next_round(engine: sa.Engine, plant, *, arms=("a", "b"), seed: int = 7, people: int = 160) -> list[Suggestion]:
    """Another batch of new people, judged; returns what was judged."""
    pilot = placebo(seed, arms=arms, people=people)
    plant(pilot, np.random.default_rng(seed))
    round_id = store(engine, pilot, day=30)
    with write_session(engine) as session:
        return judge(session, session.get_one(Round, round_id))


def meanwhile(engine: sa.Engine, plant, *, arms=("a", "b"), people: int = 160) -> None:
    """People who come while the next batch is open."""
    pilot = placebo(5, arms=arms, people=people)
    plant(pilot, np.random.default_rng(5))
    collect(engine, pilot, day=20)


def the(session, rule: str) -> Suggestion:
    return session.exec(select(Suggestion).where(Suggestion.rule == rule)).one()


def take_up(engine: sa.Engine, rule: str, *, arm: str | None = None, control: str | None = None, **more) -> None:
    """Accept a suggestion and put it into practice, in a new arm where one is named."""
    with write_session(engine) as session:
        row = the(session, rule)
        if arm and not session.exec(select(Arm).where(Arm.key == arm)).first():
            session.add(Arm(study_id=row.study_id, key=arm, title=arm))
            session.flush()
        accept(session, row, actor="ada", **more)
        implement(session, row, actor="ada", arm=arm, control=control)


def fixed_in(arm: int):
    """Cedar people dislike kind2 in all arms but this one."""

    def plant(pilot, rng):
        for row in pilot.shown:
            person = pilot.of(row)
            dislike = person["cohort"] == "cedar" and pilot.item(row)["category"] == "kind2"
            row["feel"] -= 1.5 * (dislike and person["arm"] != arm)

    return plant


def worse_in(arm: int):
    """Cedar people dislike kind2, and in this arm even more."""

    def plant(pilot, rng):
        for row in pilot.shown:
            person = pilot.of(row)
            dislike = person["cohort"] == "cedar" and pilot.item(row)["category"] == "kind2"
            row["feel"] -= dislike * (2.5 if person["arm"] == arm else 0.8)

    return plant


def test_a_fix_beside_a_control_is_confirmed(engine: sa.Engine) -> None:
    first_round(engine)
    take_up(engine, "group_dislikes_category", arm="c", control="a")
    judged = next_round(engine, fixed_in(2), arms=("a", "b", "c"), people=240)
    assert [(s.rule, s.verdict) for s in judged] == [("group_dislikes_category", "confirmed")]


def test_what_comes_up_again_says_that_a_change_for_it_was_confirmed(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    assert [s.verdict for s in next_round(sqlite_engine, fixed_in(1), arms=("a", "c"), people=320)] == ["confirmed"]
    with write_session(sqlite_engine) as session:
        again = propose(session, session.exec(select(Round).where(Round.number == 2)).one())
        (same,) = [s for s in again if s.rule == "group_dislikes_category"]
    assert "Round 2 confirmed a change for this, in the arm c" in str(same.against)


def test_a_harmful_change_is_refuted(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    judged = next_round(sqlite_engine, worse_in(2), arms=("a", "b", "c"), people=240)
    assert [s.verdict for s in judged] == ["refuted"]


def test_the_same_fix_without_a_control_only_moved(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category")
    judged = next_round(sqlite_engine, nothing)
    assert [s.verdict for s in judged] == ["moved_uncontrolled"]


def test_an_arm_that_stays_better_is_confirmed_with_the_figures(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, better_arm)
    take_up(sqlite_engine, "arm_better")
    judged = next_round(sqlite_engine, better_arm)
    assert [s.verdict for s in judged] == ["confirmed"]
    with write_session(sqlite_engine) as session:
        event = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "judged")).one()
        assert event.payload["actual"]["ci_low"] > 0
        assert {g["metric"] for g in event.payload["guardrails"]} == {"typical_ms", "any_failure"}


def test_a_slow_arm_made_fast_beside_itself_is_confirmed(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, slow_arm)
    take_up(sqlite_engine, "slow_arm", arm="b2", control="b")
    judged = next_round(sqlite_engine, slow_arm, arms=("a", "b", "b2"), people=200)
    assert [s.verdict for s in judged] == ["confirmed"]


def test_a_complaint_that_is_gone_beside_a_control_is_confirmed(sqlite_engine: sa.Engine) -> None:
    def silenced(pilot, rng):
        theme(pilot, rng)
        for row in pilot.shown:
            if pilot.of(row)["arm"] == 2 and "shipping" in (row["comment"] or ""):
                row["comment"] = "arrived in a box"

    first_round(sqlite_engine, theme)
    take_up(sqlite_engine, "complaint_theme", arm="c", control="a")
    judged = next_round(sqlite_engine, silenced, arms=("a", "b", "c"), people=300)
    assert [s.verdict for s in judged] == ["confirmed"]
    with write_session(sqlite_engine) as session:
        seen = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "judged")).one().payload
    assert seen["predicted"]["ci_low"] <= seen["actual"]["value"] <= seen["predicted"]["ci_high"]


def test_a_repaired_questionnaire_moved_without_a_control(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, unreliable)
    with write_session(sqlite_engine) as session:
        row = session.exec(select(Suggestion).where(Suggestion.rule == "unreliable_construct")).first()
        accept(session, row, actor="ada")
        implement(session, row, actor="ada", note="one question reworded")
    judged = next_round(sqlite_engine, nothing)
    assert {s.verdict for s in judged} == {"moved_uncontrolled"}


def test_a_suggestion_becomes_an_arm_of_the_next_round(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, weak_tail)
    with write_session(sqlite_engine) as session:
        row = the(session, "tail_disappoints")
        arm = try_as_arm(session, row, actor="ada")
        assert arm.options == {"slate_size": 6}
        assert row.status == "implemented"
        assert [a.key for a in arms_of(session, row.study_id)] == ["a", "b", arm.key]
        with pytest.raises(Conflict):
            try_as_arm(session, row, actor="ada")


@pytest.mark.parametrize(
    ("plant", "rule", "source", "options"),
    [
        (wrong_order, "good_items_low", "rerank", {}),
        (tired_of_the_same, "more_of_the_same", "popularity", {"diversity": 0.3}),
        (distrust(1.0), "weak_driver", "popularity", {"explanations": True}),
    ],
    ids=["re-rank", "diversify", "explain"],
)
def test_every_switch_can_be_tried_by_a_click(sqlite_engine: sa.Engine, plant, rule, source, options) -> None:
    first_round(sqlite_engine, plant)
    with write_session(sqlite_engine) as session:
        suggestion = session.exec(select(Suggestion).where(Suggestion.rule == rule)).first()
        arm = try_as_arm(session, suggestion, actor="ada")
        assert (arm.source, arm.options, arm.weight) == (source, options, 1.0)


@pytest.mark.parametrize(("source", "possible"), [("popularity", True), ("http", True), ("imported", False)])
def test_a_switch_that_the_old_way_would_not_heed_is_not_offered(sqlite_engine, source: str, possible: bool) -> None:
    pilot = placebo(0)
    pilot.source = source
    weak_tail(pilot, np.random.default_rng(0))
    round_id = store(sqlite_engine, pilot)
    with write_session(sqlite_engine) as session:
        found = propose(session, session.get_one(Round, round_id))
        trial = {s.rule: s.predicted["trial"] for s in found}["tail_disappoints"]
    assert trial == ({"options": {"slate_size": 6}} if possible else None)


def test_a_change_that_no_switch_makes_cannot_be_tried_by_a_click(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, slow_arm)
    with write_session(sqlite_engine) as session, pytest.raises(Conflict, match="no switch"):
        try_as_arm(session, the(session, "slow_arm"), actor="ada")


@pytest.mark.parametrize(("later", "verdict"), [(3, "not_implemented"), (40, "confirmed")])
def test_data_from_before_the_change_was_put_into_practice_prove_nothing(engine, later: int, verdict: str) -> None:
    first_round(engine, better_arm)
    meanwhile(engine, better_arm)
    take_up(engine, "arm_better")
    assert [s.verdict for s in next_round(engine, better_arm, people=later)] == [verdict]
    with write_session(engine) as session:
        seen = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "judged")).one().payload
    assert seen["actual"].get("n", 0) <= later


def test_without_a_control_too_only_people_count_who_came_after_the_change(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    meanwhile(sqlite_engine, nothing)
    take_up(sqlite_engine, "group_dislikes_category")
    assert [s.verdict for s in next_round(sqlite_engine, cohort_dislikes)] == ["inconclusive"]


def test_an_arm_may_open_while_the_batch_that_judges_it_fills(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    meanwhile(sqlite_engine, cohort_dislikes)  # nobody was sent to the new arm yet
    judged = next_round(sqlite_engine, fixed_in(2), arms=("a", "b", "c"), people=240)
    assert [s.verdict for s in judged] == ["confirmed"]


def test_what_nobody_put_into_practice_is_not_judged_by_luck(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    with write_session(sqlite_engine) as session:
        accept(session, the(session, "group_dislikes_category"), actor="ada")
    assert [s.verdict for s in next_round(sqlite_engine, nothing)] == ["not_implemented"]


def test_two_changes_in_one_arm_are_confounded(sqlite_engine: sa.Engine) -> None:
    def both(pilot, rng):
        cohort_dislikes(pilot, rng)
        slow_arm(pilot, rng)

    first_round(sqlite_engine, both)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="b")
    take_up(sqlite_engine, "slow_arm", arm="c", control="b")
    judged = next_round(sqlite_engine, fixed_in(2), arms=("a", "b", "c"), people=240)
    assert {s.verdict for s in judged} == {"confounded"}


def test_an_arm_of_the_wrong_size_is_confounded(sqlite_engine: sa.Engine) -> None:
    def lopsided(pilot, rng):
        for number, person in enumerate(pilot.people):
            person["arm"] = 1 if number % 10 < 7 else 0

    first_round(sqlite_engine, better_arm)
    take_up(sqlite_engine, "arm_better")
    assert [s.verdict for s in next_round(sqlite_engine, lopsided)] == ["confounded"]


def test_a_segment_that_is_gone_is_inconclusive(sqlite_engine: sa.Engine) -> None:
    def no_cedar(pilot, rng):
        for person in pilot.people:
            person["cohort"] = "amber"

    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    judged = next_round(sqlite_engine, no_cedar, arms=("a", "c"))
    assert [s.verdict for s in judged] == ["inconclusive"]


def test_a_prediction_that_was_tampered_with_is_not_confirmed(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    with write_session(sqlite_engine) as session:
        event = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "accepted")).one()
        event.payload = {**event.payload, "delta": 0.0001}
        session.add(event)
    assert [s.verdict for s in next_round(sqlite_engine, fixed_in(2), arms=("a", "b", "c"))] == ["inconclusive"]


def test_judging_twice_changes_nothing(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine, better_arm)
    take_up(sqlite_engine, "arm_better")
    before = next_round(sqlite_engine, better_arm)
    with write_session(sqlite_engine) as session:
        round_ = session.exec(select(Round).where(Round.number == 2)).one()
        again = judge(session, round_)
        events = session.exec(select(SuggestionEvent).where(SuggestionEvent.kind == "judged")).all()
    assert [s.id for s in again] == [s.id for s in before]
    assert len(events) == 1


def test_proposing_twice_gives_the_same_and_keeps_decisions(engine: sa.Engine) -> None:
    first_round(engine)
    with write_session(engine) as session:
        accept(session, the(session, "group_dislikes_category"), actor="ada")
        before = {(s.rule, s.segment) for s in session.exec(select(Suggestion))}
        propose(session, session.exec(select(Round)).one())
        after = session.exec(select(Suggestion)).all()
    assert {(s.rule, s.segment) for s in after} == before
    assert len(after) == len(before)
    assert [s.status for s in after if s.rule == "group_dislikes_category"] == ["accepted"]


def test_what_nobody_decides_on_expires_with_the_next_round(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    next_round(sqlite_engine, nothing)
    with write_session(sqlite_engine) as session:
        assert the(session, "group_dislikes_category").status == "expired"


def test_what_was_fixed_is_not_found_again_in_old_answers(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category")
    next_round(sqlite_engine, nothing)
    with write_session(sqlite_engine) as session:
        again = propose(session, session.exec(select(Round).where(Round.number == 2)).one())
    assert "group_dislikes_category" not in {s.rule for s in again}


def test_a_step_out_of_order_is_refused(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    with write_session(sqlite_engine) as session:
        row = the(session, "group_dislikes_category")
        with pytest.raises(Conflict, match="must be accepted to be implemented"):
            implement(session, row, actor="ada")
        with pytest.raises(InvalidInput, match="must be above 0"):
            accept(session, row, actor="ada", delta=-1)
        accept(session, row, actor="ada")
        with pytest.raises(NotFound, match="no arm 'zz'"):
            implement(session, row, actor="ada", arm="zz", control="a")
        with pytest.raises(InvalidInput, match="its own control"):
            implement(session, row, actor="ada", arm="a", control="a")
        decline(session, row, actor="ada", reason="too dear")
        with pytest.raises(Conflict):
            accept(session, row, actor="ada")


def test_every_step_is_in_the_audit_trail(sqlite_engine: sa.Engine) -> None:
    first_round(sqlite_engine)
    take_up(sqlite_engine, "group_dislikes_category", arm="c", control="a")
    next_round(sqlite_engine, fixed_in(2), arms=("a", "b", "c"))
    with write_session(sqlite_engine) as session:
        actions = list(session.exec(select(Audit.action).order_by(col(Audit.id))))
    assert actions == [
        "suggestion.proposed", "suggestion.accepted", "suggestion.implemented", "suggestion.judged",
    ]  # fmt: skip
