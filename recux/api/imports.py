"""Machine data over HTTP: the same kinds, rules, quarantine and counts as files."""

import re
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlmodel import Session
from starlette.responses import Response

from recux.api.admission import KeyedRoute, needs
from recux.api.bodies import SMALL, refuse_large, refuse_packed, strict_json
from recux.api.problems import Broken, Refusal, problem
from recux.api.replies import Reply, answer, hashed
from recux.api.shapes import StudySlug
from recux.api.unpack import to_json_lines
from recux.api.uploads import PARQUET, SUFFIX, Upload, spooled
from recux.errors import InvalidInput
from recux.ingest import ImportResult, Map, Refused, import_file, import_rating, import_rows
from recux.ingest.mapping import Options
from recux.ingest.result import describe

LARGEST_JSON = 8 << 20
OVER_HTTP = {
    r"set create_items = true in the map": "add ?create_items=true",
    r", or name one in the map: .*?timezone": "",
    r", or say so in a map file .*": "",
}
"""What imports advise about map files -> what a client can do, who has none."""
AT_ONCE = 4
"""Imports that one process works on at the same time; further ones wait."""
router = APIRouter(tags=["ingest"], route_class=KeyedRoute)


class Kind(StrEnum):
    """What can be ingested."""

    participants = "participants"
    items = "items"
    slates = "slates"
    interactions = "interactions"
    ratings = "ratings"
    responses = "responses"
    requests = "requests"


class Counts(BaseModel):
    """What became of the rows; ``read = written + updated + unchanged + quarantined``."""

    read: int
    written: int
    updated: int
    unchanged: int
    quarantined: int
    quarantine_file: str | None = Field(description="Its name in RECUX_HOME/quarantine, when rows were put aside.")
    ignored_columns: list[str]
    errors: list[Broken] = Field(description="The first rows put aside, at most 20.")
    dry_run: bool


TEXT: dict[str, Any] = {"schema": {"type": "string", "minLength": 1}}
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
ROW: dict[str, Any] = {"type": "object", "minProperties": 1}
BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"oneOf": [ROW, {"type": "array", "items": ROW, "minItems": 1}]}},
        "application/x-ndjson": TEXT,
        "text/csv": TEXT,
        "application/vnd.apache.parquet": BYTES,
    },
}
INGEST = needs("ingest", 409, 415, largest=1 << 50)  # the setting is the limit, and one for JSON
INGEST["openapi_extra"]["requestBody"] = BODY


@router.post("/studies/{study}/import/{kind}", response_model=Counts, **INGEST)
async def ingest(  # noqa: PLR0917 - FastAPI fills them by name
    request: Request,
    study: StudySlug,
    kind: Kind,
    skip_bad: Annotated[bool, Query(description="Keep the good rows when some are bad.")] = False,
    dry_run: Annotated[bool, Query(description="Do everything but keep the result.")] = False,
    create_items: Annotated[bool, Query(description="Create items that rows name and nobody knows.")] = False,
) -> Response:
    """Take in one row (a JSON object), rows (a JSON array), or a file: NDJSON, CSV or Parquet.

    All or nothing unless `skip_bad`: one row that breaks a rule makes the whole body be refused (422). The same rows
    again change nothing. Files may be sent with `Content-Encoding: gzip`.
    """
    settings = request.app.state.settings
    how = {
        "skip_bad": skip_bad,
        "dry_run": dry_run,
        "mapping": Map(options=Options(create_items=create_items)),
        "quarantine_folder": settings.folder("quarantine"),
    }
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    limiter: CapacityLimiter = request.app.state.imports
    if content_type == "application/json":
        refuse_packed(request)
        body = await _small(request)
        limiter = limiter if len(body) > SMALL else request.app.state.writes
        return await to_thread.run_sync(partial(_from_json, request, study, kind, body, how), limiter=limiter)
    if content_type not in SUFFIX:
        raise Refusal(415, f"send application/json or one of {', '.join(SUFFIX)}")
    largest = settings.api_max_body_mb << 20
    refuse_large(int(request.headers.get("content-length") or 0), largest)
    async with spooled(request, SUFFIX[content_type], settings.folder("uploads"), largest) as upload:
        return await to_thread.run_sync(partial(_from_file, request, study, kind, upload, how), limiter=limiter)


async def _small(request: Request) -> bytes:
    refuse_large(int(request.headers.get("content-length") or 0), LARGEST_JSON)
    parts = []
    async for part in request.stream():
        parts.append(part)
        refuse_large(sum(map(len, parts)), LARGEST_JSON)
    return b"".join(parts)


def _from_json(request: Request, study: str, kind: Kind, body: bytes, how: dict[str, Any]) -> Response:
    found = strict_json(body)
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        raise InvalidInput("the body must be one JSON object, or a list of objects, none of them empty")
    one = not isinstance(found, list)
    if one:
        how = how | {"quarantine_folder": None}  # the answer says it all; a file for each would fill the disk

    def work(session: Session) -> Reply:
        if one and kind is Kind.ratings and not how["dry_run"]:
            quick = import_rating(session, study, rows[0])
            if quick is not None:
                return _reply(quick)
        return _reply(import_rows(session, study, kind.value, rows, source="api", record=not one, **how))

    return _answered(request, work, hashed(body))


def _from_file(request: Request, study: str, kind: Kind, upload: Upload, how: dict[str, Any]) -> Response:
    path, largest = upload.path, request.app.state.settings.api_max_body_mb << 20
    if path.suffix == SUFFIX[PARQUET]:
        path = to_json_lines(path, largest=largest)

    def work(session: Session) -> Reply:
        return _reply(import_file(session, study, kind.value, path, **how))

    return _answered(request, work, upload.sha256)


def _answered(request: Request, work: Any, body_hash: str) -> Response:
    try:
        return answer(request, work, body_hash=body_hash)
    except Refused as refusal:
        counts = _reply(refusal.result).document
        first = counts["errors"][0]
        bad, read = counts["quarantined"], counts["read"]
        words = f"nothing was written, because {bad} of {read} rows break a rule. The first: {first['at']}: "
        return problem(422, words + first["problem"], **counts)
    except InvalidInput as error:
        raise InvalidInput(_over_http(str(error))) from None


def _over_http(advice: str) -> str:
    for about_maps, instead in OVER_HTTP.items():
        advice = re.sub(about_maps, instead, advice)
    return advice


def document_of(result: ImportResult) -> dict[str, Any]:
    """What became of the rows, as :class:`Counts` has it."""
    file = result.quarantine_file
    errors = [
        {"at": f"row {one.line}, {one.column}".rstrip(", "), "problem": _over_http(describe(one))}
        for one in result.rejected
    ]
    counts = {name: getattr(result, name) for name in ("read", "written", "updated", "unchanged", "quarantined")}
    more = {"ignored_columns": list(result.ignored_columns), "errors": errors, "dry_run": result.dry_run}
    return {**counts, "quarantine_file": file.name if file else None, **more}


def _reply(result: ImportResult) -> Reply:
    return Reply(document_of(result))
