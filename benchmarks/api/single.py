"""One rating a request, against one bare insert a request, on the same database in turns."""

import json
from pathlib import Path
from statistics import median
from typing import NamedTuple

from sqlmodel import Session, select

from benchmarks.api.load import Ask, Measured, drive, request
from benchmarks.api.servers import BARE, RECUX, served
from db.engine import build_engine, write_session
from db.migrate import upgrade
from db.tables import Arm, Consent, ConsentText, Item, Participant, Study
from recux.access.keys import MOST_PER_MINUTE, create_key
from recux.recommend import make_slate

PEOPLE, ITEMS, SLATE = 400, 50, 20
TURNS = 3
JSON = {"Content-Type": "application/json"}


class Compared(NamedTuple):
    """Rates by what was done, and their share of the bare rate."""

    rates: dict[str, Measured]
    shares: dict[str, float]


def measure(url: str, home: Path, *, seconds: float) -> Compared:
    """Bare, ingest and feedback of one rating; each the median of :data:`TURNS` turns by its rate."""
    upgrade(url)
    key, slates = _plant(url)
    bearer = JSON | {"Authorization": f"Bearer {key}"}
    turns: dict[str, list[Measured]] = {"bare insert": [], "POST import/ratings": [], "PUT ratings": []}
    for turn in range(TURNS):
        with served(BARE, url, home) as port:
            turns["bare insert"].append(drive(port, _bare, seconds=seconds))
        with served(RECUX, url, home) as port:
            turns["POST import/ratings"].append(drive(port, _ingest(bearer, turn), seconds=seconds))
            turns["PUT ratings"].append(drive(port, _feedback(bearer, slates, turn), seconds=seconds))
    rates = {name: sorted(found)[len(found) // 2] for name, found in turns.items()}
    shares = {name: _share(found, turns["bare insert"]) for name, found in turns.items() if name != "bare insert"}
    return Compared(rates, shares)


def _share(ours: list[Measured], bare: list[Measured]) -> float:
    """Each turn is compared with the bare one beside it: what else the machine does then falls out."""
    return median(one.per_second / other.per_second for one, other in zip(ours, bare, strict=True))


def _bare(number: int) -> bytes:
    row = {"participant": 1 + number % PEOPLE, "item": 1 + number % ITEMS, "rating": 1 + number % 5, "comment": "fine"}
    return request("POST", "/rows", json.dumps(row).encode(), JSON)


def _ingest(headers: dict[str, str], turn: int) -> Ask:
    def ask(number: int) -> bytes:
        row = {
            "participant_id": f"p{number % PEOPLE}",
            "item_id": f"i{number % ITEMS}",
            "rating": 1 + number % 5,
            "comment": "fine",
            "rated_at": 1_760_000_000 + turn * 10_000_000 + number,
        }
        return request("POST", "/api/v1/studies/bench/import/ratings", json.dumps(row).encode(), headers)

    return ask


def _feedback(headers: dict[str, str], slates: list[tuple[str, str, list[str]]], turn: int) -> Ask:
    def ask(number: int) -> bytes:
        person, slate, items = slates[number % PEOPLE]
        item = items[number // PEOPLE % len(items)]
        stars = 1 + (number // PEOPLE // len(items) + turn) % 5
        row = {"slate_id": slate, "item_id": item, "rating": stars, "comment": f"fine {number}"}
        path = f"/api/v1/studies/bench/participants/{person}/ratings"
        return request("PUT", path, json.dumps(row).encode(), headers)

    return ask


def _plant(url: str) -> tuple[str, list[tuple[str, str, list[str]]]]:
    engine = build_engine(url)
    with write_session(engine) as session:
        study = Study(slug="bench", title="Bench", salt="salt", status="live")
        session.add(study)
        session.flush()
        text = ConsentText(study_id=study.id, language="en", text="Agree?")
        session.add_all([Arm(study_id=study.id, key="a", title="A", source="popularity"), text])
        session.add_all(Item(study_id=study.id, external_id=f"i{n}", title=f"Item {n}") for n in range(ITEMS))
        session.flush()
        arm = session.exec(select(Arm)).one()
        people = [Participant(study_id=study.id, external_id=f"p{n}", arm_id=arm.id) for n in range(PEOPLE)]
        session.add_all(people)
        session.flush()
        session.add_all(Consent(participant_id=one.id, consent_text_id=text.id, given=True) for one in people)
        session.flush()
        items = {item.id: item.external_id for item in session.exec(select(Item))}
        slates = []
        for person in people:
            slate = make_slate(session, person, size=SLATE)
            slates.append((person.external_id, slate.external_id, list(items.values())))
        shown = _shown(session, items)
        key = create_key(session, "bench", ["ingest", "collect"], per_minute=MOST_PER_MINUTE).secret
    engine.dispose()
    return key, [(person, slate, shown[slate]) for person, slate, _ in slates]


def _shown(session: Session, items: dict[int | None, str]) -> dict[str, list[str]]:
    from db.tables import Impression, Slate

    found: dict[str, list[str]] = {}
    joined = select(Slate.external_id, Impression.item_id).join(Impression, Impression.slate_id == Slate.id)
    for slate, item in session.exec(joined):
        found.setdefault(slate, []).append(items[item])
    return found
