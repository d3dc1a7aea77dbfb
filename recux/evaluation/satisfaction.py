"""How satisfied people are: NPS, CSAT, CES, SUS, UMUX-Lite, ratings, and the constructs of longer questionnaires.

The person is the unit everywhere: a mean rating is the mean of people's own means, and of a questionnaire that
somebody filled in several times the last wave counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.evaluation.figure import FigureValue, figure, missing
from recux.instruments import Construct, Instrument, Instruments
from recux.stats import (
    bounded_mean,
    ces,
    cronbach_alpha,
    csat,
    item_rest_correlations,
    mcdonald_omega,
    nps,
    scales,
)
from recux.stats.moments import moments

Floats = NDArray[np.float64]

NPS = "Promoters (9-10) minus detractors (0-6) in per cent of those who answered, -100 to 100"
CSAT = "Share of people who answered 4 or 5 of 5"
CES = "Mean answer to how easy it was, 1 (hard) to 7 (easy)"
SUS = "Mean System Usability Scale score of people who answered all ten questions, 0 to 100"
UMUX = "Mean UMUX-Lite score as an estimate of SUS (.65 raw + 22.9), 22.9 to 87.9"
UMUX_RANGE = (22.9, 87.9)


@dataclass(frozen=True, slots=True)
class ConstructFigures:
    """One construct of one instrument."""

    score: FigureValue
    """Mean of people's scores, on the scale of the questions (or 0 to 100 where the instrument says so)."""
    alpha: FigureValue
    """Cronbach's alpha over the people who answered all of its questions."""
    omega: FigureValue
    """McDonald's omega over the same people."""
    item_rest: dict[str, FigureValue]
    """By question, its correlation with the sum of the construct's other questions; empty for one question."""


@dataclass(frozen=True, slots=True)
class InstrumentFigures:
    """One questionnaire."""

    n: int
    """People who answered at least one of its questions."""
    constructs: dict[str, ConstructFigures]


def figures(ratings: pd.DataFrame, answers: pd.DataFrame) -> dict[str, FigureValue]:
    """NPS, CSAT and mean rating always; CES, SUS and UMUX-Lite when they were asked."""
    answers = last_wave(answers)
    asked = set(answers["instrument"].unique())
    found = {
        "nps": figure(nps(single(answers, "nps")), NPS),
        "csat": figure(csat(single(answers, "csat")), CSAT),
        "mean_rating": mean_rating(ratings),
    }
    if "ces" in asked:
        found["ces"] = figure(ces(single(answers, "ces")), CES)
    if "sus" in asked:
        found["sus"] = figure(bounded_mean(sus_scores(answers), low=0, high=100), SUS)
    if "umux_lite" in asked:
        low, high = UMUX_RANGE
        found["umux_lite"] = figure(bounded_mean(umux_scores(answers), low=low, high=high), UMUX)
    return found


def instruments(answers: pd.DataFrame, known: Instruments) -> dict[str, InstrumentFigures]:
    """Every one of the study's ``known`` questionnaires that somebody answered, with its constructs."""
    answers = last_wave(answers)
    asked = sorted(set(answers["instrument"].unique()) & set(known))
    return {one: _instrument(answers[answers["instrument"] == one], known[one]) for one in asked}


def constructs(answers: pd.DataFrame, known: Instruments) -> dict[str, ConstructFigures]:
    """The constructs that several questions measure together, as ``INSTRUMENT.CONSTRUCT``."""
    return {
        f"{name}.{construct.name}": instrument.constructs[construct.name]
        for name, instrument in instruments(answers, known).items()
        for construct in known[name].constructs
        if len(construct.questions) > 1
    }


def mean_rating(ratings: pd.DataFrame) -> FigureValue:
    """Mean of people's mean ratings; the number of ratings is in the definition."""
    definition = rating_words(len(ratings))
    if ratings.empty:
        return missing("nobody rated anything", definition, n=0)
    return figure(bounded_mean(person_means(ratings, "rating"), low=1, high=5), definition)


def rating_words(ratings: int) -> str:
    """What the mean rating is."""
    return f"Mean of people's own mean ratings, 1 to 5 ({ratings:,} ratings)"


def construct_words(construct: Construct, low: float, high: float) -> tuple[str, str, str]:
    """What a construct's score, alpha and omega are."""
    who = f"of {len(construct.questions)} questions, people who answered all"
    score = f"Mean of people's {construct.name} scores, {low:g} to {high:g}"
    return score, f"Cronbach's alpha {who}", f"McDonald's omega {who}"


