"""Every figure of a report, computed again from the rows by a script that shares no statistics with recux."""

import numpy as np
import sqlalchemy as sa

from benchmarks.recompute.figures import disagreements, recompute
from benchmarks.recompute.rows import exported, rows_of
from db.engine import write_session
from recux.collect.study_data import export_study
from recux.evaluation import evaluate_round
from recux.instruments import load
from recux.report import build_report
from recux.rounds.batches import close_batch
from tests.evaluation.world import plant_interaction, plant_request, plant_slate
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study


def plant_messy_pilot(session, *, people=36, seed=3):
    """Two arms, two rounds, unrated and unshown items, refusals, reversed questions, and people who do not count."""
    rng = np.random.default_rng(seed)
    study = plant_study(session, items=12)
    for n in range(people):
        out = {7: {"test": True}, 8: {"rejected_at": START, "rejected_for": "careless"}}.get(n, {})
        person = plant_person(session, study, f"p{n}", arm_id=1 + n % 2, **out)
        slates = [slate_of(session, study, person, rng, day) for day in range(1 + n % 2)]
        plant_answers(session, person, "nps", score=int(rng.integers(0, 11)), why="so")
        plant_answers(session, person, "csat", score=int(rng.integers(1, 6)))
        plant_answers(session, person, "ces", score=int(rng.integers(1, 8)))
        for name in ("sus", "trust", "umux_lite"):
            scales = [q for q in load(name).questions if q.low is not None and rng.random() < 0.97]
            plant_answers(session, person, name, **{q.name: int(rng.integers(q.low, q.high + 1)) for q in scales})
        for call in range(12):
            outcome = rng.choice(["ok", "ok", "ok", "error"])
            slate = slates[call % len(slates)]
            key = f"{n}-{call}"
            plant_request(session, study, key, rng.lognormal(5, 1), outcome, slate_id=slate.id, arm_id=1 + n % 2)
        if n in (people // 2, people - 1):
            evaluate_round(session, close_batch(session, study))
    return study


def slate_of(session, study, person, rng, day):
    items = rng.permutation(12)[: 5 + day * 3] + 1
    shown = set(range(1, len(items))) if day else None
    scores = rng.integers(0, 5, len(items)).tolist() if rng.random() < 0.5 else None
    slate = plant_slate(session, person, items.tolist(), day=day, shown=shown, scores=scores)
    for item in items[:-1]:
        if rng.random() < 0.8:
            named = {"slate_id": slate.id} if rng.random() < 0.8 else {}
            plant_rating(session, person, int(item), int(rng.integers(1, 6)), day=day + 0.1, **named)
        if rng.random() < 0.3:
            kind = "click" if rng.random() < 0.7 else "purchase"
            plant_interaction(session, person, int(item), kind, slate=slate, day=day + 0.1)
    return slate


def test_every_figure_of_the_report_agrees_with_an_independent_recomputation_of_exported_rows(engine, tmp_path):
    with write_session(engine) as session:
        study = plant_messy_pilot(session)
        report = build_report(session, study, least=1)
        export_study(session, study, tmp_path / "shop.zip")
    found = recompute(*rows_of(exported(tmp_path / "shop.zip"), "shop"))
    assert len(found) > 120
    assert sum(value is not None for value in found.values()) > 110
    assert disagreements(report, found, show=lambda _: None) == []


def test_the_script_notices_a_wrong_figure(sqlite_engine, sqlite_url):
    with write_session(sqlite_engine) as session:
        report = build_report(session, plant_messy_pilot(session, people=8), least=1)
    report["satisfaction"]["by_arm"]["a"]["mean_rating"]["ci_low"] += 0.001
    found = recompute(*rows_of(sa.create_engine(sqlite_url), "shop"))
    assert disagreements(report, found, show=lambda _: None) == ["satisfaction.by_arm.a.mean_rating"]


def test_the_script_leaves_out_what_the_report_hides(sqlite_engine, sqlite_url):
    with write_session(sqlite_engine) as session:
        report = build_report(session, plant_messy_pilot(session, people=8))
    assert report["satisfaction"]["by_arm"]["a"]["mean_rating"]["value"] is None
    found = recompute(*rows_of(sa.create_engine(sqlite_url), "shop"))
    assert found["satisfaction.by_arm.a.mean_rating"] is not None
    assert disagreements(report, found, show=lambda _: None) == []
