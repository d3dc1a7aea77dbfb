"""A rating is kept once, changed without forgetting, and taken from nobody else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import read_session, write_session
from db.tables import Impression, Interaction, Participant, Rating, Slate
from recux.collect.ratings import save_rating
from recux.collect.slates import current_slate, open_slate, slate_for
from recux.errors import InvalidInput, NotAllowed
from tests.collect.people import plant_consented, plant_invited


def all_ratings(session) -> list[Rating]:
    return list(session.exec(select(Rating).order_by(col(Rating.id))))


def test_the_imported_list_is_shown_once_and_shown_again(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        assert current_slate(session, person) is None
        shown = slate_for(session, person)
        assert [card.impression.position for card in shown.cards] == [1, 2, 3]
        assert shown.slate.external_id == "list-ann"
    with write_session(engine) as session:
        again = slate_for(session, session.get_one(Participant, person.id))
        assert again.slate.id == shown.slate.id
        assert all(card.impression.shown_at for card in again.cards)
        assert session.exec(select(Interaction)).all() == []  # being sent is not being seen


def test_two_tabs_that_open_at_once_get_the_same_list(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        session.exec(sa.delete(Slate))  # nothing imported: a list must be made
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda _: open_slate(engine, person.id), range(8)))
    assert len({one.slate.id for one in shown}) == 1
    with read_session(engine) as session:
        assert len(session.exec(select(Slate)).all()) == 1


def test_no_list_without_consent(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        with pytest.raises(NotAllowed):
            slate_for(session, plant_invited(session))
        assert session.exec(select(Impression).where(col(Impression.shown_at).is_not(None))).all() == []


def test_a_double_click_is_one_rating(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        first = slate_for(session, person).cards[0].impression
        one = save_rating(session, person, first, rating=4)
        assert save_rating(session, person, first, rating=4).id == one.id
        assert len(all_ratings(session)) == 1


def test_a_changed_mind_is_a_new_revision_and_the_old_one_stays(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        first = slate_for(session, person).cards[0].impression
        save_rating(session, person, first, rating=4)
        save_rating(session, person, first, rating=2, comment="too dear")
        save_rating(session, person, first, rating=2)
        assert [(r.rating, r.comment, r.current) for r in all_ratings(session)] == [
            (4, None, False),
            (2, "too dear", False),
            (2, None, True),
        ]
        assert slate_for(session, person).rated == 1


def test_twenty_threads_writing_the_same_rating_leave_one(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        first = slate_for(session, person).cards[0].impression

    def rate(number: int) -> None:
        with write_session(engine) as session:
            person_ = session.get_one(Participant, person.id)
            save_rating(session, person_, session.get_one(Impression, first.id), rating=1 + number % 5)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rate, range(20)))
    with read_session(engine) as session:
        assert sum(rating.current for rating in all_ratings(session)) == 1


@pytest.mark.parametrize("rating", [0, 6, 7, 3.5, -1])
def test_a_rating_off_the_scale_is_refused(sqlite_engine: sa.Engine, rating: float) -> None:
    with write_session(sqlite_engine) as session:
        person = plant_consented(session)
        first = slate_for(session, person).cards[0].impression
        with pytest.raises(InvalidInput, match="from 1 to 5"):
            save_rating(session, person, first, rating=rating)


def test_nobody_rates_somebody_elses_list(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        first = slate_for(session, plant_consented(session, "ann")).cards[0].impression
        with pytest.raises(NotAllowed, match="not made for participant 'bob'"):
            save_rating(session, plant_consented(session, "bob"), first, rating=5)
