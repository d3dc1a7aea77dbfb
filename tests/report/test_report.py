"""The report in the shape of its contract, and on paper."""

import json
import math
import re

import numpy as np
import pytest

from db.engine import write_session
from db.tables import LONGEST_DURATION, ModelVersion, Suggestion, now
from recux.evaluation import evaluate_round
from recux.instruments import load
from recux.report import build_report, to_html, to_markdown
from recux.rounds.batches import close_batch
from tests.evaluation.world import plant_request, plant_slate
from tests.planting import plant_answers, plant_person, plant_rating, plant_study

HOSTILE = "<script>alert('x')</script>|`b`"
FIGURE = {"value", "ci_low", "ci_high", "n", "definition", "method"}


@pytest.fixture
def session(sqlite_engine):
    with write_session(sqlite_engine) as session:
        yield session


@pytest.fixture
def study(session):
    return plant(session)


def plant(session):
    study = plant_study(session, objectives={"p95_ms": 150.0})
    study.title = f"A & B {HOSTILE}"
    return study


def plant_pilot(session, study):
    for n in range(12):
        person = plant_person(session, study, f"p{n}", arm_id=1 + n % 2)
        slate = plant_slate(session, person, [1, 2, 3, 4])
        for item in range(1, 5):
            plant_rating(session, person, item, 1 + (n + item) % 5, slate_id=slate.id, comment="fine")
        plant_answers(session, person, "nps", score=float(n % 11), why="because")
        plant_answers(session, person, "csat", score=float(1 + n % 5))
        for call in range(10):
            plant_request(session, study, f"{n}-{call}", 100.0 + n + call, slate_id=slate.id, arm_id=1 + n % 2)


def plant_round(session, study):
    round_ = close_batch(session, study)
    figure = {"value": 0.9, "ci_low": 0.8, "ci_high": 0.95, "n": 40, "definition": "AUC", "method": "bootstrap"}
    more = {"study_id": study.id, "round_id": round_.id, "head": "satisfaction", "base_model": "base", "folder": "f"}
    session.add(ModelVersion(name="encoder", metrics={"auc": figure, "by_round": {}}, champion=True, **more))
    session.add(ModelVersion(name="tfidf_logistic", baseline=True, metrics={"auc": figure | {"value": 0.8}}, **more))
    session.add(
        Suggestion(
            study_id=study.id,
            round_id=round_.id,
            rule="slow_arm",
            category="algorithm",
            segment=HOSTILE,
            metric="p95_ms",
            title={"en": f"Make it quicker {HOSTILE}", "zh_CN": "加快速度"},
            change={"en": "Cache the slates.", "zh_CN": "缓存"},
            figure=figure,
            predicted=figure,
            judged_in_round=2,
            evidence={"requests": [1, 2]},
            against=[{"en": "Caches grow stale.", "zh_CN": "缓存会过期"}],
        )
    )
    round_.status, round_.started_at, round_.finished_at = "done", now(), now()
    round_.config = {"unknown_token_share": 0.02}
    session.add(round_)
    session.flush()
    evaluate_round(session, round_)


def figures_in(part, path=""):
    if isinstance(part, dict) and "value" in part and ("reason" in part or "ci_low" in part):
        yield path, part
    elif isinstance(part, dict | list):
        for name, child in part.items() if isinstance(part, dict) else enumerate(part):
            yield from figures_in(child, f"{path}.{name}")


def test_there_is_a_report_before_any_round_and_before_any_row(session, study):
    report = build_report(session, study)
    assert report["rounds"] == report["suggestions"] == report["satisfaction"]["trend"] == []
    assert report["models"] == {}
    assert report["arms"] == ["a", "b"]
    assert all(figure["value"] is None and figure["reason"] for _, figure in figures_in(report))


def test_every_figure_has_the_shape_of_the_contract_and_the_document_is_strict_json(engine):
    with write_session(engine) as session:
        study = plant(session)
        plant_pilot(session, study)
        plant_round(session, study)
        report = build_report(session, study)
    json.dumps(report, allow_nan=False)
    assert_shape(report)
    assert len(dict(figures_in(report))) > 80


def assert_shape(report):
    for path, figure in figures_in(report):
        if figure["value"] is None:
            assert figure["reason"], path
        else:
            assert set(figure) >= FIGURE, path
            assert figure["ci_low"] <= figure["value"] <= figure["ci_high"], path


def test_every_key_of_the_contract_is_there(session, study):
    plant_pilot(session, study)
    plant_round(session, study)
    report = build_report(session, study)
    satisfaction, slates = report["satisfaction"], report["recommendation"]
    assert {"study", "generated_at", "rounds", "arms"} <= set(report)
    assert {"nps", "csat", "mean_rating", "instruments", "by_arm", "trend"} <= set(satisfaction)
    assert {"k", "relevance_threshold", "ctr", "purchase_rate", "ndcg", "gini", "by_arm"} <= set(slates)
    assert {"p50_ms", "p95_ms", "p99_ms", "failure_rate", "availability", "objectives"} <= set(report["stability"])
    assert set(report["experiment"]) == {"primary_metric", "control", "srm", "comparisons"}
    assert {"responses", "flagged", "missing", "quarantined", "unknown_token_share"} <= set(report["data_quality"])
    (round_,) = report["rounds"]
    assert (round_["number"], round_["batch_size"], round_["status"]) == (1, 48, "done")
    (point,) = satisfaction["trend"]
    assert (point["round"], point["nps"]["n"], point["mean_rating"]["n"]) == (1, 12, 12)
    model = report["models"]["satisfaction"]
    assert (model["auc"]["value"], model["baseline"]["auc"]["value"], model["champion"]) == (0.9, 0.8, True)
    assert model["baseline"]["name"] == "tfidf_logistic"
    assert "by_round" not in model
    assert report["data_quality"]["unknown_token_share"] == 0.02
    assert report["stability"]["objectives"] == [
        {
            "name": "p95_ms",
            "target": 150.0,
            "value": report["stability"]["p95_ms"]["value"],
            "ok": True,
            "certain": True,
        }
    ]


