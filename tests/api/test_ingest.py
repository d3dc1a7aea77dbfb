"""Machine data over HTTP: the same rows, rules and counts as files, and bodies made to hurt."""

import gzip
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recux.api import bodies
from recux.api.bodies import strict_json
from recux.api.problems import Refusal
from recux.api.v1 import create_v1
from recux.settings import Settings

RATING = {"participant_id": "bob", "item_id": "i1", "rating": 4}
NDJSON = {"Content-Type": "application/x-ndjson"}
ROWS = {
    "participants": {"participant_id": "zoe", "cohort": "new", "attr.age": 41},
    "items": {"item_id": "i77", "title": "New", "tags": ["a", "b"]},
    "slates": {"slate_id": "s1", "participant_id": "ann", "item_id": "i1", "position": 1},
    "interactions": {
        "participant_id": "ann",
        "item_id": "i1",
        "kind": "click",
        "occurred_at": "2026-05-01T10:00:00Z",
    },
    "ratings": RATING | {"rated_at": 1_760_000_000},
    "responses": {"participant_id": "ann", "instrument": "nps", "question": "score", "value": 9},
    "requests": {"requested_at": "2026-05-01T10:00:00Z", "duration_ms": 12.5, "outcome": "ok"},
}


def lines(*rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_comes_in_once_however_often_and_in_whatever_form_it_is_sent(both, kind):
    first = both.ingest(kind, ROWS[kind])
    assert (first.status_code, first.json()["written"]) == (200, 1), first.text
    assert both.ingest(kind, [ROWS[kind]]).json()["unchanged"] == 1
    path = f"/studies/shop/import/{kind}"
    sent = both.call("POST", path, headers=NDJSON, content=lines(ROWS[kind])).json()
    assert (sent["read"], sent["unchanged"], sent["quarantined"]) == (1, 1, 0)


def test_a_single_rating_means_the_same_by_the_quick_way_and_by_the_long_one(both):
    revised = RATING | {"rating": 5, "comment": "better"}
    assert [both.ingest("ratings", row).json()["updated"] for row in (RATING, revised, revised)] == [0, 1, 0]
    assert both.ingest("ratings", [revised]).json()["unchanged"] == 1
    assert both.ingest("ratings", [RATING]).json()["updated"] == 1
    assert both.ingest("ratings", RATING).json()["unchanged"] == 1
    assert both.ingest("ratings", RATING | {"comment": None}).json()["updated"] == 1
    assert both.ingest("ratings", [RATING | {"comment": None}]).json()["unchanged"] == 1
    assert both.rows("SELECT rating, comment FROM rating ORDER BY id")[-2:] == [(4.0, "better"), (4.0, None)]
    assert len(both.rows("SELECT id FROM rating WHERE current")) == 1


def test_a_bad_row_refuses_all_or_is_put_aside(api):
    rows = [RATING, RATING | {"item_id": "nope"}, RATING | {"rating": 9}]
    refused = api.ingest("ratings", rows)
    assert (refused.status_code, refused.json()["quarantined"], refused.json()["written"]) == (422, 2, 0)
    assert [one["at"] for one in refused.json()["errors"]] == ["row 2, item_id", "row 3, rating"]
    kept = api.call("POST", "/studies/shop/import/ratings?skip_bad=true", json=rows).json()
    assert (kept["read"], kept["written"], kept["quarantined"]) == (3, 1, 2)
    assert kept["quarantine_file"].endswith(".csv")
    assert api.rows("SELECT quarantined FROM import_run") == [(2,)]


def test_csv_parquet_and_gzip_are_taken_as_files_are(api):
    table = pa.table({"participant_id": ["p1", "p2"], "item_id": ["i1", "i2"], "rating": [1.0, 5.0]})
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    forms = {
        "text/csv": (b"participant_id,item_id,rating\np1,i1,1\np2,i2,5\n", {}),
        "application/vnd.apache.parquet": (parquet.getvalue(), {}),
        "application/x-ndjson": (gzip.compress(lines(*table.to_pylist())), {"Content-Encoding": "gzip"}),
    }
    for content_type, (body, headers) in forms.items():
        sent = {"Content-Type": content_type} | headers
        answer = api.call("POST", "/studies/shop/import/ratings", headers=sent, content=body)
        assert (answer.status_code, answer.json()["read"]) == (200, 2), answer.text
    assert len(api.rows("SELECT id FROM rating")) == 2


def test_what_an_import_advises_about_maps_is_advised_in_the_words_of_the_api(api):
    unknown = api.ingest("ratings", [RATING | {"item_id": "nope"}]).json()
    assert "import the items first, or add ?create_items=true (found: 'nope')" in unknown["errors"][0]["problem"]
    no_zone = api.ingest("ratings", [RATING | {"rated_at": "2026-01-01T00:00:00"}]).json()
    assert "write 2026-01-31T12:00:00Z (found" in no_zone["errors"][0]["problem"]
    headers = {"Content-Type": "text/csv"}
    body = b"userId,item_id,rating\np1,i1,1\n"
    unnamed = api.call("POST", "/studies/shop/import/ratings", headers=headers, content=body).json()
    assert unnamed["detail"].endswith("If one of these is meant, rename it"), unnamed
    assert "map" not in json.dumps([unknown, no_zone, unnamed])


BAD_PARQUET = {
    "two columns of one name": (
        pa.table([pa.array(["p1"]), pa.array(["p2"])], names=["participant_id", "participant_id"]),
        "the Parquet file has two columns of one name",
    ),
    "no rows": (pa.table({"participant_id": pa.array([], pa.string())}), "the Parquet file holds no rows"),
    "bytes": (pa.table({"participant_id": [b"p\xff"]}), "participant_id is a dict, not text"),
}


@pytest.mark.parametrize("what", BAD_PARQUET)
def test_parquet_that_means_nothing_or_two_things_is_refused_in_its_own_words(api, what):
    table, words = BAD_PARQUET[what]
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    answer = api.call("POST", "/studies/shop/import/participants", headers=headers, content=parquet.getvalue())
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert "api.jsonl" not in answer.text


def test_the_same_idempotency_key_gets_the_same_answer_and_another_request_is_refused(both):
    headers = NDJSON | {"Idempotency-Key": "once"}
    path = "/studies/shop/import/interactions"
    body = lines(ROWS["interactions"])
    first, again = (both.call("POST", path, headers=headers, content=body) for _ in range(2))
    assert first.json() == again.json()
    assert (first.json()["written"], "idempotent-replayed" in first.headers) == (1, False)
    assert again.headers["idempotent-replayed"] == "true"
    clash = both.call("POST", path, headers=headers, content=lines(ROWS["interactions"] | {"item_id": "i2"}))
    assert (clash.status_code, "another request" in clash.json()["detail"]) == (422, True)
    assert (
        both.call("POST", path, headers=headers, content=body, scope="ingest").headers.get("idempotent-replayed")
        is None
    )
    assert len(both.rows("SELECT id FROM interaction")) == 1


def test_twenty_at_once_with_one_key_do_the_work_once(both):
    headers = {"Idempotency-Key": "race"}

    def send(_):
        return both.ingest("ratings", [RATING], headers=headers).json()["written"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(20))) == [1] * 20
    assert len(both.rows("SELECT id FROM rating")) == 1


