"""One person in a live study with a list to rate, for the tests of what people write."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from db.tables import ConsentText, Impression, Item, Participant, Slate, Study
from recux.collect.consent import current_consent, decide, require_answering
from recux.collect.marks import save_marks
from recux.collect.opinions import Mark, place_of
from tests.planting import plant_person, plant_study


def plant_invited(session: Session, name: str = "ann", **fields) -> Participant:
    """A person with an imported list of three items who was not asked for consent yet."""
    study = session.exec(select(Study)).first() or plant_study(session, instruments=["nps", "csat"], slate_size=3)
    if not session.exec(select(ConsentText)).first():
        for language, text in {"en": "Take part?", "zh_CN": "愿意参加吗？"}.items():
            session.add(ConsentText(study_id=study.id, language=language, text=text))
    person = plant_person(session, study, name, **fields)
    slate = Slate(study_id=study.id, participant_id=person.id, external_id=f"list-{name}")
    session.add(slate)
    session.flush()
    items = session.exec(select(Item).order_by(col(Item.id)).limit(3)).all()
    session.add_all(Impression(slate_id=slate.id, item_id=item.id, position=n) for n, item in enumerate(items, 1))
    session.flush()
    return person


def plant_consented(session: Session, name: str = "ann", **fields) -> Participant:
    """The same person after consenting."""
    person = plant_invited(session, name, **fields)
    decide(session, person, current_consent(session, person, "en"), given=True)
    return person


def click_marks(session: Session, person: Participant, shown: Impression, marks: Collection[Mark]) -> None:
    """What a click on an item's marks runs: whose it is, whether they may answer, and the row."""
    require_answering(session.connection(), person.id)
    save_marks(session.connection(), place_of(session.connection(), person.id, shown.id), marks)
