"""How satisfied people are: now, and from round to round, day to day or week to week."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import data_quality, rows, satisfaction
from recux.evaluation.scope import Scope, arm_keys, live
from recux.evaluation.texts import comments, timings
from recux.insight import figures
from recux.insight.tables import FIGURE, rows_of, table_of, typed

By = Literal["round", "day", "week"]
PERIODS = {"day": "D", "week": "W-SUN"}
"""Weeks begin on Monday."""


def now(session: Session, study: Study, *, without_flagged: bool = False) -> pd.DataFrame:
    """Every figure of satisfaction at this moment, batched or not: ``metric``, ``arm`` (empty: everyone) and the
    fields of a figure; constructs as ``INSTRUMENT.CONSTRUCT``, their reliability with ``.alpha`` behind.
    """
    scope = live(study)
    ratings, answers = _read(session, scope, without_flagged)
    found = []
    for arm in ("", *arm_keys(session, scope.study).values()):
        said = (ratings, answers) if arm == "" else (ratings[ratings["arm"] == arm], answers[answers["arm"] == arm])
        found += rows_of(satisfaction.figures(*said), arm=arm)
        measured = satisfaction.constructs(said[1])
        found += rows_of({name: both.score for name, both in measured.items()}, arm=arm)
        found += rows_of({f"{name}.alpha": both.alpha for name, both in measured.items()}, arm=arm)
    return table_of(found, "arm")


def trend(session: Session, study: Study, *, by: By = "round", without_flagged: bool = False) -> pd.DataFrame:
    """Figures over time: ``metric``, ``period``, ``arm`` (empty: everyone) and the fields of a figure.

    By ``round``: what each finished round stored of its own batch, ``period`` its number. By ``day`` or ``week``: from
    what counts now, ``period`` the day it begins (UTC); each period stands alone, and of a person who answered several
    times in it the last wave counts.
    """
    if by == "round":
        stored = figures.stored(session, study, "satisfaction", cut="batch").rename(columns={"round": "period"})
        return typed(stored[["metric", "period", "arm", *FIGURE]])
    scope = live(study)
    ratings, answers = _read(session, scope, without_flagged)
    arms = ["", *arm_keys(session, scope.study).values()]
    return table_of(_periods(ratings, answers, arms, PERIODS[by]), "period", "arm")


def answer_shares(session: Session, study: Study, instrument: str = "nps", question: str = "score") -> pd.DataFrame:
    """How the answers to one question are spread: ``answer``, ``arm``, ``share`` (0 to 1), ``n`` (people)."""
    answers = satisfaction.last_wave(rows.answers(session, live(study)))
    asked = answers[(answers["instrument"] == instrument) & (answers["question"] == question)].dropna(subset=["value"])
    counts = asked.groupby(["arm", "value"]).size().rename("count").reset_index().rename(columns={"value": "answer"})
    counts["n"] = counts.groupby("arm")["count"].transform("sum")
    return counts.assign(share=counts["count"] / counts["n"])[["answer", "arm", "share", "n"]]


def _read(session: Session, scope: Scope, without_flagged: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings, answers = rows.ratings(session, scope), rows.answers(session, scope)
    if not without_flagged:
        return ratings, answers
    flagged = data_quality.flags(ratings, answers, comments(session, scope), timings(session, scope))
    return data_quality.without(ratings, flagged), data_quality.without(answers, flagged)


def _periods(ratings: pd.DataFrame, answers: pd.DataFrame, arms: list[str], length: str) -> Iterator[dict[str, object]]:
    of_ratings, of_answers = (_starts(frame, length) for frame in (ratings, answers))
    for period in sorted(set(of_ratings) | set(of_answers)):
        rated, said = ratings[of_ratings == period], answers[of_answers == period]
        for arm in arms:
            pair = (rated, said) if arm == "" else (rated[rated["arm"] == arm], said[said["arm"] == arm])
            yield from rows_of(satisfaction.figures(*pair), period=period, arm=arm)


def _starts(rows_: pd.DataFrame, length: str) -> "pd.Series[pd.Timestamp]":
    """The first day of each row's period."""
    starts: pd.Series[pd.Timestamp] = rows_["moment"].dt.tz_localize(None).dt.to_period(length).dt.start_time
    return starts