def test_suggestions_are_in_the_language_of_the_report(session, study):
    plant_pilot(session, study)
    plant_round(session, study)
    english, chinese = (build_report(session, study, language=one)["suggestions"][0] for one in ("en", "zh_CN"))
    assert (chinese["title"], chinese["change"], chinese["against"]) == ("加快速度", "缓存", ["缓存会过期"])
    assert english["title"].startswith("Make it quicker")
    assert english["evidence"] == {"ratings": [], "comments": [], "requests": [1, 2]}


def test_withdrawn_and_test_people_are_in_no_figure(session, study):
    plant_pilot(session, study)
    before = build_report(session, study)
    for name, flags in (("tester", {"test": True}), ("gone", {"withdrawn_at": now()})):
        person = plant_person(session, study, name, arm_id=1, **flags)
        slate = plant_slate(session, person, [1, 2])
        plant_rating(session, person, 1, 5, slate_id=slate.id)
        plant_answers(session, person, "nps", score=0.0)
        plant_request(session, study, name, 9e6, slate_id=slate.id, arm_id=1)
    after = build_report(session, study)
    assert dict(figures_in(after)) == dict(figures_in(before))
    assert after["experiment"]["srm"] == before["experiment"]["srm"]


def test_flagged_people_can_be_left_out(session, study):
    plant_pilot(session, study)
    lazy = plant_person(session, study, "lazy", arm_id=1)
    for day in range(5):
        plant_rating(session, lazy, 1, 5, day=day)
    plant_answers(session, lazy, "nps", score=10.0)
    with_, without = (build_report(session, study, without_flagged=one)["satisfaction"] for one in (False, True))
    assert (with_["mean_rating"]["n"], without["mean_rating"]["n"]) == (13, 12)
    assert (with_["nps"]["n"], without["nps"]["n"]) == (13, 12)


def test_the_page_stands_alone_and_no_text_becomes_markup(session, study):
    plant_pilot(session, study)
    plant_round(session, study)
    page = to_html(build_report(session, study))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(src|href)\s*=\s*["']""", page.replace('xlink:href="#', ""))
    assert page.count("<svg") >= 4
    assert "Synthetic" not in page


def test_synthetic_studies_say_so_on_every_kind_of_paper(session, study):
    study.synthetic = True
    report = build_report(session, study)
    assert report["synthetic"] is True
    assert "people in this study are simulated" in to_html(report)
    assert "people in this study are simulated" in to_markdown(report)


def test_markdown_tables_keep_their_columns_whatever_the_names(session, study):
    plant_pilot(session, study)
    plant_round(session, study)
    text = to_markdown(build_report(session, study))
    assert "<script" not in text.replace("\\<script", "")
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_no_number_in_the_document_is_infinite(session, study):
    plant_person(session, study, "alone", arm_id=1)
    report = build_report(session, study)
    json.dumps(report, allow_nan=False)
    assert all(figure["value"] is None or math.isfinite(figure["value"]) for _, figure in figures_in(report))


def test_what_goes_along_with_satisfaction_is_told_as_association_in_every_form(session, study):
    rng = np.random.default_rng(2)
    for n in range(60):
        person = plant_person(session, study, f"p{n}", arm_id=1 + n % 2)
        trust = int(rng.integers(1, 6))
        plant_answers(session, person, "nps", score=float(np.clip(2 * trust + rng.integers(-1, 2), 0, 10)))
        scales = {q.name: float(np.clip(trust + rng.integers(-1, 2), 1, 5)) for q in load("trust").questions}
        plant_answers(session, person, "trust", **scales)
    report = build_report(session, study)
    drivers = report["satisfaction"]["drivers"]
    assert (drivers["outcome"], drivers["association_only"], drivers["n"]) == ("nps", True, 60)
    assert sum(one["share"]["value"] for one in drivers["drivers"]) == pytest.approx(1)
    for one in drivers["drivers"]:
        assert set(one["share"]) >= FIGURE
        assert one["rank_low"] <= one["rank"] <= one["rank_high"]
    assert {"chi_square", "df", "p", "cfi", "tli", "rmsea", "srmr"} <= set(report["satisfaction"]["structure"]["trust"])
    assert "This is association, not cause" in to_html(report)
    assert "Confirmatory factor analysis" in to_markdown(report)
    chinese = to_markdown(build_report(session, study, language="zh_CN"))
    assert "Goes along with" not in chinese
    assert "association" not in chinese.split("## ")[1]


def test_a_duration_beyond_belief_stored_long_ago_counts_as_the_longest_that_is_taken_in(session, study):
    for number, duration in enumerate([1e60] * 10 + [100.0] * 90):
        plant_request(session, study, number, duration)
    stability = build_report(session, study)["stability"]
    assert stability["p50_ms"]["value"] == 100
    assert (stability["p95_ms"]["value"], stability["p95_ms"]["n"]) == (LONGEST_DURATION, 100)
