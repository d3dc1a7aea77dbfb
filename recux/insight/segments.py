"""The primary metric within cohorts, languages and categories of items: to look for exceptions, not to decide."""

from collections.abc import Iterator
from functools import partial

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Participant, Study
from recux.evaluation.experiment import Compared, Data, compare, judged
from recux.evaluation.recommendation import RATES
from recux.evaluation.satisfaction import last_wave
from recux.evaluation.snapshot import Snapshot

MOST = 12
"""Groups of one kind that are looked at, the largest first."""
COLUMNS = (
    "dimension", "group", "arm", "value", "ci_low", "ci_high", "n", "reason", "p_adjusted", "verdict",
)  # fmt: skip


def segments(session: Session, study: Study, data: Snapshot) -> pd.DataFrame:
    """Each arm against the control in each group of ``min_group`` people an arm or more: ``dimension`` (``cohort``,
    ``language`` or ``category``), ``group``, ``arm``, the difference with its interval and ``n``, ``p_adjusted`` over
    all rows of this table (Holm), ``verdict``.
    """
    metric, arms = study.primary_metric, data.arms
    if len(arms) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    found: list[tuple[str, str, Compared]] = []
    for dimension, group, part in _parts(session, study, data):
        people = [_people(metric, part.of_arm(arm)) for arm in arms]
        if min(people) >= study.min_group:
            first, crossover = data.first_arms, data.crossover
            found += [
                (dimension, group, compare(metric, part, arm, arms[0], first=first, crossover=crossover))
                for arm in arms[1:]
            ]
    together = judged([one for _, _, one in found], arms[0], metric, split_ok=data.sample_ratio().ok)
    rows = [
        (
            dimension, group, one.arm, one.difference.value, one.difference.ci_low, one.difference.ci_high,
            one.difference.n, one.difference.reason, one.p_adjusted, one.verdict,
        )
        for (dimension, group, _), one in zip(found, together, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _parts(session: Session, study: Study, data: Snapshot) -> Iterator[tuple[str, str, Data]]:
    """The rows of each group of people, then of each category for what is about items."""
    whole = Data(data.ratings, last_wave(data.answers, by_arm=True), data.exposures, data.instruments)
    cohorts = data.people.set_index("participant")["cohort"]
    for dimension, of_person in (("cohort", cohorts), ("language", _languages(session, study))):
        for group in _largest(of_person):
            people = of_person.index[of_person == group]
            yield dimension, group, whole.where(partial(_of, people))
    if study.primary_metric != "mean_rating" and study.primary_metric not in RATES:
        return
    of_item = data.items.set_index("item")["category"]
    for group in _largest(of_item):
        items = of_item.index[of_item == group]
        rated, shown = (rows[rows["item"].isin(items)] for rows in (whole.ratings, whole.exposures))
        yield "category", group, Data(rated, whole.answers.iloc[:0], shown, whole.instruments)


def _of(people: "pd.Index[int]", rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["participant"].isin(people)]


def _largest(groups: "pd.Series[str]") -> list[str]:
    """The names of the largest groups; none where there is only one."""
    sizes = groups[groups != ""].value_counts()
    return [str(name) for name in sizes.index[:MOST]] if len(sizes) > 1 else []


def _people(metric: str, data: Data) -> int:
    rows = data.ratings if metric == "mean_rating" else data.exposures if metric in RATES else data.answers
    return int(rows["participant"].nunique())


def _languages(session: Session, study: Study) -> "pd.Series[str]":
    statement = sa.select(col(Participant.id), sa.func.coalesce(col(Participant.language), ""))
    mine = statement.where(col(Participant.study_id) == study.id, counts())
    found = {row[0]: row[1] for row in session.connection().execute(mine)}
    return pd.Series(found, dtype="str")
