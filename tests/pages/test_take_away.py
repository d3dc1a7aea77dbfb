"""The take-away page: decisions on record, links that are shown once and revoked."""

from sqlmodel import select

from db.engine import read_session
from db.tables import Decision, ReportLink
from tests.pages.planted import audited, field, press, texts


def test_a_decision_is_kept_with_its_figures_as_they_stood(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "take_away")
    field(at.text_area, "What was decided?").set_value("Roll out arm B")
    figures = field(at.multiselect, "Based on which figures?")
    figures.select(next(o for o in figures.options if o.startswith("NPS, B")))
    press(at, "Put it on record")
    with read_session(sqlite_engine) as session:
        row = session.exec(select(Decision)).one()
    assert (row.decision, row.decided_by, row.round_number) == ("Roll out arm B", "analyst@example.org", 1)
    assert [(f["metric"], f["arm"], f["n"]) for f in row.figures] == [("nps", "b", 12)]
    assert "decision.record" in audited(sqlite_engine)


def test_a_decision_without_words_is_refused(open_as, sqlite_engine, pilot) -> None:
    assert "say in a sentence" in texts(press(open_as("analyst", "take_away"), "Put it on record")).replace(
        "\u2060", ""
    )


def test_a_link_is_shown_once_and_can_be_revoked(open_as, sqlite_engine, pilot) -> None:
    at = press(open_as("admin", "take_away"), "Make a link")
    address = at.code[0].value
    assert "/shared/" in address
    assert not at.run().code
    with read_session(sqlite_engine) as session:
        assert address.rpartition("/")[2] not in str(session.exec(select(ReportLink)).one().model_dump())
    press(at, "Revoke")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(ReportLink)).one().revoked_at is not None


def test_a_viewer_takes_the_report_but_not_the_answers(open_as, pilot) -> None:
    at = open_as("viewer", "take_away")
    labels = {one.label for one in at.get("download_button")}
    assert labels == {"Report (HTML)", "Report (Markdown)", "Report (JSON)"}
    assert not [b for b in at.button if b.label in {"Make a link", "Put it on record"}]