def test_equal_ratings_at_the_same_moment_become_one(both):
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda n: both.ingest("ratings", RATING | {"rating": 1 + n % 5}).status_code, range(24))
        )
    assert set(statuses) <= {200, 409}
    assert len(both.rows("SELECT id FROM rating WHERE current")) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_an_idempotency_key_that_is_none_is_refused(api, key):
    assert api.ingest("ratings", RATING, headers={"Idempotency-Key": key}).status_code == 400


BAD_JSON = {
    "not JSON": (b"{", 400),
    "a name twice": (b'{"participant_id": "a", "participant_id": "b", "item_id": "i1", "rating": 3}', 400),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "deep enough to refuse": (b'{"a":' * 60 + b"1" + b"}" * 60, 400),
    "another charset": ('{"participant_id": "Zoë"}'.encode("latin-1"), 400),
    "UTF-16": ('{"participant_id": "Zoe"}'.encode("utf-16"), 400),
    "NaN": (b'{"participant_id": "a", "item_id": "i1", "rating": NaN}', 400),
    "a huge number": (b'{"participant_id": "a", "item_id": "i1", "rating": 1e999}', 422),
    "half a character": (b'{"participant_id": "\\ud800", "item_id": "i1", "rating": 3}', 422),
    "a null character": (b'{"participant_id": "a\\u0000", "item_id": "i1", "rating": 3}', 422),
    "nothing": (b"", 400),
    "an empty list": (b"[]", 422),
    "an empty object": (b"{}", 422),
    "a list of numbers": (b"[1, 2]", 422),
    "a number": (b"7", 422),
}


