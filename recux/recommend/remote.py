"""The recommender under test over HTTP: one bounded call, its answer checked, every attempt timed.

The other side may hang, lie or redirect: there is one deadline for the whole attempt, a limit on what is read, no
redirect is followed, and only hosts that the arm (and, where it is set, ``RECUX_RECOMMENDER_HOSTS``) allows are called.
"""

import ipaddress
import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col

from db.engine import read_session
from db.tables import Arm, Item, Participant, Rating, Study, now
from recux.errors import InvalidInput, NotFound
from recux.operate import metrics
from recux.plain_text import INVISIBLE
from recux.recommend.options import VARIABLE, HttpOptions, options_of
from recux.recommend.paths import at
from recux.recommend.transport import Exchange, exchange
from recux.settings import Settings

NEVER_PUBLIC = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
"""Ends of names that the public name service does not know."""
LONGEST = 500
"""Characters kept of a foreign explanation or model version."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: when, how long, how it ended."""

    requested_at: datetime
    duration_ms: float
    outcome: str
    """``ok``, ``error`` or ``timeout``."""
    http_status: int | None
    endpoint: str
    problem: str = ""
    """What went wrong, for the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as the recommender named it."""

    item: str
    score: float | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """All attempts, and the last one's entries; none when it failed."""

    attempts: tuple[Attempt, ...]
    entries: tuple[Entry, ...] = ()
    model_version: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent: built from the database, then free of it."""

    options: HttpOptions
    values: dict[str, str]
    interests: list[str] = field(default_factory=list)
    ratings: list[dict[str, Any]] = field(default_factory=list)


def ask(engine: sa.Engine, participant_id: int, *, size: int, arm: Arm | None = None) -> RemoteAnswer | None:
    """Call the recommender of the person's arm without holding a transaction; None when the arm is not ``http``.

    ``arm`` is which one to ask, by default the person's own.

    Hand the answer to ``make_slate(..., answer=...)`` inside the transaction that writes: a slow recommender then
    never blocks other people's answers.
    """
    with read_session(engine) as session:
        participant = session.get(Participant, participant_id)
        if participant is None:
            raise NotFound(f"there is no participant {participant_id}")
        if arm is None and participant.arm_id:
            arm = session.get(Arm, participant.arm_id)
        if arm is None or arm.source != "http":
            return None
        question = question_of(session, arm, participant, size)
    return call(question)


def hindrance(arm: Arm) -> str | None:
    """Why an ``http`` arm's recommender would not be called from here: its host, or a variable; None when it would."""
    options = options_of(arm)
    assert isinstance(options, HttpOptions)  # the arm's source is http
    try:
        _check_host(options, options.url)
        for value in options.headers.values():
            _from_environment(value)
    except InvalidInput as problem:
        return str(problem)
    return None


def question_of(session: Session, arm: Arm, participant: Participant, size: int) -> Question:
    """What to ask for ``participant``: the URL's values and, for POST, their ratings so far, newest last."""
    options = options_of(arm)
    assert isinstance(options, HttpOptions)  # the arm's source is http
    study = session.get_one(Study, participant.study_id)
    values = {
        "participant_id": participant.external_id,
        "size": str(min(size, options.slate_size or size)),
        "study": study.slug,
        "language": participant.language or "",
        "cohort": participant.cohort or "",
    }
    ratings = (
        sa.select(col(Item.external_id), col(Rating.rating))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .where(col(Rating.participant_id) == participant.id, col(Rating.current))
        .order_by(col(Rating.id))
    )
    told = [{"item_id": item, "rating": rating} for item, rating in session.connection().execute(ratings)]
    return Question(options, values, list(participant.interests), told)


