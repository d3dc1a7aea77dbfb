"""Where a person stands is read from what they gave."""

import sqlalchemy as sa
from sqlmodel import Session

from db.engine import write_session
from db.tables import Participant
from recux.collect.consent import current_consent, decide
from recux.collect.progress import finish, next_step, share_done, steps
from recux.collect.ratings import save_rating
from recux.collect.responses import complete_response, save_answer, start_response
from recux.collect.slates import slate_for
from recux.instruments import load
from tests.collect.people import plant_consented, plant_invited


def rate_all(session: Session, person: Participant) -> None:
    for card in slate_for(session, person).cards:
        save_rating(session, person, card.impression, rating=3)


def answer(session: Session, person: Participant, instrument: str) -> None:
    save_answer(session, person, load(instrument), "score", value=4)
    complete_response(session, person, load(instrument), language="en")


def test_the_way_leads_from_consent_to_thanks(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_invited(session)
        met = []
        for do in (
            lambda: decide(session, person, current_consent(session, person, "en"), given=True),
            lambda: rate_all(session, person),
            lambda: answer(session, person, "nps"),
            lambda: answer(session, person, "csat"),
        ):
            step = next_step(session, person)
            met.append((step.name, step.instrument))
            do()
        met.append((next_step(session, person).name, ""))
        assert met == [("consent", ""), ("rate", ""), ("survey", "nps"), ("survey", "csat"), ("thanks", "")]


def test_the_share_done_counts_every_item_and_question_alike(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        shares = [share_done(steps(session, person))]
        rate_all(session, person)
        shares.append(share_done(steps(session, person)))
        answer(session, person, "nps")
        answer(session, person, "csat")
        shares.append(share_done(steps(session, person)))
        assert shares == [1 / 6, 4 / 6, 1]


def test_whoever_went_on_without_rating_everything_is_not_sent_back(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        slate_for(session, person)
        assert next_step(session, person).name == "rate"
        start_response(session, person, load("nps"), language="en")
        assert next_step(session, person).instrument == "nps"


def test_who_is_not_at_the_end_has_not_finished(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        finish(session, person)
        assert person.finished_at is None
        rate_all(session, person)
        answer(session, person, "nps")
        answer(session, person, "csat")
        finish(session, person)
        first = person.finished_at
        assert first is not None
        finish(session, person)
        assert person.finished_at == first