def person_means(rows: pd.DataFrame, column: str) -> Floats:
    """Mean of ``column`` for each person, in the order of people's ids, NaN left out; people without any: none."""
    known = rows[["participant", column]].dropna()
    codes, people = pd.factorize(known["participant"].to_numpy(), sort=True)
    totals = np.bincount(codes, weights=known[column].to_numpy(dtype=np.float64), minlength=len(people))
    return np.asarray(totals / np.bincount(codes, minlength=len(people)), dtype=np.float64)


def last_wave(answers: pd.DataFrame, *, by_arm: bool = False) -> pd.DataFrame:
    """The answers of each person's last wave of each instrument; with ``by_arm``, of each arm that it was about."""
    if answers.empty or answers["wave"].nunique() == 1:
        return answers
    last = answers.groupby(["participant", "instrument", *(["arm"] if by_arm else [])])["wave"].transform("max")
    return answers[answers["wave"] == last]


def single(answers: pd.DataFrame, instrument: str, question: str = "score") -> Floats:
    """The numbers given to one question; skipped and refused answers are not among them."""
    rows = answers[(answers["instrument"] == instrument) & (answers["question"] == question)]
    return rows["value"].dropna().to_numpy(dtype=np.float64)


def sus_scores(answers: pd.DataFrame) -> Floats:
    """SUS of each person who answered all ten questions."""
    return scales.sus_scores(complete(answers, "sus", [f"q{n}" for n in range(1, 11)]))


def umux_scores(answers: pd.DataFrame) -> Floats:
    """UMUX-Lite of each person who answered both questions."""
    return scales.umux_lite_scores(complete(answers, "umux_lite", ["q1", "q2"]))


def table(answers: pd.DataFrame, questions: Sequence[str]) -> pd.DataFrame:
    """People x questions of one instrument's answers, NaN where there is no number; rows in the order of ids."""
    wide = answers.pivot(index="participant", columns="question", values="value")
    return wide.reindex(columns=list(questions)).astype("float64")


def complete(answers: pd.DataFrame, instrument: str, questions: Sequence[str]) -> Floats:
    """The rows of ``table`` without a gap."""
    return table(answers[answers["instrument"] == instrument], questions).dropna().to_numpy()


def construct_scores(wide: pd.DataFrame, instrument: Instrument, construct: Construct) -> "pd.Series[float]":
    """Score of each person by id; people who answered too few of its questions are left out.

    The same as ``Instrument.score``, for everybody at once.
    """
    keyed = keyed_table(wide, instrument, construct)
    score = keyed.mean(axis=1)[keyed.notna().sum(axis=1) >= construct.need]
    if construct.method == "mean":
        return score
    low, high = instrument.question(construct.questions[0]).bounds
    return 100 * (score - low) / (high - low)


def keyed_table(wide: pd.DataFrame, instrument: Instrument, construct: Construct) -> pd.DataFrame:
    """The columns of one construct, reverse-keyed questions turned round."""
    columns = {}
    for name in construct.questions:
        question = instrument.question(name)
        low, high = question.bounds
        columns[name] = low + high - wide[name] if question.reverse else wide[name]
    return pd.DataFrame(columns, index=wide.index)


def construct_range(instrument: Instrument, construct: Construct) -> tuple[float, float]:
    """Lowest and highest possible score."""
    return (0, 100) if construct.method == "percent" else instrument.question(construct.questions[0]).bounds


def _instrument(answers: pd.DataFrame, instrument: Instrument) -> InstrumentFigures:
    wide = table(answers, [question.name for question in instrument.questions])
    found = {one.name: _construct(wide, instrument, one) for one in instrument.constructs}
    return InstrumentFigures(int(answers["participant"].nunique()), found)


def _construct(wide: pd.DataFrame, instrument: Instrument, construct: Construct) -> ConstructFigures:
    low, high = construct_range(instrument, construct)
    scores = np.asarray(construct_scores(wide, instrument, construct), np.float64)
    words = construct_words(construct, low, high)
    keyed = keyed_table(wide, instrument, construct)
    rest = item_rest_correlations(keyed) if len(construct.questions) > 1 else ()
    skewness = moments(scores).skewness
    return ConstructFigures(
        figure(bounded_mean(scores, low=low, high=high), words[0]),
        figure(cronbach_alpha(keyed, skewness=skewness), words[1]),
        figure(mcdonald_omega(keyed, skewness=skewness), words[2]),
        {
            name: figure(one, f"Correlation of {name} with the sum of the other questions, after reversing")
            for name, one in zip(construct.questions, rest, strict=False)
        },
    )