def call(question: Question) -> RemoteAnswer:
    """Ask until it answers well, at most ``retries`` more times. Failures are returned, never raised: whoever waits for
    a slate gets another one. So is a host that is not allowed or a header whose variable is not set; nothing is sent.
    """
    options = question.options
    url = options.url.format(**{name: quote(value, safe="") for name, value in question.values.items()})
    body = _body(question) if options.method == "POST" else None
    headers = {"Accept": "application/json", "User-Agent": "recux"}
    headers |= {"Content-Type": "application/json"} if body else {}
    try:
        inside = _check_host(options, url)
        headers |= {name: _from_environment(value) for name, value in options.headers.items()}
    except InvalidInput as problem:
        metrics.called("error", 0.0)
        return RemoteAnswer((Attempt(now(), 0.0, "error", None, _endpoint(options), str(problem)),))
    attempts: list[Attempt] = []
    for _ in range(1 + options.retries):
        attempt, answer = _attempt(options, url, headers, body, inside)
        attempts.append(attempt)
        if answer is not None:
            return RemoteAnswer(tuple(attempts), *answer)
        if attempt.http_status is not None and 400 <= attempt.http_status < 500:
            break
    return RemoteAnswer(tuple(attempts))


def _attempt(
    options: HttpOptions, url: str, headers: dict[str, str], body: bytes | None, inside: bool
) -> tuple[Attempt, tuple[tuple[Entry, ...], str | None] | None]:
    asked, start = now(), time.perf_counter()
    reply = exchange(options.method, url, headers, body, options.timeout_ms / 1000, inside=inside)
    duration = (time.perf_counter() - start) * 1000
    answer, problem = (None, reply.problem) if reply.problem else _understood(options, reply)
    outcome = "ok" if answer is not None else "timeout" if reply.timed_out else "error"
    metrics.called(outcome, duration)
    return Attempt(asked, duration, outcome, reply.status, _endpoint(options), problem), answer


def _endpoint(options: HttpOptions) -> str:
    return urlsplit(options.url).path or "/"  # the template's path: no one's id


def _understood(options: HttpOptions, reply: Exchange) -> tuple[tuple[tuple[Entry, ...], str | None] | None, str]:
    if reply.status != 200:
        return None, f"answered with status {reply.status}"
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None, "the answer is not JSON"
    listed = at(document, options.items)
    if not isinstance(listed, list):
        return None, f"the answer has no list at {options.items!r}"
    entries = tuple(entry for entry in (_entry(options, one) for one in listed) if entry)
    if not entries:
        return None, f"no entry has an item id at {options.item_id!r}"
    version = at(document, options.model_version) if options.model_version else None
    return (entries, _short(version)), ""


def _entry(options: HttpOptions, one: Any) -> Entry | None:
    item = at(one, options.item_id)
    if isinstance(item, bool) or not isinstance(item, str | int) or item == "":
        return None
    score = at(one, options.score) if options.score else None
    explanation = at(one, options.explanation) if options.explanation else None
    return Entry(str(item), _number(score), _short(explanation))


def _number(value: Any) -> float | None:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if numeric and abs(value) < 1e300 else None  # JSON as Python reads it may hold NaN


def _short(value: Any) -> str | None:
    """Foreign text as it can be stored and shown; None when there is none."""
    text = INVISIBLE.sub("", str(value)).strip() if isinstance(value, str | int | float) else ""
    return text[:LONGEST] or None


def _body(question: Question) -> bytes:
    values: dict[str, Any] = {**question.values, "size": int(question.values["size"])}
    return json.dumps({**values, "interests": question.interests, "ratings": question.ratings}).encode()


def _check_host(options: HttpOptions, url: str) -> bool:
    """Whether the host may be at a private address: it says so itself, or the operator names it.

    Raises InvalidInput when it may not be called at all.
    """
    host = (urlsplit(url).hostname or "").lower()
    own = {name.lower() for name in options.allowed_hosts} or {host}
    operator = {name.strip().lower() for name in Settings().recommender_hosts.split(",") if name.strip()}
    if host not in own or (operator and host not in operator):
        raise InvalidInput(
            f"the recommender's host {host!r} is not allowed; name it in the arm's allowed_hosts and, "
            "where RECUX_RECOMMENDER_HOSTS is set, there too"
        )
    return host in operator or _is_plainly_inside(host)


def _is_plainly_inside(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return "." not in host or host.endswith(NEVER_PUBLIC)


def _from_environment(value: str) -> str:
    def variable(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise InvalidInput(f"a header needs the environment variable {name}; set it where recux runs")
        return os.environ[name].strip()  # secrets are often kept in files, with a line break at their end

    return VARIABLE.sub(variable, value)
