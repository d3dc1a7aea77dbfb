"""What people do beside rating: say what they like, mark items, look at them."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import write_session
from db.tables import Arm, Interaction, Item, Participant
from recux.collect import preferences
from recux.collect.consent import current_consent, decide
from recux.collect.own_data import withdraw
from recux.collect.slates import slate_for
from recux.collect.studies import get_study
from recux.collect.views import record_views
from recux.errors import NotAllowed, NotFound
from recux.recommend import make_slate
from tests.collect.people import click_marks, plant_consented, plant_invited
from tests.planting import plant_study


def kinds(session: Session) -> list[str]:
    return list(session.exec(select(Interaction.kind).order_by(col(Interaction.id))))


def shown_to(session: Session, name: str = "ann"):
    return [card.impression for card in slate_for(session, plant_consented(session, name)).cards]


def person_of(session: Session, name: str = "ann") -> Participant:
    return session.exec(select(Participant).where(Participant.external_id == name)).one()


def test_marks_stand_once_and_can_be_taken_back(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        first = shown_to(session)[0]
        for _ in range(2):
            click_marks(session, person_of(session), first, {"know", "dismiss"})
        assert sorted(kinds(session)) == ["dismiss", "know"]
        click_marks(session, person_of(session), first, {"know"})
        assert kinds(session) == ["know"]
        click_marks(session, person_of(session), first, set())
        assert kinds(session) == []


def test_nobody_marks_somebody_elses_items_or_before_consent(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        first = shown_to(session)[0]
        with pytest.raises(NotAllowed, match="was not made for"):
            click_marks(session, plant_consented(session, "bob"), first, {"know"})
        with pytest.raises(NotAllowed, match="not consented"):
            click_marks(session, plant_invited(session, "cyd"), first, {"know"})
        assert kinds(session) == []


def test_a_view_is_a_second_in_sight_and_its_time_adds_up(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        first, second, _third = shown_to(session)
        assert record_views(session, person_of(session), {first.id: 1500.0, second.id: 400.0}) == 1
        record_views(session, person_of(session), {first.id: 700.0})
        (view,) = session.exec(select(Interaction)).all()
        assert (view.kind, view.item_id, view.dwell_ms) == ("view", first.item_id, 2200.0)


def test_an_open_window_is_not_an_hour_of_reading_twice(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        first = shown_to(session)[0]
        for _ in range(3):
            record_views(session, person_of(session), {first.id: 3_000_000.0})
        assert session.exec(select(Interaction.dwell_ms)).one() == 3_600_000.0


def test_nobody_is_watched_who_declined_or_withdrew_or_was_not_shown_it(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        seen = {impression.id: 5000.0 for impression in shown_to(session)}
        bob, cyd = plant_consented(session, "bob"), plant_invited(session, "cyd")
        decide(session, cyd, current_consent(session, cyd, "en"), given=False)
        withdraw(session, person_of(session))
        assert [record_views(session, one, seen) for one in (person_of(session), bob, cyd)] == [0, 0, 0]
        assert kinds(session) == []


def shop(session: Session) -> Participant:
    study = plant_study(session, slate_size=2, items=6)
    for n, item in enumerate(session.exec(select(Item).order_by(col(Item.id)))):
        item.title = f"{['Wool scarf', 'Silk tie'][n % 2]} {n}"
        item.category, item.tags = ["Wool", "Silk"][n % 2], ["Ärmel"] if n == 3 else []
    session.exec(select(Arm)).first().source = "content"
    session.flush()
    person = plant_consented(session)
    person.arm_id = session.exec(select(Arm.id).where(Arm.source == "content")).first()
    session.flush()
    assert person.study_id == study.id
    return person


def test_topics_are_what_items_have_and_become_interests(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = shop(session)
        person.interests = ["from the import"]
        offered = preferences.topics(session, get_study(session, "shop"))
        assert offered == ["Silk", "Wool", "Ärmel"]
        preferences.set_topics(session, person, ["Wool"], offered)
        assert person.interests == ["from the import", "Wool"]
        preferences.set_topics(session, person, [], offered)
        assert person.interests == ["from the import"]


@pytest.mark.parametrize(("words", "found"), [("wool SCARF", 3), ("ärmel", 1), ("%", 0), ("scarf tie", 0), ("", 6)])
def test_a_search_finds_items_by_all_their_words_in_any_case(sqlite_engine: sa.Engine, words: str, found: int) -> None:
    with write_session(sqlite_engine) as session:
        shop(session)
        assert len(preferences.search(session, get_study(session, "shop"), words)) == found


def test_a_picked_item_is_history_for_the_first_list_and_is_not_recommended_back(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = shop(session)
        item = session.exec(select(Item).order_by(col(Item.id))).first()
        for _ in range(2):
            preferences.pick(session, person, item.id, liked=True)
        assert [one.item_id for one in preferences.picked(session, person)] == [item.id]
        slate = make_slate(session, person, size=2)
        shown = session.exec(sa.text(f"select item_id from impression where slate_id = {slate.id}")).all()
        titles = {session.get(Item, row[0]).title for row in shown}
        assert all(title.startswith("Wool scarf") for title in titles)
        assert item.title not in titles
        preferences.pick(session, person, item.id, liked=False)
        assert kinds(session) == []


def test_nothing_is_picked_before_consent_or_from_another_study(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = shop(session)
        with pytest.raises(NotFound, match="no item 999"):
            preferences.pick(session, person, 999, liked=True)
        with pytest.raises(NotAllowed):
            preferences.set_topics(session, plant_invited(session, "new"), ["Wool"], ["Wool"])
