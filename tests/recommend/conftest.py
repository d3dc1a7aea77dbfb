"""A small study with taste in it: two groups of people who like different halves of the items."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlmodel import Session

from db.tables import Arm, Interaction, Item, Participant, Rating, Study

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
TOPICS = ("jazz piano record", "mountain hiking boots")


@dataclass
class Pilot:
    """The study's rows, by name."""

    session: Session
    study: Study
    items: list[Item] = field(default_factory=list)
    people: list[Participant] = field(default_factory=list)

    def arm(self, source: str, **options: object) -> Arm:
        """A new arm."""
        arm = Arm(study_id=self.study.id, key=f"arm-{uuid4().hex}", title="x", source=source, options=options)
        self.session.add(arm)
        self.session.flush()
        return arm

    def person(self, arm: Arm | None, name: str = "new", **more: object) -> Participant:
        """A new person in ``arm``."""
        person = Participant(study_id=self.study.id, external_id=name, arm_id=arm.id if arm else None, **more)
        self.session.add(person)
        self.session.flush()
        return person

    def rate(self, person: Participant, item: Item, rating: float) -> None:
        """One rating."""
        key = f"{person.id:016x}{item.id:016x}"
        row = Rating(study_id=self.study.id, participant_id=person.id, item_id=item.id, row_key=key, rating=rating)
        self.session.add(row)
        self.session.flush()

    def act(self, person: Participant, item: Item, kind: str) -> None:
        """One interaction."""
        key = f"{person.id:08x}{item.id:08x}{kind}"
        row = {"study_id": self.study.id, "participant_id": person.id, "item_id": item.id}
        self.session.add(Interaction(**row, row_key=key, kind=kind, occurred_at=WHEN))
        self.session.flush()


@pytest.fixture
def empty(engine) -> Pilot:
    """A study without items."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        study = Study(slug="s", title="S", salt=uuid4().hex, slate_size=4)
        session.add(study)
        session.flush()
        yield Pilot(session, study)


@pytest.fixture
def pilot(empty: Pilot) -> Pilot:
    """Twelve items of two topics, ten people who each rated five items and love one topic."""
    for i in range(12):
        topic = TOPICS[i % 2]
        text = {"title": f"{topic.split()[0].title()} no. {i}", "description": topic, "category": topic.split()[1]}
        empty.items.append(Item(study_id=empty.study.id, external_id=f"i{i}", **text))
    empty.session.add_all(empty.items)
    empty.session.flush()
    for p in range(10):
        person = empty.person(None, f"p{p}")
        empty.people.append(person)
        for i in range(p % 5, p % 5 + 6):
            empty.rate(person, empty.items[i], 5 if i % 2 == p % 2 else 2)
    return empty


@pytest.fixture
def shown() -> Callable[..., list]:
    """The impressions of a slate in order."""
    from sqlmodel import col, select

    from db.tables import Impression

    def read(session: Session, slate) -> list:
        statement = select(Impression).where(Impression.slate_id == slate.id).order_by(col(Impression.position))
        return list(session.exec(statement))

    return read
