"""One value a person, for any metric by which arms or rounds are compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recux.evaluation.recommendation import RATES
from recux.evaluation.satisfaction import construct_range, construct_scores, table
from recux.instruments import Construct, Instrument, Instruments
from recux.stats.scales import sus_scores, umux_lite_scores

MARGINS = {"nps": 10.0, "csat": 0.1, "mean_rating": 0.2, "ces": 0.35, "sus": 5.0, "umux_lite": 5.0}
"""Differences too small to matter, in the metric's unit."""
RELATIVE_MARGIN = 0.1
"""The same for rates, as a share of the control's, and for constructs, as a share of their range."""


@dataclass(frozen=True, slots=True)
class Data:
    """What comparisons are made of."""

    ratings: pd.DataFrame
    answers: pd.DataFrame
    exposures: pd.DataFrame
    instruments: Instruments
    """The study's, as it was launched with them."""

    def of_arm(self, arm: str) -> "Data":
        """The rows of one arm."""
        return self.where(lambda rows: rows[rows["arm"] == arm])

    def where(self, keep: Callable[[pd.DataFrame], pd.DataFrame]) -> "Data":
        """The rows that ``keep`` leaves of each table."""
        return Data(keep(self.ratings), keep(self.answers), keep(self.exposures), self.instruments)


def measured(data: Data, recorded: set[str]) -> list[str]:
    """The metrics, besides constructs, that these rows can be compared by."""
    asked = set(data.answers["instrument"].unique())
    found = [] if data.ratings.empty else ["mean_rating"]
    found += [name for name in ("nps", "csat", "ces", "sus", "umux_lite") if name in asked]
    return found + [name for name, (_, kind) in RATES.items() if kind in recorded and not data.exposures.empty]


def values_of(metric: str, data: Data) -> "pd.Series[float]":
    """Each person's value, by person: for NPS -100, 0 or 100; for CSAT 0 or 1; for rates their own rate.

    Answers must be of one wave a person. Empty for a metric that nobody has a value of.
    """
    if metric == "mean_rating":
        means: pd.Series[float] = data.ratings.groupby("participant")["rating"].mean().astype("float64")
        return means
    if metric in RATES:
        rate: pd.Series[float] = data.exposures.groupby("participant")[RATES[metric][0]].mean().astype("float64")
        return rate
    name = metric.partition(".")[0]
    answers = data.answers[data.answers["instrument"] == name]
    if metric in {"nps", "csat", "ces"}:
        given: pd.Series[float] = answers[answers["question"] == "score"].set_index("participant")["value"].dropna()
        return _scored(metric, given)
    if metric in {"sus", "umux_lite"}:
        return _whole(metric, answers)
    instrument, construct = construct_of(metric, data.instruments)
    if instrument is None or construct is None:
        return pd.Series(np.empty(0))
    wide = table(answers, [question.name for question in instrument.questions])
    return construct_scores(wide, instrument, construct)


def margin_of(metric: str, instruments: Instruments, rate: float | None = None) -> float | None:
    """The difference below which it does not matter; None where nothing says. ``rate`` is the control's."""
    if metric in MARGINS:
        return MARGINS[metric]
    if metric in RATES:
        return RELATIVE_MARGIN * rate if rate else None
    instrument, construct = construct_of(metric, instruments)
    if instrument is None or construct is None:
        return None
    low, high = construct_range(instrument, construct)
    return RELATIVE_MARGIN * (high - low)


def construct_of(metric: str, instruments: Instruments) -> tuple[Instrument | None, Construct | None]:
    """The instrument and the construct that ``INSTRUMENT.CONSTRUCT`` names, as far as they exist."""
    name, _, construct_name = metric.partition(".")
    instrument = instruments.get(name)
    if instrument is None:
        return None, None
    return instrument, next((one for one in instrument.constructs if one.name == construct_name), None)


def _scored(metric: str, given: "pd.Series[float]") -> "pd.Series[float]":
    if metric == "nps":
        return 100.0 * ((given >= 9).astype("float64") - (given <= 6).astype("float64"))
    return (given >= 4).astype("float64") if metric == "csat" else given.astype("float64")


def _whole(metric: str, answers: pd.DataFrame) -> "pd.Series[float]":
    """SUS or UMUX-Lite of those who answered every question."""
    names = [f"q{n}" for n in range(1, 11 if metric == "sus" else 3)]
    wide = table(answers, names).dropna()
    scores = (sus_scores if metric == "sus" else umux_lite_scores)(wide.to_numpy())
    return pd.Series(scores, index=wide.index, dtype="float64")
