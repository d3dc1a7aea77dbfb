"""All questionnaires that somebody answered in one score, for pages that combine instruments instead of splitting them.

Each numeric question is put on 0 to 100 (100 is best; reversed questions are turned round), averaged within an
instrument, then over instruments, so that a long questionnaire weighs no more than a short one. It describes; it is no
published scale and never decides.
"""

import pandas as pd

from recux.evaluation.figure import FigureValue, figure, missing
from recux.evaluation.satisfaction import last_wave
from recux.instruments import Instrument, Instruments
from recux.stats import bounded_mean

DEFINITION = "Mean of people's answers to all questionnaires, each put on 0 to 100 (100 is best)"


def scores(answers: pd.DataFrame, instruments: Instruments) -> "pd.Series[float]":
    """Each person's score, 0 to 100, by person; ``instruments`` are the study's."""
    answers = last_wave(answers).dropna(subset=["value"])
    ranges = _ranges([instruments[name] for name in sorted(set(answers["instrument"]) & set(instruments))])
    known = answers.merge(ranges, on=["instrument", "question"])
    share = (known["value"] - known["low"]) / (known["high"] - known["low"])
    known = known.assign(score=100 * share.where(~known["reverse"].astype(bool), 1 - share))
    by_instrument = known.groupby(["participant", "instrument"])["score"].mean()
    return by_instrument.groupby("participant").mean()


def figure_of(answers: pd.DataFrame, instruments: Instruments) -> FigureValue:
    """The mean score with its interval."""
    values = scores(answers, instruments)
    if values.empty:
        return missing("nobody answered a question with a scale", DEFINITION, n=0)
    return figure(bounded_mean(values.to_numpy(), low=0, high=100), DEFINITION)


def _ranges(instruments: list[Instrument]) -> pd.DataFrame:
    rows = [
        (instrument.id, question.name, *question.bounds, question.reverse)
        for instrument in instruments
        for question in instrument.questions
        if question.low is not None and question.expected is None
    ]
    return pd.DataFrame(rows, columns=["instrument", "question", "low", "high", "reverse"])
