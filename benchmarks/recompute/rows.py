"""The rows of a study, exported or by plain SQL, and what they say of who saw what."""

import zipfile
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

Numbers = tuple[float, float, float, int] | None  # value, low, high, n; None = not estimable


Found = dict[str, Numbers]


ROWS = {
    "arms": "select id, key, weight from arm where study_id = {s} order by id",
    "people": "select p.id, p.cohort, a.key as arm from participant p left join arm a on a.id = p.arm_id where {p}",
    "items": "select id, category, tags from item where study_id = {s}",
    "ratings": """select r.id, r.participant_id as person, r.item_id as item, r.slate_id as slate, r.rating,
        coalesce(b.key, a.key) as arm, coalesce(r.rated_at, r.received_at) as moment
        from rating r join participant p on p.id = r.participant_id left join arm a on a.id = p.arm_id
        left join slate t on t.id = r.slate_id left join arm b on b.id = t.arm_id where r.{current} and {p}""",
    "answers": """select x.id, s.participant_id as person, a.key as arm, s.instrument, s.wave, x.question, x.value
        from answer x join response s on s.id = x.response_id
        join participant p on p.id = s.participant_id left join arm a on a.id = p.arm_id where x.{current} and {p}""",
    "shown": """select i.slate_id as slate, t.participant_id as person, coalesce(b.key, a.key) as arm, i.position,
        i.item_id as item, i.score, i.shown_at, t.served_at from impression i join slate t on t.id = i.slate_id
        join participant p on p.id = t.participant_id left join arm a on a.id = p.arm_id
        left join arm b on b.id = t.arm_id where {p} order by i.slate_id, i.position""",
    "acts": """select i.participant_id as person, i.item_id as item, i.slate_id as slate, i.kind,
        i.occurred_at as moment from interaction i join participant p on p.id = i.participant_id where {p}""",
    "calls": """select q.id, a.key as arm, t.participant_id as person, q.duration_ms, q.outcome from request q
        left join arm a on a.id = q.arm_id left join slate t on t.id = q.slate_id
        left join participant p on p.id = t.participant_id where q.study_id = {s} and (p.id is null or {p})""",
    "batches": """select b.number, b.closed_at, m.kind, m.row_id from batch b join batch_row m on m.batch_id = b.id
        join round r on r.batch_id = b.id where b.study_id = {s}
        and exists (select 1 from figure f where f.round_id = r.id)""",
}


def exported(path: Path) -> sa.Engine:
    """A database in memory with the tables that `recux study export` wrote to a folder or a .zip file."""
    engine = sa.create_engine("sqlite://")
    files = zipfile.Path(path) if path.suffix == ".zip" else path
    for file in (one for one in files.iterdir() if one.name.endswith(".csv")):
        with file.open("rb") as open_file:
            pd.read_csv(open_file, low_memory=False).to_sql(file.name.removesuffix(".csv"), engine, index=False)
    return engine


def rows_of(engine: sa.Engine, slug: str) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """All rows of a study, and the study itself."""
    with engine.connect() as connection:
        study = pd.read_sql(sa.text("select * from study where slug = :slug"), connection, params={"slug": slug})
        one = study.iloc[0].to_dict()
        counts = f"p.study_id = {one['id']} and p.withdrawn_at is null and p.rejected_at is null and not p.test"
        words = {"s": one["id"], "p": counts, "current": "current"}
        return {name: pd.read_sql(sa.text(sql.format(**words)), connection) for name, sql in ROWS.items()}, one


def last_wave(answers: pd.DataFrame) -> pd.DataFrame:
    """Of each person and instrument the last wave."""
    return answers[answers["wave"] == answers.groupby(["person", "instrument"])["wave"].transform("max")]


def exposures(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Impressions that somebody can have seen, with what followed; row by row."""
    shown = rows["shown"].copy()
    served = dict(zip(shown["slate"], shown["served_at"], strict=True))
    places = shown.groupby(["person", "item"])["slate"].apply(list).to_dict()

    def slate_of(row: Any) -> float:
        if pd.notna(row.slate):
            return row.slate
        fits = [s for s in places.get((row.person, row.item), []) if pd.isna(served[s]) or not served[s] > row.moment]
        return max(fits, key=lambda s: ("" if pd.isna(served[s]) else str(served[s]), s)) if fits else nan

    rated = {(slate_of(r), r.item): r.rating for r in rows["ratings"].sort_values("id").itertuples()}
    done = {(slate_of(a), a.item, a.kind) for a in rows["acts"].itertuples()}
    pairs = list(zip(shown["slate"], shown["item"], strict=True))
    shown["rating"] = pd.Series([rated.get(pair, nan) for pair in pairs], index=shown.index, dtype=float)
    shown["clicked"] = pd.Series([(*pair, "click") in done for pair in pairs], index=shown.index, dtype=bool)
    shown["purchased"] = pd.Series([(*pair, "purchase") in done for pair in pairs], index=shown.index, dtype=bool)
    shown["dismissed"] = pd.Series([(*pair, "dismiss") in done for pair in pairs], index=shown.index, dtype=bool)
    shown["known"] = pd.Series([(*pair, "know") in done for pair in pairs], index=shown.index, dtype=bool)
    seen = shown["rating"].notna() | shown[["clicked", "purchased", "dismissed", "known"]].any(axis=1)
    recorded = shown["shown_at"].notna().groupby(shown["slate"]).transform("any")
    out = shown["served_at"].notna() | seen.groupby(shown["slate"]).transform("any")
    if shown["served_at"].isna().all() and seen.any():
        out = pd.Series(True, index=shown.index)
    return shown[out & (seen | shown["shown_at"].notna() | ~recorded)]


def score(answers: pd.DataFrame, instrument: str) -> pd.Series:
    """The numbers given to a single-question instrument."""
    mine = answers[(answers["instrument"] == instrument) & (answers["question"] == "score")]
    return mine["value"].dropna().astype(float)


def wide_of(answers: pd.DataFrame, instrument: str) -> pd.DataFrame:
    """People x questions."""
    mine = answers[answers["instrument"] == instrument]
    return mine.set_index(["person", "question"])["value"].astype(float).unstack()
