"""Alerts open once, close when it is over, and reach whom they may, or say why not."""

import json
import random
import socketserver
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from sqlmodel import select

from benchmarks.alerts import outcome
from db.engine import engine_for, read_session, write_session
from db.tables import Alert, AlertDelivery, Request
from recux.errors import InvalidInput
from recux.operate.alert_delivery import add_channel, deliver, forget_channel, watch
from recux.operate.alert_rule import stretches
from recux.operate.alerts import check
from recux.settings import Settings
from tests.planting import plant_study

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def plant_calls(session, study, *, usual=100.0, last=100.0, failing=0.0, hours=30, key="r"):
    """A call every 30 s for so many hours, of about ``usual`` ms; ``last`` ms in the last ten minutes."""
    rng = random.Random(3)
    for n in range(hours * 120):
        before = timedelta(seconds=30 * n + 1)
        level = last if before < timedelta(minutes=10) else usual
        session.add(
            Request(
                study_id=study.id,
                row_key=f"{key}{n}",
                requested_at=NOW - before,
                duration_ms=level * rng.lognormvariate(0, 0.2),
                outcome="error" if rng.random() < failing else "ok",
            )
        )


def planted(engine, **calls):
    with write_session(engine) as session:
        study = plant_study(session, objectives={"p95_ms": 300.0, "failure_rate": 0.02})
        plant_calls(session, study, **calls)
    return study


@pytest.fixture
def settings(sqlite_url, tmp_path):
    return Settings(
        home=tmp_path, database_url=sqlite_url, alert_hosts="127.0.0.1", smtp_host="127.0.0.1", _env_file=None
    )


def test_the_rule_finds_all_labelled_windows_and_cries_wolf_at_most_once_a_week(data_folder):
    hits, false, weeks = outcome(data_folder / "nab")
    assert hits == 3
    assert false <= weeks


def test_the_rule_sees_a_step_only_after_half_a_day_and_knows_nothing_of_what_comes():
    values = np.random.default_rng(1).normal(100, 5, 1000)
    values[[50, 700]] = 400
    assert stretches(values) == [(700, 700)]
    assert stretches(values[:701]) == [(700, 700)]


def test_a_broken_promise_opens_one_alert_however_often_one_looks(engine):
    planted(engine, failing=0.2)
    assert [(a.rule, a.metric) for a in check(engine, NOW)] == [("objective", "failure_rate")]
    assert check(engine, NOW + timedelta(minutes=1)) == []


def test_a_sudden_slowness_opens_an_alert_that_closes_when_it_is_over(engine):
    planted(engine, last=250.0)
    (alert,) = check(engine, NOW)
    assert (alert.rule, alert.metric, alert.arm) == ("anomaly", "p50_ms", "")
    assert 80 < alert.details["usual"] < 120 < alert.details["value"]
    assert check(engine, NOW + timedelta(hours=2)) == []
    with read_session(engine) as session:
        assert session.exec(select(Alert)).one().closed_at == NOW + timedelta(hours=2)


def test_quick_and_quiet_opens_nothing(engine):
    planted(engine)
    assert check(engine, NOW) == []


class Hook(BaseHTTPRequestHandler):
    """Answers what its server says and keeps what was sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.status = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def states(settings):
    with read_session(engine_for(settings.url)) as session:
        return [(d.status, d.attempts, d.error) for d in session.exec(select(AlertDelivery))]


def with_channel(settings, kind, target, **calls):
    study = planted(engine_for(settings.url), **calls)
    with write_session(engine_for(settings.url)) as session:
        return study, add_channel(session, settings, study, kind, target, by="me@example.org")


def test_a_webhook_gets_the_alert_once(settings, hook):
    with_channel(settings, "webhook", f"http://127.0.0.1:{hook.server_port}/x", failing=0.2, hours=2)
    watch(settings, NOW)
    watch(settings, NOW + timedelta(minutes=1))
    (sent,) = hook.got
    assert (sent["study"], sent["metric"], sent["details"]["target"]) == ("shop", "failure_rate", 0.02)
    assert "at most 0.02 was promised" in sent["text"]
    assert states(settings) == [("sent", 1, None)]


def test_a_webhook_that_fails_is_tried_again_five_times_and_then_said_to_have_failed(settings, hook):
    with_channel(settings, "webhook", f"http://127.0.0.1:{hook.server_port}/x", failing=0.2, hours=2)
    hook.status = 500
    watch(settings, NOW)
    assert deliver(settings, NOW + timedelta(seconds=30)) == 0  # not due yet
    assert states(settings) == [("waiting", 1, "the host answered 500")]
    for minutes in (1, 6, 21, 81, 200):
        deliver(settings, NOW + timedelta(minutes=minutes))
    assert states(settings) == [("failed", 5, "the host answered 500")]
    assert len(hook.got) == 5


@pytest.mark.parametrize(
    ("kind", "target", "reason"),
    [
        ("webhook", "https://elsewhere.example/x", "not among RECUX_ALERT_HOSTS"),
        ("webhook", "file:///etc/passwd", "begins with https"),
        ("webhook", "http://user:secret@127.0.0.1/", "holds no password"),
        ("webhook", "http://[", "not a web address"),
        ("email", "me@example.org\nBcc: all@example.org", "not an e-mail address"),
    ],
)
def test_alerts_go_nowhere_that_was_not_allowed(settings, kind, target, reason):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session)
        with pytest.raises(InvalidInput, match=reason):
            add_channel(session, settings, study, kind, target, by="me")


class Mail(socketserver.StreamRequestHandler):
    """As much of a mail server as one message needs."""

    def handle(self):
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline().strip():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                while (part := self.rfile.readline()) != b".\r\n":
                    self.server.got.append(part.decode())
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


def test_a_mail_arrives_with_the_alert_and_the_address_of_the_page(settings):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        server.got = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mail = {"smtp_port": server.server_address[1], "smtp_security": "none", "smtp_from": "recux@example.org"}
        settings = settings.model_copy(update=mail)
        with_channel(settings, "email", "me@example.org", failing=0.2, hours=2)
        watch(settings, NOW)
        server.shutdown()
    said = "".join(server.got)
    assert "To: me@example.org" in said
    assert "failure_rate is 0." in said
    assert "/stability?study=3Dshop" in said or "/stability?study=shop" in said
    assert states(settings) == [("sent", 1, None)]


def test_a_mail_server_that_is_away_is_said_and_tried_again(settings):
    settings = settings.model_copy(update={"smtp_port": 9})
    with_channel(settings, "email", "me@example.org", failing=0.2, hours=2)
    watch(settings, NOW)
    ((status, attempts, error),) = states(settings)
    assert (status, attempts) == ("waiting", 1)
    assert "refused" in error


def test_a_forgotten_channel_gets_nothing_more(settings, hook):
    study, channel = with_channel(settings, "webhook", f"http://127.0.0.1:{hook.server_port}/x", failing=0.2, hours=2)
    with write_session(engine_for(settings.url)) as session:
        forget_channel(session, study, channel.id)
    watch(settings, NOW)
    assert hook.got == []


def test_a_duration_beyond_belief_stored_long_ago_stops_no_alert(sqlite_engine):
    study = planted(sqlite_engine, failing=0.1)
    with write_session(sqlite_engine) as session:
        at = NOW - timedelta(seconds=2)
        session.add(Request(study_id=study.id, row_key="huge", requested_at=at, duration_ms=1e60, outcome="ok"))
    assert [alert.metric for alert in check(sqlite_engine, NOW)] == ["failure_rate"]
