"""Small databases planted by hand, for tests that need rows and know what must come out."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from db.tables import Answer, Arm, Item, Participant, Rating, Response, Study

START = datetime(2026, 1, 1, tzinfo=UTC)


def plant_study(session: Session, slug: str = "shop", *, items: int = 4, arms: tuple[str, ...] = ("a", "b"), **fields):
    """A live study with arms and items; returns it with its id."""
    study = Study(slug=slug, title=slug.title(), salt="salt", status="live", **fields)
    session.add(study)
    session.flush()
    session.add_all(Arm(study_id=study.id, key=key, title=key.upper()) for key in arms)
    session.add_all(
        Item(study_id=study.id, external_id=f"i{n}", title=f"Item {n}", category=f"c{n % 2}") for n in range(items)
    )
    session.flush()
    return study


def plant_person(session: Session, study: Study, name: str, **fields) -> Participant:
    """One participant."""
    person = Participant(study_id=study.id, external_id=name, **fields)
    session.add(person)
    session.flush()
    return person


def plant_rating(session: Session, person: Participant, item_id: int, stars: float, *, day: float = 0, **fields):
    """One current rating, ``day`` days after the start."""
    at = START + timedelta(days=day)
    key = fields.pop("row_key", f"{person.id}-{item_id}-{day}")
    rating = Rating(
        study_id=person.study_id,
        participant_id=person.id,
        item_id=item_id,
        rating=stars,
        row_key=key,
        rated_at=fields.pop("rated_at", at),
        received_at=at,
        **fields,
    )
    session.add(rating)
    session.flush()
    return rating


def plant_answers(session: Session, person: Participant, instrument: str, *, day: float = 0, **answers):
    """One response with its answers; text for strings, value for numbers."""
    at = START + timedelta(days=day)
    response = Response(
        study_id=person.study_id, participant_id=person.id, instrument=instrument, version="1", started_at=at
    )
    session.add(response)
    session.flush()
    for question, said in answers.items():
        content = {"text": said} if isinstance(said, str) else {"value": said}
        here = {"study_id": person.study_id, "response_id": response.id, "received_at": at}
        session.add(Answer(question=question, **here, **content))
    session.flush()
    return response
