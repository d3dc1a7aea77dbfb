"""The event beacon: what people do in the web app that embeds recux, sent by its pages.

Made for ``navigator.sendBeacon``: the body may be plain text or a form, there is no header to set, and nobody reads the
answer. The signed participant id in the body is the credential.
"""

from functools import partial
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StrictFloat, ValidationError
from sqlmodel import Session
from starlette.responses import Response

from db.engine import read_session, write_session
from db.tables import Participant
from recux.access.embedding import Signed, embed_origins, find_person, read_token
from recux.api.admission import KeyedRoute
from recux.api.bodies import StrictRequest, strict_json
from recux.api.problems import Refusal, documented
from recux.api.replies import Reply, as_json
from recux.api.shapes import Name, Taken
from recux.collect.consent import OPEN, decision_of, standing
from recux.errors import InvalidInput, NotAllowed
from recux.ingest import import_rows
from recux.settings import Settings
from recux.validation import first_problem

LARGEST = 64 << 10
"""What browsers let a beacon carry."""
PER_MINUTE = 240
"""Events a minute of one participant, for each process."""
router = APIRouter(tags=["events"], route_class=KeyedRoute)


class Event(Taken):
    """One thing that a person did with an item."""

    item_id: Name
    kind: Literal["view", "click", "purchase", "dismiss", "like", "know"]
    occurred_at: str | StrictFloat = Field(description="ISO 8601 with a zone, or epoch seconds.")
    slate_id: Name | None = None
    dwell_ms: StrictFloat | None = Field(default=None, ge=0, le=1e12)


class Beacon(Taken):
    """Events of one participant."""

    token: Annotated[str, Field(min_length=1, max_length=1000)] = Field(description="The signed participant id.")
    events: list[Event] = Field(min_length=1, max_length=100)


class Received(BaseModel):
    """How many events were kept; those that name unknown items or slates are not."""

    received: int
    kept: int


SCHEMA = {"schema": {"$ref": "#/components/schemas/Beacon"}}
TAKES = {
    "required": True,
    "content": {
        "text/plain": {"schema": {"type": "string", "description": "The same document as text."}},
        "application/json": SCHEMA,
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["token", "events"],
                "properties": {"token": {"type": "string"}, "events": {"type": "string"}},
            }
        },
    },
}


@router.post(
    "/events",
    response_model=Received,
    openapi_extra={"requestBody": TAKES, "x-largest-body": LARGEST},
    responses=documented(400, 403, 408, 413, 415, 422, 429, 503),
)
async def events(request: Request) -> Response:
    """Keep what the person did. The same event sent twice counts once."""
    allow = _allowed_origin(request)
    beacon = await _beacon(request)
    limiter: CapacityLimiter = request.app.state.writes
    reply = await to_thread.run_sync(partial(_keep, request, beacon), limiter=limiter)
    return as_json(reply, **allow)


@router.options("/events", include_in_schema=False)
async def preflight(request: Request) -> Response:
    """What a browser asks before it sends JSON from another site."""
    may = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
    return Response(status_code=204, headers=_allowed_origin(request) | may)


def _allowed_origin(request: Request) -> dict[str, str]:
    """The header that lets the sender's page read the answer. Raises Refusal (403) for a page of another host."""
    origin = request.headers.get("origin")
    settings: Settings = request.app.state.settings
    if origin is None:
        return {}
    if origin.lower() not in {*embed_origins(settings), settings.base_url}:
        raise Refusal(403, "events come from pages of the hosts in RECUX_EMBED_HOSTS alone")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


async def _beacon(request: Request) -> Beacon:
    found: Any
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = await request.form(max_files=0, max_fields=5)
        found = {"token": form.get("token"), "events": strict_json(str(form.get("events", "")).encode())}
    else:
        assert isinstance(request, StrictRequest)  # KeyedRoute makes it one
        found = await request.json()
    try:
        return Beacon.model_validate(found)
    except ValidationError as error:
        raise InvalidInput(first_problem(error)) from None


def _keep(request: Request, beacon: Beacon) -> Reply:
    settings, engine = request.app.state.settings, request.app.state.doorkeeper.engine
    with read_session(engine) as session:
        signed = read_token(session, settings, beacon.token)
        person = _who_agreed(session, signed)
    wait = request.app.state.doorkeeper.buckets.wait(("events", person.id), PER_MINUTE, len(beacon.events))
    if wait:
        words = f"{PER_MINUTE} events a minute are taken of one person; wait {wait:.0f} s"
        raise Refusal(429, words, headers={"Retry-After": str(int(wait) + 1)})
    rows = [event.model_dump() | {"participant_id": signed.participant_id} for event in beacon.events]
    with write_session(engine) as session:
        result = import_rows(
            session, signed.study.slug, "interactions", rows, skip_bad=True, source="events", record=False
        )
    return Reply({"received": result.read, "kept": result.written + result.unchanged})


def _who_agreed(session: Session, signed: Signed) -> Participant:
    person = find_person(session, signed)
    if person is None or standing(session, person) != OPEN or not decision_of(session, person):
        raise NotAllowed("events are kept of people who take part now and have consented, and of nobody else")
    return person
