"""Failures as problem details (RFC 9457): what was wrong, where, and what to do, without echoing what was sent."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import exc
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from recux import errors

LOG = logging.getLogger("recux.api")
MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: ("malformed", "The request cannot be read"),
    401: ("no-key", "A valid key is needed"),
    403: ("not-allowed", "This is not allowed"),
    404: ("not-found", "There is no such thing"),
    405: ("method", "The address does not take this method"),
    408: ("too-slow", "The body came too slowly"),
    409: ("conflict", "This does not fit the present state"),
    413: ("too-large", "The body is too large"),
    415: ("media-type", "The content type is not understood"),
    422: ("invalid", "What was sent breaks a rule"),
    429: ("rate", "Too many requests"),
    500: ("failure", "recux failed"),
    503: ("unavailable", "Something that this needs is away"),
}
STATUS: dict[type[errors.RecuxError], int] = {
    errors.NotFound: 404,
    errors.InvalidInput: 422,
    errors.Conflict: 409,
    errors.NotAllowed: 403,
    errors.Unavailable: 503,
}
NOWHERE = {
    404: "the API has no such address; /api/v1/openapi.json names all that it has",
    405: "the API has this address, but not for this method; /api/v1/openapi.json says which it takes",
}
"""What the framework says in two words."""
LONGEST = 2000


class Broken(BaseModel):
    """One rule that the request breaks."""

    at: str = Field(description="Where: a path into the body, a parameter, or a row number.")
    problem: str


class Problem(BaseModel):
    """A failure, after RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Which kind of failure; stable, made for programs.")
    title: str
    status: int
    detail: str = Field(description="What was wrong, where, and what to do; made for people.")
    errors: list[Broken] = Field(default_factory=list)


class Refusal(HTTPException):
    """A failure of the API's own: the status says which kind, ``more`` goes into the document."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.more = more


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """The answer that says so."""
    name, title = TITLES.get(status, ("failure", "The request failed"))
    document = {"type": f"urn:recux:{name}", "title": title, "status": status, "detail": detail[:LONGEST], **more}
    return JSONResponse(document, status, dict(headers or {}), media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that may fail in these ways, beside those that every route may."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status][1], "content": content} for status in statuses}


def of_error(error: errors.RecuxError) -> tuple[int, str]:
    """Status and words for one of recux's own errors."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)
    return status, str(error)


def add_to(api: FastAPI) -> None:
    """Let every failure of ``api`` be a problem document."""
    api.add_exception_handler(errors.RecuxError, _recux_error)
    api.add_exception_handler(RequestValidationError, _validation)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(ClientDisconnect, _hung_up)
    api.add_exception_handler(exc.OperationalError, _database)
    api.add_exception_handler(exc.InterfaceError, _database)
    api.add_exception_handler(exc.TimeoutError, _database)
    api.add_exception_handler(Exception, _unexpected)


def _recux_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.RecuxError)
    status, words = of_error(error)
    return problem(status, words, headers={"Retry-After": "5"} if status == 503 else None)


def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    broken = [
        {"at": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])} for one in error.errors()[:20]
    ]
    first = broken[0] if broken else {"at": "the request", "problem": "is not understood"}
    return problem(422, f"{first['at']}: {first['problem']}", errors=broken)


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    more = error.more if isinstance(error, Refusal) else {}
    words = str(error.detail) if isinstance(error, Refusal) else NOWHERE.get(error.status_code, str(error.detail))
    return problem(error.status_code, words, headers=error.headers, **more)


def _hung_up(_request: Request, _error: Exception) -> Response:
    """For the counts of answers alone: nobody is there to read it, and nothing here failed."""
    return problem(400, "the connection was closed before the whole body had come; nothing was written")


def _database(_request: Request, error: Exception) -> Response:
    LOG.warning("the database is away or busy: %s", type(getattr(error, "orig", None) or error).__name__)
    words = "the database is away or busy; nothing was written, try again"
    return problem(503, words, headers={"Retry-After": "2"})


def _unexpected(_request: Request, error: Exception) -> Response:
    LOG.error("unexpected failure in the API", exc_info=error)
    return problem(500, "an unexpected failure; the server's log says more. Nothing was written")
