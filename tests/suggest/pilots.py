"""Pilots with one planted problem each, written to a real database like anybody's."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session

from db.engine import insert_many, write_session
from db.tables import (
    Answer,
    Arm,
    Impression,
    Interaction,
    Item,
    Participant,
    Rating,
    Request,
    Response,
    Round,
    Slate,
    Study,
    Suggestion,
    now,
)
from recux.rounds.batches import close_batch
from recux.suggest import propose

START = datetime(2026, 3, 1, tzinfo=UTC)
REVERSED = (2, 5)  # questions of the trust questionnaire that are reverse-keyed
NEUTRAL = [
    "saw it on the first page",
    "the blue one with pockets",
    "arrived in a box",
    "颜色是蓝色带口袋",
    "放在盒子里面送来",
]


@dataclass
class Pilot:
    """What happened, before it is stored; lists of dictionaries that a plant may change."""

    arms: tuple[str, ...] = ("a", "b")
    people: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    """person, item, position, feel (latent rating), comment, rated (bool), at (seconds)."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    interactions: list[dict[str, Any]] = field(default_factory=list)
    study: dict[str, Any] = field(default_factory=dict)
    source: str = "popularity"
    """Of the arms."""

    def of(self, row: dict[str, Any]) -> dict[str, Any]:
        """The person of a row."""
        return self.people[row["person"]]

    def item(self, row: dict[str, Any]) -> dict[str, Any]:
        """The item of a row."""
        return self.items[row["item"]]


Plant = Callable[[Pilot, np.random.Generator], None]


def nothing(pilot: Pilot, rng: np.random.Generator) -> None:
    """Plant nothing."""


def placebo(seed: int = 0, *, people: int = 160, size: int = 9, arms: tuple[str, ...] = ("a", "b")) -> Pilot:
    """A pilot in which nothing depends on anything but on who rates and what is rated."""
    rng = np.random.default_rng(seed)
    pilot = Pilot(arms=arms)
    pilot.items = [
        {
            "title": f"Article {n}",
            "description": f"Number {n} of the collection",
            "category": f"kind{n % 4}",
            "price": float(5 + n),
            "image_url": f"https://example.org/{n}.png",
        }
        for n in range(60)
    ]
    item_effect = rng.normal(0, 0.3, len(pilot.items))
    for person in range(people):
        _add_person(pilot, rng, person, size, item_effect)
    return pilot


def _add_person(pilot: Pilot, rng: np.random.Generator, person: int, size: int, item_effect: np.ndarray) -> None:
    pilot.people.append(
        {
            "arm": int(rng.integers(len(pilot.arms))),
            "cohort": str(rng.choice(["amber", "birch", "cedar"])),
            "language": str(rng.choice(["en", "zh_CN"])),
            "attributes": {
                "device": str(rng.choice(["phone", "desktop"])),
                "experience": str(rng.choice(["new", "returning"])),
            },
        }
    )
    mood, at = rng.normal(0, 0.5), 3600.0 * person
    for position, item in enumerate(rng.choice(len(pilot.items), size, replace=False), start=1):
        at += rng.uniform(5, 30)
        pilot.shown.append(
            {
                "person": person,
                "item": int(item),
                "position": position,
                "feel": 3.7 + mood + item_effect[item] + rng.normal(0, 0.8),
                "comment": str(rng.choice(NEUTRAL)) if rng.random() < 0.4 else None,
                "rated": True,
                "at": at,
            }
        )
    pilot.requests.append(
        {"person": person, "duration_ms": float(np.exp(rng.normal(5.3, 0.3))), "failed": bool(rng.random() < 0.03)}
    )
    _answer(pilot, rng, person, mood)


def _answer(pilot: Pilot, rng: np.random.Generator, person: int, mood: float) -> None:
    score = int(np.clip(round(7.5 + 3 * mood + rng.normal(0, 1)), 0, 10))
    pilot.answers.append({"person": person, "instrument": "nps", "question": "score", "value": float(score)})
    csat = float(np.clip(round(3.8 + mood + rng.normal(0, 0.6)), 1, 5))
    pilot.answers.append({"person": person, "instrument": "csat", "question": "score", "value": csat})
    trait = rng.normal(0, 1)
    for number in range(1, 7):
        value = float(np.clip(round(3 + (-1 if number in REVERSED else 1) * trait + rng.normal(0, 0.6)), 1, 5))
        pilot.answers.append({"person": person, "instrument": "trust", "question": f"q{number}", "value": value})


def store(engine: sa.Engine, pilot: Pilot, *, slug: str = "pilot", day: float = 0) -> int:
    """Write the pilot into a study, as `collect` does, close the batch, and return the round's id."""
    collect(engine, pilot, slug=slug, day=day)
    with write_session(engine) as session:
        study = session.exec(sa.select(Study).where(Study.slug == slug)).scalars().one()
        round_ = close_batch(session, study)
        assert round_ is not None
        assert round_.id is not None
        return round_.id


def collect(engine: sa.Engine, pilot: Pilot, *, slug: str = "pilot", day: float = 0) -> None:
    """Write the pilot into a study, which is made when it is not there yet, and leave the batch open."""
    with write_session(engine) as session:
        study, arms, items = _study(session, pilot, slug)
        people = _people(session, study, pilot, arms, day)
        slates = _slates(session, study, pilot, people, arms, items, day)
        _ratings(session, study, pilot, people, slates, items, day)
        _answers(session, study, pilot, people)
        _requests(session, study, pilot, people, slates, arms, day)
        _interactions(session, study, pilot, people, items, day)


