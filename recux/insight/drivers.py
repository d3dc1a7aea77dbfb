"""Which parts of the experience go along with satisfaction, and whether the questions group as they should."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import rows, satisfaction
from recux.evaluation.figure import FigureValue, missing
from recux.evaluation.scope import live
from recux.evaluation.values import Data, values_of
from recux.instruments import Instruments
from recux.questionnaires import instruments_of
from recux.stats import FactorModel, KeyDrivers, confirm_factors, key_drivers

MOST_PEOPLE = 5000
"""More are drawn from (fixed seed): the resampling takes 1,000 weights a person."""
MOST_DRIVERS = 10
SINGLE = {"nps", "csat", "ces"}
"""Questionnaires that are the outcome, not a part of the experience."""
Json = dict[str, Any]


class Drivers(NamedTuple):
    """What goes along with an outcome. Association, not cause."""

    outcome: str
    """``nps``, ``csat`` or ``mean_rating``: the first that people gave."""
    found: KeyDrivers

    def to_json(self) -> Json:
        """As the report has it; each share is a figure."""
        return {
            "outcome": self.outcome,
            "association_only": True,
            "n": self.found.n,
            "r_squared": self.found.r_squared,
            "reason": self.found.reason,
            "drivers": [
                {
                    "name": one.name,
                    "share": FigureValue(
                        one.share,
                        one.ci_low,
                        one.ci_high,
                        self.found.n,
                        f"Share of what all drivers explain of {self.outcome} that goes with {one.name}: "
                        "association, not cause",
                        "Shapley value of R squared, bootstrap of people",
                    ).to_json(),
                    "rank": one.rank,
                    "rank_low": one.rank_low,
                    "rank_high": one.rank_high,
                }
                for one in self.found.drivers
            ],
        }


class Structure(NamedTuple):
    """How well the questions of one questionnaire group into its constructs."""

    questions: tuple[str, ...]
    """``CONSTRUCT.QUESTION`` in the order of the loadings."""
    model: FactorModel

    def to_json(self) -> Json:
        """As the report has it; RMSEA is a figure with its usual interval of 90 %."""
        model = self.model
        words = "Root mean square error of approximation, 0 = perfect, by custom up to .06 is good; interval at 90 %"
        ends = (model.rmsea, model.rmsea_low, model.rmsea_high)
        rmsea = FigureValue(*ends, model.n, words, "noncentral chi-square")
        why = model.reason or "the model has as many parameters as there are correlations"
        return {
            "n": model.n,
            "reason": model.reason,
            **{name: getattr(model, name) for name in ("chi_square", "df", "p", "cfi", "tli", "srmr")},
            "rmsea": (rmsea if model.rmsea is not None else missing(why, words, n=model.n)).to_json(),
            "loadings": dict(zip(self.questions, model.loadings or (), strict=False)),
            "correlations": [list(pair) for pair in model.correlations or ()],
        }


def key(session: Session, study: Study) -> Drivers | None:
    """``drivers_of`` of everything that counts now."""
    scope, known = live(study), instruments_of(session, study)
    return drivers_of(rows.ratings(session, scope), rows.answers(session, scope), known)


def drivers_of(ratings: pd.DataFrame, answers: pd.DataFrame, known: Instruments) -> Drivers | None:
    """Shares of the outcome that the constructs of longer questionnaires explain; None without any of them.

    One row a person of the last wave. Of more than ten constructs the ten that most people answered are taken.
    """
    answers = satisfaction.last_wave(answers)
    data = Data(ratings, answers, pd.DataFrame(), known)
    asked = sorted((set(answers["instrument"].unique()) & set(known)) - SINGLE)
    names = [f"{one}.{construct.name}" for one in asked for construct in known[one].constructs]
    scores = {name: values_of(name, data) for name in names}
    chosen = sorted(scores, key=lambda name: -len(scores[name]))[:MOST_DRIVERS]
    outcome = next((one for one in ("nps", "csat", "mean_rating") if len(values_of(one, data))), None)
    if not chosen or outcome is None:
        return None
    table = pd.DataFrame({name: scores[name] for name in chosen}).assign(outcome=values_of(outcome, data)).dropna()
    if len(table) > MOST_PEOPLE:
        table = table.sample(MOST_PEOPLE, random_state=0)
    return Drivers(outcome, key_drivers(table["outcome"].tolist(), table[chosen].to_numpy(), chosen, seed=0))


def structure(session: Session, study: Study) -> dict[str, Structure]:
    """``structures_of`` of everything that counts now."""
    return structures_of(rows.answers(session, live(study)), instruments_of(session, study))


def structures_of(answers: pd.DataFrame, known: Instruments) -> dict[str, Structure]:
    """By questionnaire with several constructs of two or more questions, how well its questions group that way."""
    answers = satisfaction.last_wave(answers)
    found = {}
    for name in sorted(set(answers["instrument"].unique()) & set(known)):
        instrument = known[name]
        constructs = [one for one in instrument.constructs if len(one.questions) > 1]
        if len(constructs) < 2:
            continue
        wide = satisfaction.table(answers[answers["instrument"] == name], [q.name for q in instrument.questions])
        keyed = [satisfaction.keyed_table(wide, instrument, one) for one in constructs]
        ends = np.cumsum([len(one.questions) for one in constructs]).tolist()
        places = {
            one.name: list(range(end - len(one.questions), end)) for one, end in zip(constructs, ends, strict=True)
        }
        questions = tuple(f"{one.name}.{question}" for one in constructs for question in one.questions)
        found[name] = Structure(questions, confirm_factors(pd.concat(keyed, axis=1), places))
    return found
