"""What comments are about: how large each theme is, how its writers feel, whether it grows, and what they say."""

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Batch, BatchRow, CommentReading, Study
from recux.insight import comments
from recux.stats import proportion

QUOTES = 3
MOST = 100_000
"""Comments that are looked at; a round reads far fewer."""
BY = ("arm", "cohort")


def read(session: Session, study: Study) -> pd.DataFrame:
    """Every comment that the newest round put into a theme, with ``stars`` (1 to 5), ``round`` and ``nearness``."""
    table = comments.comments(session, study, comments.Wanted(themed=True), limit=MOST).astype({"theme": "int64"})
    batches = sa.select(col(BatchRow.kind), col(BatchRow.row_id), col(Batch.number)).join(
        Batch, col(Batch.id) == col(BatchRow.batch_id)
    )
    near = sa.select(col(CommentReading.rating_id), col(CommentReading.answer_id), col(CommentReading.nearness))
    run = session.connection().execute
    of_round = {(kind, row): number for kind, row, number in run(batches.where(col(Batch.study_id) == study.id))}
    nearness = {
        ("rating", rating) if rating is not None else ("answer", answer): value
        for rating, answer, value in run(near.where(col(CommentReading.study_id) == study.id))
    }
    keys = list(zip(table["kind"], table["id"], strict=True))
    return table.assign(
        stars=comments.stars_of(table),
        round=pd.array([of_round.get(key) for key in keys], dtype="Int64"),
        nearness=pd.Series([nearness.get(key) for key in keys], index=table.index, dtype="float64"),
    )


def overview(table: pd.DataFrame, *, least: int = 1) -> pd.DataFrame:
    """A row for each theme of ``read``: ``theme``, ``comments``, ``people``, ``share`` (of the people who wrote; with
    ``ci_low`` and ``ci_high``), ``stars`` (mean of its people's means), ``others`` (of everybody else's) and ``trend``
    (share of comments in the last round minus that in the rounds before; NaN in the first). Themes of fewer than
    ``least`` people are left out.
    """
    writers = table["person"].nunique()
    rows = []
    for theme, mine in table.groupby("theme"):
        people = mine["person"].nunique()
        if people < least:
            continue
        share = proportion(people, writers)
        means = mine.groupby("person")["stars"].mean()
        rest = table[table["theme"] != theme].groupby("person")["stars"].mean()
        rows.append(
            (
                theme,
                len(mine),
                people,
                share.value,
                share.ci_low,
                share.ci_high,
                means.mean(),
                rest.mean(),
                _trend(table, mine),
            )
        )
    columns = ["theme", "comments", "people", "share", "ci_low", "ci_high", "stars", "others", "trend"]
    return pd.DataFrame(rows, columns=columns).sort_values("comments", ascending=False, ignore_index=True)


def by_group(table: pd.DataFrame, group: str, *, least: int) -> pd.DataFrame:
    """``theme``, ``group`` (an arm's key or a cohort), ``share`` (of the group's writers, with ``ci_low``,
    ``ci_high``) and ``n`` (its writers); groups of fewer than ``least`` people who wrote are left out.
    """
    rows = []
    for name, mine in table.dropna(subset=[group]).groupby(group):
        n = mine["person"].nunique()
        for theme, part in mine.groupby("theme") if n >= least else ():
            found = proportion(part["person"].nunique(), n)
            rows.append((theme, name, found.value, found.ci_low, found.ci_high, n))
    return pd.DataFrame(rows, columns=["theme", "group", "share", "ci_low", "ci_high", "n"])


def over_rounds(table: pd.DataFrame) -> pd.DataFrame:
    """``theme``, ``round``, ``share`` (of the round's comments) and ``n`` (comments of the round)."""
    known = table.dropna(subset=["round"])
    n = known.groupby("round").size()
    wide = known.groupby(["theme", "round"]).size().unstack(fill_value=0)
    counted = wide.reset_index().melt("theme", var_name="round", value_name="count")
    counted["n"] = counted["round"].map(n)
    return counted.assign(share=counted["count"] / counted["n"])[["theme", "round", "share", "n"]]


def quotes(table: pd.DataFrame, theme: int, *, limit: int = QUOTES) -> list[str]:
    """What is typical of a theme: its comments nearest to its middle, one a person, no two alike."""
    mine = table[table["theme"] == theme].sort_values("nearness", ascending=False)
    return list(mine.drop_duplicates("person").drop_duplicates("comment")["comment"].head(limit))


def _trend(table: pd.DataFrame, mine: pd.DataFrame) -> float:
    rounds = table["round"].dropna()
    if rounds.nunique() < 2:
        return float("nan")
    last = rounds.max()
    now, before = table["round"] == last, table["round"] < last
    return float((mine["round"] == last).sum() / now.sum() - (mine["round"] < last).sum() / before.sum())
