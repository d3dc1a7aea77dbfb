"""What people wrote, to be read by people: found, filtered, and without personal data."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from db.queries import counts
from db.tables import (
    Answer,
    Arm,
    CommentReading,
    CommentTag,
    CommentTheme,
    Item,
    Participant,
    Rating,
    Response,
    Slate,
    Study,
)
from recux.masking import mask

COLUMNS = (
    "kind", "id", "person", "at", "arm", "cohort", "item", "category", "about", "score", "top", "comment", "theme",
    "expected", "likely",
)  # fmt: skip
LIMIT = 500
OFF_BY = 1.5
"""Stars between a score and what its words speak of, from where on the two contradict each other."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which comments are asked for."""

    search: str = ""
    """Words that must all occur, in any case."""
    arm: str | None = None
    cohort: str | None = None
    theme: int | None = None
    """Id of a theme."""
    tag: str | None = None
    stars: tuple[int, int] = (1, 5)
    contradicting: bool = False
    """Only those whose score and words do not fit together."""
    themed: bool = False
    """Only those that the newest round put into a theme."""


def comments(
    session: Session, study: Study, wanted: Wanted | None = None, *, limit: int = LIMIT, raw: bool = False
) -> pd.DataFrame:
    """The comments that came in last of those that are wanted, given with a rating or as a questionnaire's "why".

    ``kind`` (``rating`` or ``answer``) and ``id`` name the row; ``person`` is the participant's row; ``score`` and
    ``top`` are what was given with the words and the end of its scale (NaN: nothing); ``theme`` is a theme's id;
    ``expected`` (1 to 5) and ``likely`` are what the newest model reads in the words. Personal data are masked unless
    ``raw``.
    """
    wanted = wanted or Wanted()
    most = None if wanted.contradicting else limit
    found = [
        tuple(row)
        for statement, key in ((_rated(study, wanted), col(Rating.id)), (_whys(study, wanted), col(Answer.id)))
        for row in session.connection().execute(statement.order_by(key.desc()).limit(most))
    ]
    rows = sorted(found, key=lambda row: (row[COLUMNS.index("at")], row[0], row[1]), reverse=True)[:most]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"score": "float64", "expected": "float64"})
    if wanted.contradicting:
        table = table[contradicts(table)].head(limit).reset_index(drop=True)
    return table if raw else table.assign(comment=table["comment"].map(mask))


def written(session: Session, study: Study) -> tuple[int, int, int]:
    """How many ratings carry a comment, how many ratings there are, and how many answers give a reason."""
    has = sa.func.length(sa.func.trim(sa.func.coalesce(col(Rating.comment), ""))) > 0
    rated = (
        sa.select(sa.func.coalesce(sa.func.sum(sa.case((has, 1), else_=0)), 0), sa.func.count())
        .select_from(Rating)
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
    )
    with_comment, ratings = session.connection().execute(rated).one()
    whys = session.connection().execute(sa.select(sa.func.count()).select_from(_whys(study, Wanted()).subquery()))
    return int(with_comment), int(ratings), int(whys.scalar_one())


def tags_of(session: Session, study: Study) -> pd.DataFrame:
    """The tags put by hand: ``kind``, ``id`` and ``tag``."""
    statement = sa.select(col(CommentTag.rating_id), col(CommentTag.answer_id), col(CommentTag.tag)).where(
        col(CommentTag.study_id) == study.id
    )
    found = session.connection().execute(statement.order_by(col(CommentTag.tag))).all()
    rows = [("rating", rating, tag) if rating is not None else ("answer", answer, tag) for rating, answer, tag in found]
    return pd.DataFrame(rows, columns=["kind", "id", "tag"])


def with_tags(table: pd.DataFrame, tags: pd.DataFrame) -> pd.DataFrame:
    """``table`` with a column ``tags``: a list for each comment."""
    by_row = tags.groupby(["kind", "id"])["tag"].agg(list).to_dict()
    keys = list(zip(table["kind"], table["id"], strict=True))
    return table.assign(tags=pd.Series([by_row.get(key, []) for key in keys], index=table.index, dtype="object"))


def contradicts(table: pd.DataFrame) -> "pd.Series[bool]":
    """Whether score and words do not fit together: the score, brought to 1 to 5, is none of the likely stars and at
    least ``OFF_BY`` stars from the expected one.
    """
    off = (table["expected"] - stars_of(table)).abs() >= OFF_BY
    likely = [value if isinstance(value, list) else [] for value in table["likely"]]
    inside = [round(star) in some for star, some in zip(stars_of(table).fillna(0), likely, strict=True)]
    return off & ~pd.Series(inside, index=table.index, dtype=bool)


def stars_of(table: pd.DataFrame) -> "pd.Series[float]":
    """Scores on 1 to 5, linear; an NPS of 0 to 10 among them."""
    nps = table["top"] == 10
    return table["score"].where(~nps, 1 + table["score"] * 0.4)


