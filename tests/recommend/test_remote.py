import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, col, select

from db.tables import Request
from recux.errors import InvalidInput
from recux.recommend import ask, check_options, make_slate, transport

GOOD = {"items": [{"item_id": f"i{i}", "score": 1 - i / 10, "explanation": f"why {i}"} for i in (3, 5, 7, 9)]}


class Recommender(ThreadingHTTPServer):
    """A recommender that behaves as the test wants; it keeps what it was asked."""

    daemon_threads = True
    behave = staticmethod(lambda handler: handler.answer(GOOD))

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Handler] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self)
        self.query = parse_qs(urlsplit(self.path).query)
        self.server.behave(self)

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def answer(self, document: object, status: int = 200, content_type: str = "application/json") -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def recommender() -> Iterator[Recommender]:
    server = Recommender()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


def http_arm(pilot, server, **options):
    options = {"url": server.address + "/for/{participant_id}?n={size}", "retries": 0} | options
    check_options("http", options)
    return pilot.arm("http", **options)


def serve(pilot, shown, person):
    slate = make_slate(pilot.session, person, size=4)
    place = {item.id: item.external_id for item in pilot.items}
    return slate, [place[i.item_id] for i in shown(pilot.session, slate)]


def calls(pilot):
    return [(r.outcome, r.http_status) for r in pilot.session.exec(select(Request).order_by(col(Request.id)))]


def test_the_recommenders_order_scores_and_reasons_reach_the_slate(pilot, shown, recommender):
    person = pilot.person(http_arm(pilot, recommender, explanations=True), "Ann & Bob/ü")
    slate, items = serve(pilot, shown, person)
    assert (slate.source, items) == ("http", ["i3", "i5", "i7", "i9"])
    first = shown(pilot.session, slate)[0]
    assert (first.score, first.explanation) == (0.7, "why 3")
    assert urlsplit(recommender.asked[0].path).path == "/for/Ann%20%26%20Bob%2F%C3%BC"
    assert recommender.asked[0].query == {"n": ["4"]}
    request = pilot.session.exec(select(Request)).one()
    assert (request.outcome, request.http_status, request.endpoint) == ("ok", 200, "/for/{participant_id}")
    assert (request.slate_id, request.slate_size) == (slate.id, 4)


def test_the_answers_shape_is_mapped(pilot, shown, recommender):
    recommender.behave = lambda h: h.answer({"data": {"lists": [{"ids": ["i2", 7, "i4"]}], "v": 3}})
    arm = http_arm(pilot, recommender, items="$.data.lists[0].ids", item_id="", model_version="data.v")
    slate, items = serve(pilot, shown, pilot.person(arm))
    assert (items, slate.model_version) == (["i2", "i4"], "3")


def test_post_sends_what_the_person_rated(pilot, shown, recommender):
    person = pilot.person(http_arm(pilot, recommender, method="POST"), interests=["jazz"], language="zh_CN")
    pilot.rate(person, pilot.items[3], 4)
    _, items = serve(pilot, shown, person)
    assert items == ["i5", "i7", "i9"]
    body = recommender.asked[0].body
    assert body["ratings"] == [{"item_id": "i3", "rating": 4.0}]
    assert (body["participant_id"], body["size"], body["interests"]) == ("new", 4, ["jazz"])


def test_unknown_items_and_duplicates_are_left_out(pilot, shown, recommender):
    entries = [{"item_id": i} for i in ("nope", "i1", "i1", None, True, {"x": 1}, "i2")]
    recommender.behave = lambda h: h.answer({"items": entries})
    _, items = serve(pilot, shown, pilot.person(http_arm(pilot, recommender)))
    assert items == ["i1", "i2"]


def hang(handler):
    time.sleep(0.7)


