"""What the operator can see of the service, and who else can."""

import asyncio
import json
import logging
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from db.engine import engine_for, write_session
from db.tables import Round, WorkerLease, now
from recux.observed import Observed, area, figures
from recux.operate import metrics
from recux.operate.logs import JsonLines
from recux.operate.state import text
from recux.rounds import close_batch
from recux.settings import Settings
from tests.planting import plant_person, plant_rating, plant_study


def client(settings, address="127.0.0.1"):
    async def hello(_request):
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/metrics", figures), Route("/rounds", hello), Route("/_stcore/metrics", hello)])
    return TestClient(Observed(app, settings), client=(address, 1234))


def values(document):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(document)
        for sample in family.samples
    }


@pytest.fixture
def study(engine, database_url, monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", database_url)
    with write_session(engine) as session:
        study = plant_study(session)
        plant_rating(session, plant_person(session, study, "ann"), 1, 4)
        close_batch(session, study, config={"device": "cuda"})
        session.add(
            WorkerLease(
                executor_id="w",
                host="h",
                pid=1,
                queues=["rounds"],
                version="1",
                expires_at=now() + timedelta(minutes=1),
            )
        )
    return study


def test_the_queue_the_rounds_and_the_workers_are_seen(study, engine):
    found = values(text(engine).decode())
    assert found["recux_queue_depth", "gpu"] == 1
    assert found["recux_queue_depth", "rounds"] == 0
    assert (found["recux_workers", "rounds"], found["recux_workers", "gpu"]) == (1, 0)
    assert found["recux_rounds", "queued"] == 1
    assert found["recux_database_up",] == 1
    with write_session(engine) as session:
        session.get_one(Round, 1).status = "running"
    assert values(text(engine).decode())["recux_queue_depth", "gpu"] == 0


def test_a_database_that_is_away_is_a_figure_and_no_error():
    away = engine_for("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert values(text(away).decode())["recux_database_up",] == 0


def test_saved_answers_failures_and_calls_are_counted_and_timed():
    before = values(text(engine_for("sqlite://")).decode())
    with metrics.saving("rating", 7):
        pass
    with pytest.raises(ZeroDivisionError), metrics.saving("rating"):
        raise ZeroDivisionError
    metrics.called("timeout", 1500.0)
    after = values(text(engine_for("sqlite://")).decode())

    def grown(*key):
        return after[key] - before.get(key, 0)

    assert grown("recux_answers_total", "rating") == grown("recux_save_seconds_count", "rating") == 1
    assert grown("recux_answers_not_saved_total", "rating") == 1
    assert grown("recux_recommender_seconds_count", "timeout") == 1


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics"])
def test_figures_are_for_this_machine_or_for_who_has_the_token(path, study):
    plain, guarded = Settings(_env_file=None), Settings(metrics_token="t" * 20, _env_file=None)
    assert client(plain).get(path).status_code == 200
    assert client(plain, "203.0.113.5").get(path).status_code == 403
    assert client(plain).get(path, headers={"x-forwarded-for": "203.0.113.5"}).status_code == 403
    assert client(guarded).get(path).status_code == 403
    assert client(guarded).get(path, headers={"authorization": "Bearer wrong"}).status_code == 403
    allowed = {"authorization": "Bearer " + "t" * 20}
    assert client(guarded, "203.0.113.5").get(path, headers=allowed).status_code == 200


def test_each_answer_carries_a_request_id_and_a_sane_one_is_kept():
    browser = client(Settings(_env_file=None))
    assert len(browser.get("/rounds").headers["x-request-id"]) == 32
    assert browser.get("/rounds", headers={"x-request-id": "gateway-42"}).headers["x-request-id"] == "gateway-42"
    assert browser.get("/rounds", headers={"x-request-id": "no\tgood id!"}).headers["x-request-id"] != "no\tgood id!"


def test_a_form_that_trickles_in_is_given_up(monkeypatch):
    monkeypatch.setattr("recux.observed.FORM_SECONDS", 0.05)
    sent = []

    async def form(scope, receive, send):
        await receive()

    async def never():
        await asyncio.sleep(5)

    async def keep(message):
        sent.append(message)

    scope = {"type": "http", "path": "/auth/login", "method": "POST", "headers": []}
    asyncio.run(Observed(form, Settings(_env_file=None))(scope, never, keep))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/join/secret", "/join"),
        ("/api/v1/studies/x", "/api/v1"),
        ("/rounds", "page"),
        ("/joined", "page"),
        ("/", "page"),
    ],
)
def test_a_path_is_logged_and_counted_by_its_area_alone(path, expected):
    assert area(path) == expected


def test_a_line_of_the_json_log_says_which_request_and_which_participant_by_number(caplog):
    with caplog.at_level(logging.INFO), metrics.saving("rating", 17):
        logging.getLogger("recux.x").info("kept %s", "it", extra={"fields": {"ms": 1.5}})
        line = json.loads(JsonLines().format(caplog.records[-1]))
    assert line.keys() == {"at", "level", "logger", "message", "participant", "ms"}
    assert (line["message"], line["participant"], line["ms"], line["level"]) == ("kept it", 17, 1.5, "info")
    try:
        raise ValueError("no\nnewline")
    except ValueError:
        caplog.clear()
        logging.getLogger("recux.x").exception("bad")
    assert "\n" not in JsonLines().format(caplog.records[-1])