@pytest.mark.parametrize("what", BAD_JSON)
def test_a_body_that_means_nothing_or_two_things_is_refused(api, what):
    body, status = BAD_JSON[what]
    answer = api.call(
        "POST", "/studies/shop/import/ratings", headers={"Content-Type": "application/json"}, content=body
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert api.rows("SELECT count(*) FROM rating") == [(0,)]


BAD_FILES = {
    "a name twice in NDJSON": (NDJSON, b'{"item_id": "i1", "item_id": "i2"}\n', 422),
    "another charset": (
        {"Content-Type": "text/csv"},
        "participant_id,item_id,rating\nZoë,i1,3\n".encode("latin-1"),
        422,
    ),
    "a content type of no kind": ({"Content-Type": "image/png"}, b"x", 415),
    "no content type": ({"Content-Type": ""}, b"x", 415),
    "an unknown packing": (NDJSON | {"Content-Encoding": "br"}, b"x", 415),
    "gzip that is none": (NDJSON | {"Content-Encoding": "gzip"}, b"plain", 400),
    "gzip cut off": (NDJSON | {"Content-Encoding": "gzip"}, gzip.compress(lines(RATING) * 99)[:40], 400),
    "gzip inside a file": (NDJSON, gzip.compress(lines(RATING)), 415),
    "one endless line": (NDJSON, b'{"a": "' + b"x" * 1_200_000, 413),
    "Parquet that is none": ({"Content-Type": "application/vnd.apache.parquet"}, b"PAR1" + b"x" * 99, 422),
    "nothing": (NDJSON, b"", 400),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_is_none_is_refused(api, what):
    headers, body, status = BAD_FILES[what]
    answer = api.call("POST", "/studies/shop/import/ratings", headers=headers, content=body)
    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text


def test_bombs_are_stopped_at_the_limit(api, monkeypatch, tmp_path):
    table = pa.table({"participant_id": ["p" * 100] * 400_000, "item_id": ["i1"] * 400_000, "rating": [3] * 400_000})
    parquet = io.BytesIO()
    pq.write_table(table, parquet, compression="zstd")
    packed = gzip.compress(b" " * (3 << 20) + b"\n")
    assert max(len(packed), len(parquet.getvalue())) < 20_000
    monkeypatch.setenv("RECUX_API_MAX_BODY_MB", "1")
    api.app.router.routes[0].app.routes[-1].app.app.state.settings = Settings()
    for body, headers, status in (
        (packed, NDJSON | {"Content-Encoding": "gzip"}, 413),
        (parquet.getvalue(), {"Content-Type": "application/vnd.apache.parquet"}, 422),
        (b"x" * (2 << 20), NDJSON, 413),
    ):
        start = time.monotonic()
        answer = api.call("POST", "/studies/shop/import/ratings", headers=headers, content=body)
        assert answer.status_code == status, answer.text
        assert time.monotonic() - start < 20
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.fixture
def port(api, tmp_path):
    """The API behind a real server: how it treats connections is the point."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_v1(Settings()), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def head(api, length: int, content_type: str = "application/x-ndjson") -> bytes:
    return (
        f"POST /studies/shop/import/ratings HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        f"Content-Type: {content_type}\r\nAuthorization: Bearer {api.keys['all']}\r\n\r\n"
    ).encode()


def test_a_gigabyte_is_refused_before_it_is_sent(api, port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(head(api, 1 << 30))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_that_trickles_is_given_up(api, port, monkeypatch):
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.6)
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.5)
    for content_type in ("application/x-ndjson", "application/json"):
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(head(api, 1000, content_type))
            for _ in range(12):
                try:
                    connection.sendall(b" ")
                except OSError:
                    break
                time.sleep(0.1)
            assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_strict_json_is_json(api):
    assert strict_json('{"a": [1, {"b": "ü"}], "c": null}'.encode()) == {"a": [1, {"b": "ü"}], "c": None}
    assert strict_json(b"[" * 40 + b"]" * 40) is not None
    with pytest.raises(Refusal, match="40 levels"):
        strict_json(b"[" * 42 + b"]" * 42)


HANGING_UP = [("events", "text/plain"), ("studies/shop/import/ratings", "application/json")]
HANGING_UP += [("studies/shop/import/ratings", "text/csv"), ("studies/shop/import/items", "application/json")]


@pytest.mark.parametrize(("path", "content_type"), HANGING_UP)
def test_who_hangs_up_in_the_middle_of_a_body_is_no_failure_of_ours(api, caplog, path, content_type):
    sent: list[dict] = []
    came = iter([{"type": "http.request", "body": b'{"participant', "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(came)

    async def send(message):
        sent.append(message)

    headers = {"authorization": f"Bearer {api.keys['all']}", "content-type": content_type, "content-length": "500"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "query_string": b"",
        "path": f"/api/v1/{path}", "root_path": "", "server": ("recux.test", 80), "client": ("127.0.0.1", 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    anyio.run(api.app, scope, receive, send)
    assert sent[0]["status"] == 400
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]
    assert api.rows("SELECT count(*) FROM rating") == [(0,)]


@pytest.mark.parametrize("path", ["/studies/shop/import/items", "/studies/shop/participants/ann/consent"])
def test_json_that_comes_packed_is_refused_for_what_it_is(api, path):
    body = gzip.compress(b'{"version": 1, "given": true}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = api.call("PUT" if "consent" in path else "POST", path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"].startswith("JSON is not taken as gzip")) == (415, True)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/studies", 405)])
def test_an_address_or_method_that_is_not_there_is_told_with_what_to_do(api, method, path, status):
    answer = api.call(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "/api/v1/openapi.json" in answer.json()["detail"]
    beside = api.get("/api/nope")
    assert (beside.status_code, beside.headers["content-type"]) == (404, "application/problem+json")
