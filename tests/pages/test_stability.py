"""The stability page: promises that are broken, alerts, and where they are sent."""

from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Alert, AlertChannel, Study
from tests.pages.planted import audited, field, press, texts
from tests.planting import START


def test_nothing_is_said_to_be_kept_that_was_never_measured(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        session.get_one(Study, empty.id).objectives = {"p95_ms": 250.0}
    at = open_as("viewer", "stability")
    assert at.title[0].value == "Is the recommender quick and reliable?"
    assert "No request to the recommender was measured yet" in texts(at)


def test_the_stability_page_names_the_arm_that_breaks_a_promise(open_as, pilot) -> None:
    at = open_as("viewer", "stability")
    assert "B 290" in at.error[0].value
    assert "A " not in at.error[0].value.partition("Missed by")[2]


def test_an_open_alert_is_the_message_until_somebody_looks_after_it(open_as, sqlite_engine, pilot) -> None:
    details = {"value": 290.0, "ci_low": 270.0, "ci_high": 300.0, "n": 240, "target": 250.0}
    with write_session(sqlite_engine) as session:
        alert = Alert(study_id=pilot.id, rule="objective", metric="p95_ms", arm="b", began_at=START, details=details)
        session.add(alert)
    assert "1 alerts are open" in open_as("viewer", "stability").title[0].value
    shown = texts(press(open_as("analyst", "stability"), "I will handle it"))
    assert "analyst@example.org is handling it" in shown
    assert "alert.seen" in audited(sqlite_engine)


def test_an_admin_sends_alerts_only_to_hosts_that_are_allowed(open_as, sqlite_engine, pilot, monkeypatch) -> None:
    monkeypatch.setenv("RECUX_ALERT_HOSTS", "hooks.example.org")
    at = open_as("admin", "stability")
    field(at.text_input, "Address").set_value("https://evil.example/x")
    assert "not among" in texts(press(at, "Send alerts there, too"))
    field(at.text_input, "Address").set_value("https://hooks.example.org/secret-path")
    shown = texts(press(at, "Send alerts there, too"))
    assert "Webhook: hooks.example.org" in shown
    assert "secret-path" not in shown
    press(at, "Remove")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(AlertChannel)).all() == []
    assert {"alert.channel.add", "alert.channel.remove"} <= set(audited(sqlite_engine))
