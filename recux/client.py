"""A small typed client of the API, for programs that feed recux or embed its questions.

    with Client("https://recux.example.org", key) as recux:
        recux.ingest("spring", "interactions", rows)
        slate = recux.slate("spring", "user-42")

Failed calls raise :class:`ApiError`. Calls are repeated after a lost connection, 429, 502, 503 and 504, with longer and
longer pauses; that is safe, since every write carries an idempotency key.
"""

import gzip
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from recux.errors import RecuxError

Json = dict[str, Any]
BATCH = 50_000
"""Rows that are sent as one request."""
AGAIN = frozenset((429, 502, 503, 504))
"""Answers after which a call is repeated: recux is busy or away, or the proxy before it finds it so."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
COUNTS = ("read", "written", "updated", "unchanged", "quarantined")


class ApiError(RecuxError):
    """The API refused or failed; ``status`` is that of HTTP, 0 when there was no answer."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        """The problem document (RFC 9457)."""
        super().__init__(f"{status or 'no answer'}: {problem.get('detail') or problem.get('title') or 'failed'}")


class Client:
    """Talks to one recux server with one key."""

    def __init__(self, address: str, key: str, *, timeout: float = 60.0, retries: int = 3) -> None:
        self._retries = retries
        self._http = httpx.Client(
            base_url=address.rstrip("/") + "/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=timeout
        )

    def __enter__(self) -> Self:
        """The client itself; it is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ingest(
        self, study: str, kind: str, rows: Iterable[Mapping[str, Any]], *, skip_bad: bool = False
    ) -> dict[str, int]:
        """Send rows of one of the seven kinds, :data:`BATCH` a request; returns the counts of all together.

        Each request is all or nothing unless ``skip_bad``. Raises ApiError (422, with the first bad rows); requests
        before that one are kept, and sending everything again changes nothing that is there.
        """
        counts = dict.fromkeys(COUNTS, 0)
        for part in _parts(rows):
            body = gzip.compress("".join(json.dumps(row, default=str) + "\n" for row in part).encode(), 1)
            headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            query = {"skip_bad": str(skip_bad).lower()}
            path = f"{_study(study)}/import/{_name(kind)}"
            done = self._call("POST", path, content=body, headers=headers, params=query)
            counts = {name: counts[name] + done[name] for name in COUNTS}
        return counts

    def consent(self, study: str, participant: str, *, language: str | None = None) -> Json:
        """The consent text to show, and whether the person agreed to it (``given``)."""
        query = {"language": language} if language else {}
        return self._call("GET", f"{_person(study, participant)}/consent", params=query)

    def decide(self, study: str, participant: str, *, version: int, given: bool, language: str | None = None) -> Json:
        """Record what the person decided about the text of this version."""
        taken = {"version": version, "given": given, "language": language}
        return self._call("PUT", f"{_person(study, participant)}/consent", json=taken)

    def slate(self, study: str, participant: str) -> Json:
        """The person's slate, made when there is none yet."""
        return self._call("POST", f"{_person(study, participant)}/slate")

    def rate(
        self, study: str, participant: str, slate_id: str, item_id: str, rating: int, *, comment: str | None = None
    ) -> Json:
        """Keep a rating of an item in the person's slate."""
        taken = {"slate_id": slate_id, "item_id": item_id, "rating": rating, "comment": comment}
        return self._call("PUT", f"{_person(study, participant)}/ratings", json=taken)

    def instrument(self, study: str, instrument: str, *, language: str | None = None) -> Json:
        """A questionnaire with the wording to show."""
        query = {"language": language} if language else {}
        return self._call("GET", f"{_study(study)}/instruments/{_name(instrument)}", params=query)

    def answer(self, study: str, participant: str, instrument: str, question: str, **said: Any) -> Json:
        """Keep an answer: ``value=``, ``text=`` or ``refused=True``, and the ``language=`` that was shown."""
        path = f"{_person(study, participant)}/responses/{_name(instrument)}/{_name(question)}"
        return self._call("PUT", path, json=said)

    def complete(self, study: str, participant: str, instrument: str) -> Json:
        """Mark a questionnaire as complete."""
        return self._call("POST", f"{_person(study, participant)}/responses/{_name(instrument)}/complete")

    def link(self, study: str, participant: str, *, hours: float = 24.0) -> Json:
        """A signed link for the person (``url``), and a token for the event beacon."""
        return self._call("POST", f"{_person(study, participant)}/link", json={"hours": hours})

    def predict_texts(self, study: str, texts: list[str]) -> list[Json]:
        """P(satisfaction 1..5) of each comment, and whether its author would recommend."""
        return list(self._call("POST", f"{_study(study)}/predictions/satisfaction", json={"texts": texts})["data"])

    def predict_pairs(
        self, study: str, head: str, pairs: Iterable[tuple[str, str] | tuple[str, str, int]]
    ) -> list[Json]:
        """What each participant would do with each item; ``head`` is ``rating`` or ``behaviour``.

        For ``behaviour`` a third entry says at which position of the list; without it, 1.
        """
        names = ("participant_id", "item_id", "position")
        named = [dict(zip(names, pair, strict=False)) for pair in pairs]
        return list(self._call("POST", f"{_study(study)}/predictions/{_name(head)}", json={"pairs": named})["data"])

    def report(self, study: str) -> Json:
        """The report as it stands now."""
        return self._call("GET", f"{_study(study)}/report")

    def rows(self, path: str, *, limit: int = 1000) -> Iterator[Json]:
        """Every row of a list such as ``studies`` or ``studies/spring/ratings``, page by page."""
        after: str | None = None
        while True:
            page = self._call("GET", f"/{path}", params={"limit": limit} | ({"after": after} if after else {}))
            yield from page["data"]
            after = page["next"]
            if after is None:
                return

    def _call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **sent: Any) -> Json:
        all_headers = {**(headers or {}), **({} if method == "GET" else {"Idempotency-Key": str(uuid4())})}
        for turn in range(self._retries + 1):
            pause = FIRST_PAUSE * 2**turn
            try:
                answer = self._http.request(method, path, headers=all_headers, **sent)
            except httpx.TransportError as error:
                if turn == self._retries:
                    raise ApiError(0, {"detail": f"{type(error).__name__}: {error}"}) from None
            else:
                if answer.status_code not in AGAIN or turn == self._retries:
                    return _document(answer)
                wanted = answer.headers.get("Retry-After", "")
                pause = float(wanted) if wanted.isdecimal() else pause
            time.sleep(min(pause, LONGEST_PAUSE))
        raise AssertionError("unreachable: the last try returns or raises")


def _document(answer: httpx.Response) -> Json:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):  # a page of a proxy, or of something that is not recux
        raise ApiError(answer.status_code, {"title": f"the answer is not a JSON object: {answer.text[:200]}"})
    if answer.is_success:
        return document
    raise ApiError(answer.status_code, document)


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part


def _study(study: str) -> str:
    return f"/studies/{_name(study)}"


def _person(study: str, participant: str) -> str:
    return f"{_study(study)}/participants/{_name(participant)}"


def _name(text: str) -> str:
    return quote(text, safe="")