def trickle(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for n in range(30):
        handler.wfile.write(f"X-{n}: y\r\n".encode())
        time.sleep(0.05)


FAILURES = {
    "hangs": (hang, "timeout", None),
    "fails": (lambda h: h.answer({}, 500), "error", 500),
    "redirects": (lambda h: (h.send_response(302), h.send_header("Location", "/x"), h.end_headers()), "error", 302),
    "lies about its content": (lambda h: h.answer(b"<html>"), "error", 200),
    "nests too deep": (lambda h: h.answer(b"[" * 100_000), "error", 200),
    "never ends": (lambda h: h.answer(b'{"items": [' + b" " * 2_000_000), "error", 200),
    "speaks no HTTP": (lambda h: h.wfile.write(b"hello\n"), "error", None),
    "has another shape": (lambda h: h.answer({"items": "i1"}), "error", 200),
    "knows only foreign items": (lambda h: h.answer({"items": [{"item_id": "x"}]}), "error", 200),
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_recommender_that_fails_costs_the_person_nothing(pilot, shown, recommender, how):
    recommender.behave, outcome, status = FAILURES[how]
    person = pilot.person(http_arm(pilot, recommender, timeout_ms=300))
    slate, items = serve(pilot, shown, person)
    assert len(items) == 4
    assert (slate.source, slate.model_version) == ("popularity", "instead of http")
    assert "not available" in shown(pilot.session, slate)[0].explanation
    assert calls(pilot) == [(outcome, status)]


def test_the_deadline_holds_against_a_trickle_of_bytes(pilot, shown, recommender):
    recommender.behave = trickle
    person = pilot.person(http_arm(pilot, recommender, timeout_ms=250))
    start = time.monotonic()
    serve(pilot, shown, person)
    assert time.monotonic() - start < 1
    request = pilot.session.exec(select(Request)).one()
    assert request.outcome == "timeout"
    assert 240 < request.duration_ms < 600


def test_nobody_listening_is_an_error(pilot, shown, recommender):
    person = pilot.person(http_arm(pilot, recommender, url="http://127.0.0.1:9/x"))
    slate, _ = serve(pilot, shown, person)
    assert slate.source == "popularity"
    assert calls(pilot) == [("error", None)]


def test_every_attempt_is_logged_and_a_retry_can_succeed(pilot, shown, recommender):
    recommender.behave = lambda h: h.answer(GOOD, 503 if len(recommender.asked) < 3 else 200)
    slate, _ = serve(pilot, shown, pilot.person(http_arm(pilot, recommender, retries=3)))
    assert slate.source == "http"
    assert calls(pilot) == [("error", 503), ("error", 503), ("ok", 200)]


def test_a_refusal_is_not_repeated(pilot, shown, recommender):
    recommender.behave = lambda h: h.answer({}, 404)
    serve(pilot, shown, pilot.person(http_arm(pilot, recommender, retries=3)))
    assert calls(pilot) == [("error", 404)]


def test_the_arms_own_list_comes_before_popularity(pilot, shown, recommender):
    recommender.behave = lambda h: h.answer({}, 500)
    person = pilot.person(http_arm(pilot, recommender, fallback=["i8", "gone", "i6", "i8"]), language="zh_CN")
    slate, items = serve(pilot, shown, person)
    assert (slate.source, items) == ("fallback", ["i8", "i6"])
    assert shown(pilot.session, slate)[0].explanation.startswith("热门推荐")


def test_headers_may_hold_secrets_of_the_recommender_but_no_others(pilot, shown, recommender, monkeypatch, caplog):
    monkeypatch.setenv("RECUX_RECOMMENDER_TOKEN", "abc")
    monkeypatch.setenv("RECUX_DATABASE_URL", "postgresql://secret")
    arm = http_arm(pilot, recommender, headers={"Authorization": "Bearer ${RECUX_RECOMMENDER_TOKEN}"})
    serve(pilot, shown, pilot.person(arm, "a"))
    assert recommender.asked[0].headers["Authorization"] == "Bearer abc"
    with pytest.raises(InvalidInput, match="must start with RECUX_RECOMMENDER_"):
        http_arm(pilot, recommender, headers={"X": "${RECUX_DATABASE_URL}"})
    monkeypatch.delenv("RECUX_RECOMMENDER_TOKEN")
    assert serve(pilot, shown, pilot.person(arm, "b"))[0].source == "popularity"
    assert len(recommender.asked) == 1
    assert "needs the environment variable RECUX_RECOMMENDER_TOKEN" in caplog.text


def test_a_secret_with_a_line_break_is_sent_without_it_and_a_broken_one_is_named_nowhere(
    pilot, shown, recommender, monkeypatch, caplog
):
    headers = {"Authorization": "Bearer ${RECUX_RECOMMENDER_TOKEN}"}
    monkeypatch.setenv("RECUX_RECOMMENDER_TOKEN", "abc\n")
    serve(pilot, shown, pilot.person(http_arm(pilot, recommender, headers=headers), "a"))
    assert recommender.asked[0].headers["Authorization"] == "Bearer abc"
    monkeypatch.setenv("RECUX_RECOMMENDER_TOKEN", "hush\nhush")
    serve(pilot, shown, pilot.person(http_arm(pilot, recommender, headers=headers), "b"))
    assert "cannot be sent" in caplog.text
    assert "hush" not in caplog.text


def test_a_redirect_to_a_private_address_is_not_followed(pilot, shown, recommender):
    with Recommender() as inside:
        Thread(target=inside.serve_forever, daemon=True).start()
        recommender.behave = lambda h: (
            h.send_response(307),
            h.send_header("Location", inside.address + "/secrets"),
            h.end_headers(),
        )
        slate, _ = serve(pilot, shown, pilot.person(http_arm(pilot, recommender)))
        inside.shutdown()
    assert (slate.source, inside.asked, calls(pilot)) == ("popularity", [], [("error", 307)])


def test_only_allowed_hosts_are_called(pilot, shown, recommender, monkeypatch, caplog):
    person = pilot.person(http_arm(pilot, recommender, allowed_hosts=["recommender.example"]), "a")
    slate, items = serve(pilot, shown, person)
    assert (slate.source, len(items)) == ("popularity", 4)
    assert "'127.0.0.1' is not allowed" in caplog.text
    monkeypatch.setenv("RECUX_RECOMMENDER_HOSTS", "recommender.example, other.example")
    serve(pilot, shown, pilot.person(http_arm(pilot, recommender, slate_size=4), "b"))
    assert "RECUX_RECOMMENDER_HOSTS" in caplog.text
    assert recommender.asked == []
    assert calls(pilot) == [("error", None), ("error", None)]


@pytest.fixture
def names(monkeypatch):
    """A name service in which every name leads to this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, *more, **rest: real("127.0.0.1", port, *more, **rest)
    )


def test_a_public_name_that_leads_to_a_private_address_is_not_called(pilot, shown, recommender, names, caplog):
    address = f"http://rec.example.org:{recommender.server_port}/x"
    slate, items = serve(pilot, shown, pilot.person(http_arm(pilot, recommender, url=address)))
    assert (slate.source, len(items)) == ("popularity", 4)
    assert (recommender.asked, calls(pilot)) == ([], [("error", None)])
    assert "private address 127.0.0.1" in caplog.text


@pytest.mark.parametrize("host", ["recommender", "rec.shop.internal", "localhost"])
def test_a_name_of_the_own_network_is_called(pilot, shown, recommender, names, host):
    address = f"http://{host}:{recommender.server_port}/x"
    assert serve(pilot, shown, pilot.person(http_arm(pilot, recommender, url=address)))[0].source == "http"


def test_the_operator_may_let_a_public_name_lead_inside(pilot, shown, recommender, names, monkeypatch):
    monkeypatch.setenv("RECUX_RECOMMENDER_HOSTS", "rec.example.org")
    address = f"http://rec.example.org:{recommender.server_port}/x"
    assert serve(pilot, shown, pilot.person(http_arm(pilot, recommender, url=address)))[0].source == "http"


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_where_clouds_keep_secrets_is_never_called(address):
    found = SimpleNamespace(sock=SimpleNamespace(getpeername=lambda: (address, 80)))
    with pytest.raises(OSError, match="not called"):
        transport._refuse(transport._peer(found), inside=True)


def test_text_that_no_database_takes_is_cleaned(pilot, shown, recommender):
    entries = [{"item_id": "i3", "explanation": "a\0b\ud800 c"}, {"item_id": "i\ud800"}]
    odd = json.dumps({"items": entries, "model_version": "\0"}).encode()
    recommender.behave = lambda h: h.answer(odd)
    slate, items = serve(pilot, shown, pilot.person(http_arm(pilot, recommender, explanations=True)))
    assert (slate.source, items, slate.model_version) == ("http", ["i3"], None)
    assert shown(pilot.session, slate)[0].explanation == "ab c"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/y",
        "http://{cohort}/x",
        "http://u:p@host/x",
        "http://h/{secret}",
        "http://h/{size.__class__}",
        "http://h/{",
        "http://h/{}",
        "http://h:99999/",
        "http://h:0/",
        "http://[::1",
        "x",
    ],
)
def test_urls_that_could_lead_elsewhere_are_refused(url):
    with pytest.raises(InvalidInput, match="url"):
        check_options("http", {"url": url})


def test_a_misspelled_option_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"'diversty'.*diversity, explanations, slate_size"):
        check_options("content", {"diversty": 0.3})


def test_asking_beforehand_keeps_the_transaction_short(sqlite_engine, pilot, shown, recommender):
    person = pilot.person(http_arm(pilot, recommender))
    plain = pilot.person(pilot.arm("popularity"), "plain")
    pilot.session.commit()
    answer = ask(sqlite_engine, person.id, size=4)
    assert [entry.item for entry in answer.entries] == ["i3", "i5", "i7", "i9"]
    assert ask(sqlite_engine, plain.id, size=4) is None
    with Session(sqlite_engine) as session:
        slate = make_slate(session, session.merge(person), size=4, answer=answer)
        assert len(shown(session, slate)) == 4
    assert len(recommender.asked) == 1