def _rated(study: Study, wanted: Wanted) -> sa.Select[*tuple[Any, ...]]:
    at = sa.func.coalesce(col(Rating.rated_at), col(Rating.received_at), type_=UTCDateTime())
    statement = _selected("rating", Rating, at, col(Rating.rating), sa.literal(5), col(Rating.comment))
    statement = (
        statement.join(Participant, col(Participant.id) == col(Rating.participant_id))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .outerjoin(Slate, col(Slate.id) == col(Rating.slate_id))
        .outerjoin(Arm, col(Arm.id) == sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id)))
        .outerjoin(CommentReading, col(CommentReading.rating_id) == col(Rating.id))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
        .where(col(Rating.rating).between(*wanted.stars))
    )
    return _narrowed(statement, wanted, col(Rating.comment), CommentTag.rating_id, col(Rating.id))


def _whys(study: Study, wanted: Wanted) -> sa.Select[*tuple[Any, ...]]:
    score = sa.orm.aliased(Answer)
    at = sa.func.coalesce(col(Answer.answered_at), col(Answer.received_at), type_=UTCDateTime())
    top = sa.case((col(Response.instrument) == "nps", 10), else_=5)
    statement = _selected("answer", Answer, at, col(score.value), top, col(Answer.text))
    as_stars = sa.case((col(Response.instrument) == "nps", 1 + col(score.value) * 0.4), else_=col(score.value))
    same = (col(score.response_id) == col(Answer.response_id), col(score.question) == "score", col(score.current))
    statement = (
        statement.join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .outerjoin(Arm, col(Arm.id) == col(Participant.arm_id))
        .outerjoin(score, sa.and_(*same))
        .outerjoin(CommentReading, col(CommentReading.answer_id) == col(Answer.id))
        .where(col(Answer.study_id) == study.id, col(Answer.current), col(Answer.question) == "why", counts())
    )
    if wanted.stars != (1, 5):
        low, high = wanted.stars
        statement = statement.where(as_stars >= low - 0.5, as_stars < high + 0.5)
    return _narrowed(statement, wanted, col(Answer.text), CommentTag.answer_id, col(Answer.id))


def _selected(  # noqa: PLR0917 - private to this module
    kind: str, table: Any, at: Any, score: Any, top: Any, text: Any
) -> sa.Select[*tuple[Any, ...]]:
    rated = kind == "rating"
    nothing = sa.cast(sa.null(), sa.String)
    return sa.select(
        sa.literal(kind).label("kind"),
        col(table.id).label("id"),
        col(Participant.id).label("person"),
        at.label("at"),
        col(Arm.key).label("arm"),
        col(Participant.cohort).label("cohort"),
        (col(Item.title) if rated else nothing).label("item"),
        (col(Item.category) if rated else nothing).label("category"),
        (nothing if rated else col(Response.instrument)).label("about"),
        score.label("score"),
        top.label("top"),
        text.label("comment"),
        col(CommentReading.theme_id).label("theme"),
        col(CommentReading.expected).label("expected"),
        col(CommentReading.likely).label("likely"),
    ).select_from(table)


def _narrowed(
    statement: sa.Select[*tuple[Any, ...]], wanted: Wanted, text: Any, tagged: Any, row: Any
) -> sa.Select[*tuple[Any, ...]]:
    statement = statement.where(sa.func.length(sa.func.trim(text)) > 0)
    for word in wanted.search.split():
        statement = statement.where(text.icontains(word, autoescape=True))
    if wanted.arm is not None:
        statement = statement.where(col(Arm.key) == wanted.arm)
    if wanted.cohort is not None:
        statement = statement.where(col(Participant.cohort) == wanted.cohort)
    if wanted.theme is not None:
        statement = statement.where(col(CommentReading.theme_id) == wanted.theme)
    if wanted.tag is not None:
        statement = statement.where(
            sa.select(col(tagged)).where(col(tagged) == row, col(CommentTag.tag) == wanted.tag).exists()
        )
    if wanted.contradicting:
        statement = statement.where(col(CommentReading.expected).is_not(None))
    if wanted.themed:
        statement = statement.where(col(CommentReading.theme_id).is_not(None))
    return statement


def themes(session: Session, study: Study) -> dict[int, str]:
    """The name of each theme of the newest round by its id, the largest first."""
    statement = sa.select(col(CommentTheme.id), col(CommentTheme.words), col(CommentTheme.number)).where(
        col(CommentTheme.study_id) == study.id
    )
    found = session.connection().execute(statement.order_by(col(CommentTheme.number)))
    return {int(key or 0): ", ".join(words) or f"#{number}" for key, words, number in found}


def cohorts(session: Session, study: Study) -> list[str]:
    """The cohorts that there are, by name."""
    statement = sa.select(col(Participant.cohort)).where(
        col(Participant.study_id) == study.id, col(Participant.cohort).is_not(None), counts()
    )
    return sorted(str(row) for row in session.connection().execute(statement.distinct()).scalars())