def proposals(engine: sa.Engine, plant: Plant, *, seed: int = 0) -> Sequence[Suggestion]:
    """What is suggested after a pilot with this plant."""
    pilot = placebo(seed)
    plant(pilot, np.random.default_rng(seed + 1000))
    round_id = store(engine, pilot)
    with write_session(engine) as session:
        return propose(session, session.get_one(Round, round_id))


def _key(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]


def _study(session: Session, pilot: Pilot, slug: str) -> tuple[Study, dict[str, Arm], list[int]]:
    study = session.exec(sa.select(Study).where(Study.slug == slug)).scalars().first()
    if study is None:
        study = Study(slug=slug, title=slug, salt=f"salt of {slug}", status="live", **pilot.study)
        session.add(study)
        session.flush()
        rows = [
            {"study_id": study.id, "external_id": f"i{n}", "tags": [], "attributes": {}, **item}
            for n, item in enumerate(pilot.items)
        ]
        insert_many(session, Item, rows)
    known = {arm.key: arm for arm in session.exec(sa.select(Arm).where(Arm.study_id == study.id)).scalars()}
    fresh = [Arm(study_id=study.id, key=key, title=key, source=pilot.source) for key in pilot.arms if key not in known]
    session.add_all(fresh)
    session.flush()
    known.update({arm.key: arm for arm in fresh})
    ids = session.exec(sa.select(Item.id).where(Item.study_id == study.id).order_by(Item.id)).scalars().all()
    return study, known, list(ids)


def _people(session: Session, study: Study, pilot: Pilot, arms: dict[str, Arm], day: float) -> list[int]:
    names = [f"p{day}-{n}" for n in range(len(pilot.people))]
    rows = [
        {
            "study_id": study.id, "external_id": name, "arm_id": arms[pilot.arms[p["arm"]]].id,
            "cohort": p["cohort"], "language": p["language"], "attributes": p["attributes"], "interests": [],
            "test": False, "created_at": now(), "came_by": "invite", "passed": [],
        }
        for name, p in zip(names, pilot.people, strict=True)
    ]  # fmt: skip
    insert_many(session, Participant, rows)
    found = dict(
        session.exec(sa.select(Participant.external_id, Participant.id).where(Participant.study_id == study.id)).all()
    )
    return [found[name] for name in names]


def _slates(session, study, pilot, people, arms, items, day) -> dict[int, int]:
    owners = sorted({row["person"] for row in pilot.shown})
    rows = [
        {
            "study_id": study.id, "participant_id": people[n], "arm_id": arms[pilot.arms[pilot.people[n]["arm"]]].id,
            "external_id": f"s{day}-{n}", "source": "imported", "served_at": START + timedelta(days=day),
        }
        for n in owners
    ]  # fmt: skip
    insert_many(session, Slate, rows)
    named = dict(session.exec(sa.select(Slate.external_id, Slate.id).where(Slate.study_id == study.id)).all())
    slates = {n: named[f"s{day}-{n}"] for n in owners}
    insert_many(
        session,
        Impression,
        [
            {"slate_id": slates[row["person"]], "item_id": items[row["item"]], "position": row["position"]}
            for row in pilot.shown
        ],
    )
    return slates


def _ratings(session, study, pilot, people, slates, items, day) -> None:
    rows = [
        {
            "study_id": study.id,
            "participant_id": people[row["person"]],
            "item_id": items[row["item"]],
            "slate_id": slates[row["person"]],
            "row_key": _key("rating", day, number),
            "current": True,
            "rating": float(np.clip(np.floor(row["feel"] + 0.5), 1, 5)),
            "comment": row["comment"],
            "rated_at": START + timedelta(days=day, seconds=row["at"]),
            "received_at": now(),
        }
        for number, row in enumerate(pilot.shown)
        if row["rated"]
    ]
    insert_many(session, Rating, rows)


def _answers(session, study, pilot, people) -> None:
    pairs = sorted({(row["person"], row["instrument"]) for row in pilot.answers})
    insert_many(
        session,
        Response,
        [
            {
                "study_id": study.id,
                "participant_id": people[n],
                "instrument": name,
                "version": "1",
                "wave": 1,
                "started_at": START,
            }
            for n, name in pairs
        ],
    )
    query = sa.select(Response.participant_id, Response.instrument, Response.id).where(Response.study_id == study.id)
    ids = {(person, name): number for person, name, number in session.exec(query).all()}
    rows = [
        {
            "study_id": study.id, "response_id": ids[people[row["person"]], row["instrument"]],
            "question": row["question"], "value": row.get("value"), "text": row.get("text"), "current": True,
            "refused": False, "received_at": now(),
        }
        for row in pilot.answers
    ]  # fmt: skip
    insert_many(session, Answer, rows)


def _requests(session, study, pilot, people, slates, arms, day) -> None:
    rows = [
        {
            "study_id": study.id,
            "slate_id": slates.get(row["person"]),
            "arm_id": arms[pilot.arms[pilot.of(row)["arm"]]].id,
            "row_key": _key("request", day, number),
            "requested_at": START + timedelta(days=day),
            "duration_ms": row["duration_ms"],
            "outcome": "error" if row["failed"] else "ok",
        }
        for number, row in enumerate(pilot.requests)
    ]
    insert_many(session, Request, rows)


def _interactions(session, study, pilot, people, items, day) -> None:
    rows = [
        {
            "study_id": study.id, "participant_id": people[row["person"]], "item_id": items[row["item"]],
            "row_key": _key("interaction", day, number), "kind": row["kind"],
            "occurred_at": START + timedelta(days=day, seconds=number),
        }
        for number, row in enumerate(pilot.interactions)
    ]  # fmt: skip
    insert_many(session, Interaction, rows)
