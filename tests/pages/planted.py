"""Planted pilots, and how tests read and press what is on a page."""

import sqlalchemy as sa
from sqlmodel import Session, select
from streamlit.testing.v1 import AppTest

from db.engine import read_session
from db.queries import arms_of
from db.tables import (
    Audit,
    Impression,
    Item,
    ModelVersion,
    Rating,
    Request,
    Round,
    Slate,
    Study,
    Suggestion,
)
from recux.evaluation import evaluate_round
from recux.rounds.batches import close_batch
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study


def plant_pilot(session: Session, people: int = 24, slug: str = "shop") -> Study:
    """Two arms, ``b`` half a star better; ratings with comments, NPS, slates and requests; nothing batched."""
    study = plant_study(session, slug, items=4, objectives={"p95_ms": 250.0}, synthetic=True)
    items = [item.id for item in session.exec(select(Item).where(Item.study_id == study.id))]
    for n in range(people):
        arm = arms_of(session, study.id)[n % 2]
        person = plant_person(session, study, f"p{n}", arm_id=arm.id, cohort="new")
        slate = Slate(study_id=study.id, participant_id=person.id, arm_id=arm.id, external_id=f"s{n}", served_at=START)
        session.add(slate)
        session.flush()
        for position, item in enumerate(items, 1):
            session.add(Impression(slate_id=slate.id, item_id=item, position=position, shown_at=START))
            stars = min(5, 2 + (n * 7 + position) % 3 + n % 2)
            said = {1: "call me: 0151 2345 6789", 2: "too *slow* ![x](http://evil.test/x.png)"}.get(position)
            plant_rating(session, person, item, stars, slate_id=slate.id, comment=said, day=n % 5)
        plant_answers(session, person, "nps", score=float((n * 3) % 7 + 4 * (n % 2)), day=n % 5)
        plant_answers(session, person, "csat", score=float(1 + (n + n % 2) % 5))
        for k in range(20):
            ms = 100.0 + 5 * k + 100 * (n % 2)
            request = {"row_key": f"{n}-{k}", "requested_at": START, "duration_ms": ms, "outcome": "ok"}
            session.add(Request(study_id=study.id, arm_id=arm.id, **request))
    return study


def plant_round(session: Session, study: Study) -> Round:
    """Close the batch and pretend the models; the figures are computed as a round computes them."""
    round_ = close_batch(session, study)
    round_.status, round_.started_at, round_.finished_at = "done", START, START
    evaluate_round(session, round_)
    for name, value in (("encoder", 0.8), ("tfidf_logistic", 0.7)):
        auc = {"value": value, "ci_low": value - 0.1, "ci_high": value + 0.1, "n": 10, "definition": "d", "method": "m"}
        model = {"head": "satisfaction", "name": name, "baseline": name != "encoder", "champion": name == "encoder"}
        session.add(
            ModelVersion(
                study_id=study.id, round_id=round_.id, base_model="x", folder="x", metrics={"auc": auc}, **model
            )
        )
    return round_


def plant_suggestion(session: Session, study: Study, round_: Round, **fields: object) -> Suggestion:
    figure = {"value": -0.4, "ci_low": -0.6, "ci_high": -0.2, "n": 24, "definition": "d", "method": "m"}
    ratings = session.exec(select(Rating.id).where(Rating.study_id == study.id)).all()
    predicted = figure | {"metric": "mean_rating", "value": 0.3, "ci_low": 0.1, "ci_high": 0.5, "delta": 0.1}
    plan = {"where": {}, "plan": {"arm": "b", "control": "a"}, "guardrails": [], "trial": None, "rank": {}}
    values = {
        "rule": "slow",
        "category": "algorithm",
        "metric": "mean_rating",
        "title": {"en": "Arm *b* is slow"},
        "change": {"en": "Make it quick"},
        "figure": figure,
        "predicted": predicted | plan,
        "judged_in_round": 2,
        "evidence": {"ratings": list(ratings), "comments": list(ratings), "requests": [1]},
        "against": [{"en": "It may be the time of day"}],
        "tested": 9,
        "p_adjusted": 0.01,
    }
    suggestion = Suggestion(study_id=study.id, round_id=round_.id, **(values | fields))
    session.add(suggestion)
    session.flush()
    return suggestion


def texts(at: AppTest) -> str:
    """All that can be read on the page outside tables and charts."""
    assert not at.exception, at.exception
    kinds = ("title", "header", "subheader", "markdown", "text", "info", "success", "warning", "error", "code")
    found = [element.value for kind in kinds for element in at.get(kind)]
    return "\n".join([*found, *(f"{m.label} {m.value} {m.delta}" for m in at.metric)])


def charts_on(at: AppTest) -> int:
    return len(at.get("vega_lite_chart") + at.get("arrow_vega_lite_chart"))


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label.startswith(label)).click().run()


def field(elements: list, label: str):
    return next(element for element in elements if element.label.startswith(label))


def audited(engine: sa.Engine) -> list[str]:
    with read_session(engine) as session:
        return list(session.exec(select(Audit.action).order_by(Audit.id)))
