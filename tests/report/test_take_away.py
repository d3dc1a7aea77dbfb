"""What leaves: tidy answers with a codebook, and a report behind a link that names nobody and can be closed."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pandas as pd
import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from db.engine import read_session, write_session
from db.tables import Participant, ReportLink, Suggestion, now
from recux.access.report_links import create_link, open_link, revoke_link
from recux.collect.decisions import record_decision
from recux.errors import InvalidInput
from recux.insight.documents import report_of
from recux.insight.take_away import COLUMNS, answers, bundle, codebook
from recux.report import build_report, for_outsiders, to_html, to_markdown
from recux.shared_report import shared_report
from tests.planting import plant_answers, plant_person, plant_rating, plant_study
from tests.report.test_report import plant, plant_pilot, plant_round


@pytest.fixture
def study(sqlite_engine):
    with write_session(sqlite_engine) as session:
        study = plant(session)
        plant_pilot(session, study)
        plant_round(session, study)
        evil = plant_person(session, study, "evil", arm_id=1)
        plant_rating(session, evil, 1, 2, comment='=HYPERLINK("x") ann@example.org')
        gone = plant_person(session, study, "gone", withdrawn_at=now())
        plant_answers(session, gone, "nps", score=1.0)
    return study


def test_there_is_one_row_for_each_answer_of_each_person_who_counts(sqlite_engine, study):
    with read_session(sqlite_engine) as session:
        table = answers(session, study)
    assert list(table.columns) == COLUMNS
    assert len(table) == 12 * (4 + 3) + 1  # four ratings, NPS with its why, CSAT; and one more rating
    assert not table.duplicated(["participant", "instrument", "question", "item", "wave"]).any()
    assert "gone" not in set(table["participant"])
    assert set(table.loc[table["participant"] != "evil", "batch"]) == {1}


def test_the_files_agree_and_nothing_in_them_runs_in_a_spreadsheet(sqlite_engine, study):
    with read_session(sqlite_engine) as session:
        archive = zipfile.ZipFile(io.BytesIO(bundle(session, study)))
    rows = list(csv.DictReader(io.StringIO(archive.read("answers.csv").decode("utf-8-sig"))))
    same = pd.read_parquet(io.BytesIO(archive.read("answers.parquet")))
    assert len(rows) == len(same)
    assert [row["value"] for row in rows][:5] == [str(v) for v in same["value"]][:5]
    (text,) = [row["text"] for row in rows if row["participant"] == "evil"]
    assert text == '\'=HYPERLINK("x") [e-mail]'
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_the_codebook_explains_every_column_and_every_question_that_occurs(sqlite_engine, study):
    with read_session(sqlite_engine) as session:
        table, book = answers(session, study), codebook(session, study)
    asked = set(table["instrument"] + "/" + table["question"])
    assert set(book.loc[book["kind"] == "column", "name"]) == set(COLUMNS)
    assert asked <= set(book.loc[book["kind"] == "question", "name"])
    nps = book[book["name"] == "nps/score"].iloc[0]
    assert (nps["lowest"], nps["highest"]) == (0, 10)
    assert "recommend" in nps["meaning"]


def test_only_who_asks_for_raw_texts_gets_them(sqlite_engine, study):
    with read_session(sqlite_engine) as session:
        assert "ann@example.org" in answers(session, study, raw=True)["text"].str.cat(na_rep="")


@pytest.fixture
def visit(sqlite_url, monkeypatch, tmp_path):
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("RECUX_HOME", str(tmp_path))
    client = TestClient(Starlette(routes=[Route("/shared/{token}", shared_report)]))
    return lambda token: client.get(f"/shared/{token}")


def shared(engine, study, **more):
    with write_session(engine) as session:
        return create_link(session, study, **{"days": 3, "language": "zh_CN", "by": "me@example.org"} | more)


def test_a_link_opens_the_report_for_whoever_has_it_and_counts(sqlite_engine, study, visit):
    with write_session(sqlite_engine) as session:
        record_decision(session, study, decision="Keep arm a", by="boss@example.org")
        names = set(session.exec(select(Participant.external_id)))
    link, token = shared(sqlite_engine, study)
    answer = visit(token)
    assert answer.status_code == 200
    assert "人们有多满意" in answer.text
    assert "Keep arm a" in answer.text
    assert "boss@example.org" not in answer.text
    assert not [name for name in names if f">{name}<" in answer.text]
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    with read_session(sqlite_engine) as session:
        assert session.get(ReportLink, link.id).opened == 1


def test_a_link_that_ended_was_revoked_or_never_was_opens_nothing(sqlite_engine, study, visit):
    link, token = shared(sqlite_engine, study)
    with write_session(sqlite_engine) as session:
        assert open_link(session, token, now() + timedelta(days=4)) is None
        revoke_link(session, study, link.id)
    for one in (token, "nonsense", "x" * 5000):
        assert visit(one).status_code == 404
    with write_session(sqlite_engine) as session, pytest.raises(InvalidInput, match="1 to 365 days"):
        create_link(session, study, days=0, language="en", by="me")


def test_outsiders_see_no_row_numbers_and_no_one_of_the_team(sqlite_engine, study):
    with write_session(sqlite_engine) as session:
        record_decision(session, study, decision="x", by="boss@example.org")
        for suggestion in session.exec(select(Suggestion)):
            suggestion.evidence = {"ratings": [1, 2]}
            session.add(suggestion)
    with read_session(sqlite_engine) as session:
        told = json.dumps(for_outsiders(build_report(session, study)))
    assert "boss@example.org" not in told
    assert '"ratings": [1' not in told


def test_decisions_stand_in_every_form_of_the_report(sqlite_engine, study):
    figure = {
        "section": "satisfaction",
        "metric": "nps",
        "arm": "b",
        "value": 12.0,
        "ci_low": 1.0,
        "ci_high": 20.0,
        "n": 6,
    }
    with write_session(sqlite_engine) as session:
        record_decision(session, study, decision="Roll out", reason="clear", figures=[figure], by="boss@example.org")
    with read_session(sqlite_engine) as session:
        report = build_report(session, study)
    for paper in (to_html(report), to_markdown(report)):
        assert "Roll out (clear)" in paper
        assert "12.0 (1.0 to 20.0), n = 6" in paper
    assert report["decisions"][0]["figures"] == [figure]


def test_headings_are_in_the_readers_language(sqlite_engine, study):
    assert "人们有多满意？" in report_of(sqlite_engine, study, "zh_CN", "md")
    assert '<html lang="zh-CN">' in report_of(sqlite_engine, study, "zh_CN")


def test_every_report_hides_arms_of_fewer_people_than_the_study_says(sqlite_engine, study):
    with write_session(sqlite_engine) as session:
        shown = build_report(session, study)
        study.min_group = 7
        hidden = build_report(session, study)
    for report, arms in ((shown, 2), (hidden, 0)):
        by_arm = report["satisfaction"]["by_arm"].values()
        assert sum(figures["nps"]["value"] is not None for figures in by_arm) == arms
        assert report["satisfaction"]["nps"]["value"] is not None
    assert "fewer than 7 people" in to_markdown(hidden)


def test_one_arm_alone_is_everybody_and_hides_nothing(sqlite_engine):
    with write_session(sqlite_engine) as session:
        alone = plant_study(session, "alone", arms=("default",))
        for number in range(3):
            plant_answers(session, plant_person(session, alone, f"p{number}", arm_id=1), "nps", score=9)
    with read_session(sqlite_engine) as session:
        satisfaction = build_report(session, alone)["satisfaction"]
    assert satisfaction["by_arm"]["default"]["nps"] == satisfaction["nps"]


def test_arms_of_too_few_people_are_hidden_as_many_as_are_asked_for(sqlite_engine, study):
    with read_session(sqlite_engine) as session:
        report = build_report(session, study, least=7)
    assert report["satisfaction"]["by_arm"]["b"]["nps"]["value"] is None
    assert "fewer than 7 people" in report["satisfaction"]["by_arm"]["b"]["nps"]["reason"]
    assert report["satisfaction"]["nps"]["value"] is not None
