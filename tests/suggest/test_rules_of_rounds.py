"""Rules about a round's models and about what changed since the round before; they need two rounds to speak."""

import numpy as np
import sqlalchemy as sa

from db.engine import write_session
from db.tables import ModelVersion, Round
from recux.suggest import propose
from tests.suggest.pilots import Plant, nothing, placebo, store

ROUND_RULES = {
    "ratings_drift",
    "unsuitable_encoder",
    "worse_than_baseline",
    "miscalibrated_model",
    "model_forgets",
    "unfair_model",
}


def plant_models(
    session, round_: Round, *, loss: float, baseline: float, ece: float, old: float, off: float = 0.7
) -> None:
    """An encoder and a baseline with these held-out figures; `off` is the error on the cohort that is served worst."""

    def figure(value: float, half: float = 0.02) -> dict[str, object]:
        return {"value": value, "ci_low": value - half, "ci_high": value + half, "n": 400, "method": "bootstrap"}

    for name, value in (("encoder", loss), ("tfidf_logistic", baseline)):
        cohorts = {"amber": figure(0.7, 0.08), "birch": figure(0.75, 0.08), "cedar": figure(off, 0.08)}
        metrics = {"log_loss": figure(value), "ece": figure(ece)}
        metrics |= {"by_round": {"1": figure(old)}, "closer": {"cohorts": cohorts}}
        session.add(
            ModelVersion(
                study_id=round_.study_id, round_id=round_.id, head="rating", name=name, baseline=name != "encoder",
                base_model="x", folder="x", metrics=metrics,
            )
        )  # fmt: skip


def two_rounds(engine: sa.Engine, second: Plant, *, bad: bool) -> set[str]:
    """Rules that speak in the second of two rounds; `bad` plants models that got worse and a foreign language."""
    with_first = placebo(1)
    first_id = store(engine, with_first)
    pilot = placebo(2)
    second(pilot, np.random.default_rng(2))
    second_id = store(engine, pilot, day=30)
    with write_session(engine) as session:
        first, then = (session.get_one(Round, number) for number in (first_id, second_id))
        plant_models(session, first, loss=1.2, baseline=1.3, ece=0.03, old=1.2)
        if bad:
            plant_models(session, then, loss=1.4, baseline=1.2, ece=0.2, old=1.5, off=1.3)
        else:
            plant_models(session, then, loss=1.19, baseline=1.2, ece=0.05, old=1.21, off=0.85)
        then.config = {"unknown_token_share": 0.6 if bad else 0.02}
        session.add(then)
        session.flush()
        return {s.rule for s in propose(session, then)}


def test_what_got_worse_between_rounds_is_suggested(engine: sa.Engine) -> None:
    def gloomier(pilot, rng):
        for row in pilot.shown:
            row["feel"] -= 0.6

    assert two_rounds(engine, gloomier, bad=True) >= ROUND_RULES


def test_two_like_rounds_leave_the_rules_about_rounds_silent(sqlite_engine: sa.Engine) -> None:
    assert not two_rounds(sqlite_engine, nothing, bad=False) & ROUND_RULES
