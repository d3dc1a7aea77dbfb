"""What is stored, page by page, and the report."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from sqlmodel import SQLModel, col, select
from starlette.responses import Response

from db.engine import read_session
from db.queries import arms_of
from db.tables import ImportRun, Item, Participant, Rating, Round, Slate, Study
from recux.api.admission import KeyedRoute, needs
from recux.api.replies import Reply, as_json
from recux.api.shapes import Language, Page, StudyDetails, StudyShape, StudySlug
from recux.collect.studies import get_study
from recux.errors import InvalidInput

router = APIRouter(tags=["read"], route_class=KeyedRoute)
READ = needs("read")


class Cut(NamedTuple):
    """Which page."""

    after: int
    limit: int


def cut(
    after: Annotated[
        str | None, Query(max_length=10, pattern=r"^[0-9]+$", description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Rows on a page.")] = 100,
) -> Cut:
    """The page that is asked for. Raises InvalidInput."""
    if int(after or 0) >= 2**31:
        raise InvalidInput("`after` must be what `next` of the page before said")
    return Cut(int(after or 0), limit)


Which = Annotated[Cut, Depends(cut)]
Row = dict[str, Any]


class ParticipantRow(BaseModel):
    """A participant."""

    participant_id: str
    arm_id: int | None
    cohort: str | None
    language: str | None
    test: bool
    created_at: datetime
    finished_at: datetime | None
    withdrawn_at: datetime | None


class ItemRow(BaseModel):
    """An item."""

    item_id: str
    title: str
    category: str | None
    tags: list[str]
    price: float | None


class RatingRow(BaseModel):
    """A rating that counts now."""

    participant_id: str
    item_id: str
    slate_id: str | None
    rating: float
    comment: str | None
    recommended: bool | None
    rated_at: datetime | None
    received_at: datetime


class RoundRow(BaseModel):
    """A round."""

    number: int
    status: str
    stage: str | None
    message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ImportRow(BaseModel):
    """One import: a file, or a bulk request."""

    kind: str
    file: str
    read: int
    written: int
    updated: int
    unchanged: int
    quarantined: int
    finished_at: datetime


class Report(BaseModel):
    """The document of `recux report --format json`."""

    model_config = {"extra": "allow"}
    study: str
    generated_at: datetime
    rounds: list[Row] = Field(description="Number, batch size, times and status of each round.")
    arms: list[str]


@router.get("/studies", response_model=Page[StudyShape], **READ)
def studies(request: Request, page: Which) -> Response:
    """The studies that the key opens, oldest first."""
    only = request.state.grant.study_slug
    where = [Study.slug == only] if only else []
    return _page(request, select(Study).where(*where), Study, page, _study)


@router.get("/studies/{study}", response_model=StudyDetails, **READ)
def one_study(request: Request, study: StudySlug) -> Response:
    """A study and its arms."""
    with read_session(_engine(request)) as session:
        found = get_study(session, study)
        assert found.id is not None  # it was read from the database
        arms = [_picked(arm, "key", "title", "weight", "source") for arm in arms_of(session, found.id)]
    return as_json(Reply({**_study(found), "arms": arms}))


@router.get("/studies/{study}/participants", response_model=Page[ParticipantRow], **READ)
def participants(request: Request, study: StudySlug, page: Which) -> Response:
    """People, by pseudonym; withdrawn people too, whose data are in no figure."""
    names = ("arm_id", "cohort", "language", "test", "created_at", "finished_at", "withdrawn_at")

    def row(person: Participant) -> Row:
        return {"participant_id": person.external_id, **_picked(person, *names)}

    return _of_study(request, study, Participant, page, row)


@router.get("/studies/{study}/items", response_model=Page[ItemRow], **READ)
def items(request: Request, study: StudySlug, page: Which) -> Response:
    """The catalogue."""

    def row(item: Item) -> Row:
        return {"item_id": item.external_id, **_picked(item, "title", "category", "tags", "price")}

    return _of_study(request, study, Item, page, row)


@router.get("/studies/{study}/rounds", response_model=Page[RoundRow], **READ)
def rounds(request: Request, study: StudySlug, page: Which) -> Response:
    """Rounds and where they stand."""
    names = ("number", "status", "stage", "message", "created_at", "started_at", "finished_at")
    return _of_study(request, study, Round, page, lambda one: _picked(one, *names))


@router.get("/studies/{study}/imports", response_model=Page[ImportRow], **READ)
def imports(request: Request, study: StudySlug, page: Which) -> Response:
    """What was imported, from files and over the API."""
    names = ("kind", "file", "read", "written", "updated", "unchanged", "quarantined", "finished_at")
    return _of_study(request, study, ImportRun, page, lambda one: _picked(one, *names))


@router.get("/studies/{study}/ratings", response_model=Page[RatingRow], **READ)
def ratings(request: Request, study: StudySlug, page: Which) -> Response:
    """Ratings that count now, of people who have not withdrawn and are no tests."""
    names = ("rating", "comment", "recommended", "rated_at", "received_at")
    with read_session(_engine(request)) as session:
        found = get_study(session, study)
        rows = session.exec(
            select(Rating, Participant.external_id, Item.external_id, Slate.external_id)
            .join(Participant, col(Participant.id) == Rating.participant_id)
            .join(Item, col(Item.id) == Rating.item_id)
            .join(Slate, col(Slate.id) == Rating.slate_id, isouter=True)
            .where(Rating.study_id == found.id, Rating.current, col(Rating.id) > page.after)
            .where(col(Participant.withdrawn_at).is_(None), ~col(Participant.test))
            .order_by(col(Rating.id))
            .limit(page.limit + 1)
        ).all()
    named = [
        {"participant_id": person, "item_id": item, "slate_id": slate, **_picked(rating, *names)}
        for rating, person, item, slate in rows[: page.limit]
    ]
    last = str(rows[page.limit - 1][0].id) if len(rows) > page.limit else None
    return as_json(Reply({"data": named, "next": last}))


@router.get("/studies/{study}/report", response_model=Report, **READ)
def report(
    request: Request,
    study: StudySlug,
    without_flagged: Annotated[bool, Query(description="Leave out answers that look careless.")] = False,
    language: Language = None,
) -> Response:
    """The report as it stands now."""
    from recux.report import build_report

    with read_session(_engine(request)) as session:
        found = get_study(session, study)
        return as_json(Reply(build_report(session, found, without_flagged=without_flagged, language=language)))


def _of_study(request: Request, study: str, table: Any, page: Cut, row: Callable[[Any], Row]) -> Response:
    with read_session(_engine(request)) as session:
        found = get_study(session, study)
    return _page(request, select(table).where(table.study_id == found.id), table, page, row)


def _page(request: Request, statement: Any, table: Any, page: Cut, row: Callable[[Any], Row]) -> Response:
    """Rows in the order of their ids, one more than asked for, to know whether a page follows."""
    wanted = statement.where(col(table.id) > page.after).order_by(col(table.id)).limit(page.limit + 1)
    with read_session(_engine(request)) as session:
        found = session.exec(wanted).all()
    last = str(found[page.limit - 1].id) if len(found) > page.limit else None
    return as_json(Reply({"data": [row(one) for one in found[: page.limit]], "next": last}))


def _study(study: Study) -> Row:
    names = ("slug", "title", "domain", "status", "languages", "instruments", "slate_size", "primary_metric")
    return _picked(study, *names, "synthetic", "created_at")


def _picked(row: SQLModel, *names: str) -> Row:
    found = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


def _engine(request: Request) -> sa.Engine:
    engine: sa.Engine = request.app.state.doorkeeper.engine
    return engine
