"""Which parts of the experience go along with satisfaction, and whether the questions group as they should."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import rows, satisfaction
from recux.evaluation.scope import live
from recux.evaluation.values import Data, values_of
from recux.instruments import available, load
from recux.stats import FactorModel, KeyDrivers, confirm_factors, key_drivers

MOST_PEOPLE = 5000
"""More are drawn from (fixed seed): the resampling takes 1,000 weights a person."""
MOST_DRIVERS = 10


class Drivers(NamedTuple):
    """What goes along with an outcome. Association, not cause."""

    outcome: str
    """``nps``, ``csat`` or ``mean_rating``: the first that people gave."""
    found: KeyDrivers


def key(session: Session, study: Study) -> Drivers | None:
    """Shares of the outcome that the constructs of longer questionnaires explain; None without any of them.

    One row a person of the last wave. Of more than ten constructs the ten that most people answered are taken.
    """
    scope = live(study)
    ratings, answers = rows.ratings(session, scope), satisfaction.last_wave(rows.answers(session, scope))
    data = Data(ratings, answers, pd.DataFrame())
    asked = sorted(set(answers["instrument"].unique()) & set(available()))
    names = [f"{one}.{construct.name}" for one in asked for construct in load(one).constructs if one not in SINGLE]
    scores = {name: values_of(name, data) for name in names}
    chosen = sorted(scores, key=lambda name: -len(scores[name]))[:MOST_DRIVERS]
    outcome = next((one for one in ("nps", "csat", "mean_rating") if len(values_of(one, data))), None)
    if not chosen or outcome is None:
        return None
    table = pd.DataFrame({name: scores[name] for name in chosen}).assign(outcome=values_of(outcome, data)).dropna()
    if len(table) > MOST_PEOPLE:
        table = table.sample(MOST_PEOPLE, random_state=0)
    return Drivers(outcome, key_drivers(table["outcome"].tolist(), table[chosen].to_numpy(), chosen, seed=0))


def structure(session: Session, study: Study) -> dict[str, FactorModel]:
    """By questionnaire with several constructs of two or more questions, how well its questions group that way."""
    answers = satisfaction.last_wave(rows.answers(session, live(study)))
    found = {}
    for name in sorted(set(answers["instrument"].unique()) & set(available())):
        instrument = load(name)
        constructs = [one for one in instrument.constructs if len(one.questions) > 1]
        if len(constructs) < 2:
            continue
        wide = satisfaction.table(answers[answers["instrument"] == name], [q.name for q in instrument.questions])
        keyed = [satisfaction.keyed_table(wide, instrument, one) for one in constructs]
        ends = np.cumsum([len(one.questions) for one in constructs]).tolist()
        places = {
            one.name: list(range(end - len(one.questions), end)) for one, end in zip(constructs, ends, strict=True)
        }
        found[name] = confirm_factors(pd.concat(keyed, axis=1), places)
    return found


SINGLE = {"nps", "csat", "ces"}
"""Questionnaires that are the outcome, not a part of the experience."""
