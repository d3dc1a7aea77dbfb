"""One link, many people: the cap holds, panels find their members again, and nothing readable is kept of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from db.engine import read_session, write_session
from db.tables import PanelMember, Participant, Study
from recux.access import open_links, panels, tokens
from recux.collect.flow import Panel
from recux.collect.own_data import erase, withdraw
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable

KEY = "k" * 32
ANN = {"PROLIFIC_PID": "5f2d9a", "STUDY_ID": "s1", "SESSION_ID": "x7-of-this-visit", "other": "kept out"}


def study_with_link(session: Session, *, cap: int | None = None, **fields) -> tuple[Study, str]:
    study = Study(slug="s", title="S", salt="salt", **{"status": "live"} | fields)
    session.add(study)
    session.flush()
    return study, open_links.open_link(session, study, cap=cap, secret=KEY)


def from_panel(**fields) -> dict:
    return {"panel": Panel(**fields).model_dump()}


def come(engine: sa.Engine, token: str, sent: dict | None = None) -> int:
    with write_session(engine) as session:
        return open_links.come_in(session, token, sent or {}, secret=KEY).id


def test_each_one_who_comes_in_is_somebody_new(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session)
    assert len({come(engine, token) for _ in range(3)}) == 3


def test_the_cap_holds_when_everybody_presses_the_button_at_once(engine: sa.Engine):
    with write_session(engine) as session:
        study, token = study_with_link(session, cap=3)

    def try_it(_: int) -> bool:
        try:
            return bool(come(engine, token))
        except NotAllowed:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(12))) == 3
    with read_session(engine) as session:
        assert open_links.seats(session, study) == (3, 3)


def test_a_full_study_says_so_kindly_and_a_higher_cap_opens_it_again(engine: sa.Engine):
    with write_session(engine) as session:
        study, token = study_with_link(session, cap=1)
    come(engine, token)
    with pytest.raises(NotAllowed, match=r"full.*Thank you"):
        come(engine, token)
    with write_session(engine) as session:
        open_links.set_cap(session, session.get_one(Study, study.id), 2)
    assert come(engine, token)


def test_whoever_withdraws_frees_a_seat(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session, cap=1)
    first = come(engine, token)
    with write_session(engine) as session:
        withdraw(session, session.get_one(Participant, first))
    assert come(engine, token) != first


def test_a_renewed_link_ends_the_old_one_and_a_revoked_one_opens_nothing(engine: sa.Engine):
    with write_session(engine) as session:
        study, old = study_with_link(session)
        new = open_links.open_link(session, study, cap=None)
    with pytest.raises(NotAllowed, match="not valid"):
        come(engine, old)
    assert come(engine, new)
    with write_session(engine) as session:
        open_links.revoke_open_link(session, session.get_one(Study, study.id))
    with pytest.raises(NotAllowed, match="not valid"):
        come(engine, new)


def test_the_link_itself_is_not_stored(sqlite_engine: sa.Engine):
    with write_session(sqlite_engine) as session:
        study, token = study_with_link(session)
        assert len(token) == 22
        assert token not in repr(study)


@pytest.mark.parametrize(
    ("status", "words"), [("draft", "not started"), ("paused", "is paused"), ("closed", "is closed")]
)
def test_only_a_live_study_lets_people_in(sqlite_engine: sa.Engine, status: str, words: str):
    with write_session(sqlite_engine) as session:
        study, token = study_with_link(session)
        study.status = status
    with pytest.raises(NotAllowed, match=words):
        come(sqlite_engine, token)


def test_senseless_links_are_refused(sqlite_engine: sa.Engine):
    with write_session(sqlite_engine) as session:
        study, _ = study_with_link(session)
        with pytest.raises(InvalidInput, match="cap is 0"):
            open_links.set_cap(session, study, 0)
        open_links.revoke_open_link(session, study)
        with pytest.raises(NotFound, match="no open link"):
            open_links.revoke_open_link(session, study)
        study.status = "closed"
        with pytest.raises(Conflict, match="is closed"):
            open_links.open_link(session, study, cap=None)


def test_the_same_member_of_a_panel_is_the_same_participant_on_any_device(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session, **from_panel())
    assert come(engine, token, ANN) == come(engine, token, {"PROLIFIC_PID": " 5f2d9a "})
    assert come(engine, token, ANN | {"PROLIFIC_PID": "5F2D9A"}) != come(engine, token, ANN)


def test_one_member_on_two_devices_at_once_is_one_participant(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session, **from_panel())
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: come(engine, token, ANN), range(6)))) == 1


def test_a_member_comes_back_into_a_full_study(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session, cap=1, **from_panel())
    assert come(engine, token, ANN) == come(engine, token, ANN)
    with pytest.raises(NotAllowed, match="full"):
        come(engine, token, {"PROLIFIC_PID": "somebody else"})


def test_panel_ids_are_sealed_and_only_the_key_opens_them(engine: sa.Engine):
    with write_session(engine) as session:
        study, token = study_with_link(session, **from_panel())
    come(engine, token, ANN)
    with read_session(engine) as session:
        stored = repr(session.exec(select(PanelMember)).all()) + repr(session.exec(select(Participant)).all())
        assert not any(secret in stored for secret in ("5f2d9a", "x7-of-this-visit"))
        (member,) = panels.members(session, study, panels.keys_from(KEY))
        assert member.ids == {"PROLIFIC_PID": "5f2d9a", "STUDY_ID": "s1", "SESSION_ID": "x7-of-this-visit"}
        with pytest.raises(Unavailable, match="another RECUX_SECRET_KEY"):
            panels.members(session, study, panels.keys_from("z" * 40))


def test_two_studies_keep_the_same_member_under_different_hashes(sqlite_engine: sa.Engine):
    with write_session(sqlite_engine) as session:
        for slug in ("a", "b"):
            study = Study(slug=slug, title=slug, salt=slug * 8, status="live", **from_panel())
            session.add(study)
            session.flush()
            open_links.come_in(session, open_links.open_link(session, study, cap=None, secret=KEY), ANN, secret=KEY)
        assert len({row.lookup for row in session.exec(select(PanelMember))}) == 2


@pytest.mark.parametrize(("secret", "words"), [("", "cannot be kept without a key"), ("short", "needs at least 32")])
def test_without_a_key_a_panel_is_refused_and_nothing_is_kept(sqlite_engine: sa.Engine, secret: str, words: str):
    with write_session(sqlite_engine) as session:
        study, token = study_with_link(session, **from_panel())
        with pytest.raises(Unavailable, match=words) as refused:
            open_links.open_link(session, study, cap=None, secret=secret)
        assert "RECUX_SECRET_KEY" in str(refused.value)
        with pytest.raises(Unavailable):
            open_links.come_in(session, token, ANN, secret=secret)
        assert session.exec(select(Participant)).all() == []


@pytest.mark.parametrize(
    "sent", [{}, {"PROLIFIC_PID": " "}, {"PROLIFIC_PID": "{{%PROLIFIC_PID%}}"}, {"PROLIFIC_PID": "x" * 300}]
)
def test_a_panel_link_without_a_members_id_leads_back_to_the_panel(sqlite_engine: sa.Engine, sent: dict):
    with write_session(sqlite_engine) as session:
        _, token = study_with_link(session, **from_panel())
    with pytest.raises(NotAllowed, match="page of your panel"):
        come(sqlite_engine, token, sent)


def test_the_parameters_are_the_studys_own(sqlite_engine: sa.Engine):
    fields = from_panel(parameter="RID", also=[], completion_url="https://panel.example/back?rid={RID}")
    with write_session(sqlite_engine) as session:
        study, token = study_with_link(session, **fields)
        person = open_links.come_in(session, token, {"RID": "a/b&c"}, secret=KEY)
        assert panels.way_back(session, study, person, KEY) == "https://panel.example/back?rid=a%2Fb%26c"
        assert panels.way_back(session, study, person, "") == ""


def test_erasing_a_person_erases_their_panel_id(engine: sa.Engine):
    with write_session(engine) as session:
        _, token = study_with_link(session, **from_panel())
    first = come(engine, token, ANN)
    with write_session(engine) as session:
        erase(session, session.get_one(Participant, first))
        assert session.exec(select(PanelMember)).all() == []


def test_a_new_key_finds_and_pays_who_came_under_the_old_one_and_resealing_lets_the_old_one_go(engine: sa.Engine):
    new = "n" * 40
    with write_session(engine) as session:
        study, token = study_with_link(session, **from_panel())
    ann = come(engine, token, ANN)
    both = panels.keys_from(f"{new}, {KEY}")
    with write_session(engine) as session:
        assert open_links.known_member(session, study, ANN, secret=f"{new},{KEY}").id == ann
        panels.remember(session, study, newcomer(session, study), {"PROLIFIC_PID": "later"}, both)
        with pytest.raises(Unavailable, match="another RECUX_SECRET_KEY"):
            panels.seal_again(session, panels.keys_from(new))
        assert [panels.seal_again(session, both) for _ in range(2)] == [1, 0]
        alone = panels.keys_from(new)
        assert [m.ids["PROLIFIC_PID"] for m in panels.members(session, study, alone)] == [ANN["PROLIFIC_PID"], "later"]
        assert panels.find(session, study, ANN["PROLIFIC_PID"], alone).id == ann
        assert panels.find(session, study, ANN["PROLIFIC_PID"], panels.keys_from(KEY)) is None


def newcomer(session: Session, study: Study) -> Participant:
    person = Participant(study_id=study.id, external_id="newcomer", came_by="panel")
    session.add(person)
    session.flush()
    return person


def test_a_comma_in_a_short_rest_belongs_to_the_key():
    assert tokens.secret_keys("a" * 40 + ",short") == ("a" * 40 + ",short",)
    assert tokens.secret_keys("") == ("",)
