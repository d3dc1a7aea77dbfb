"""The study's data to take away: tidy, one row an answer, with a codebook; nothing in it runs in a spreadsheet."""

import io
import zipfile
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from db.queries import counts
from db.tables import Answer, Arm, Batch, BatchRow, Impression, Item, Participant, Rating, Response, Slate, Study
from recux.evaluation.scope import live
from recux.evaluation.snapshot import flags, snapshot
from recux.instruments import Instrument, Question
from recux.masking import mask
from recux.questionnaires import instruments_of
from recux.spreadsheet import csv_of

MEANING = {
    "study": "Short name of the study",
    "participant": "Pseudonym of the person; the same in every row of theirs",
    "arm": "Key of the arm that the answer is about; empty for nobody's",
    "cohort": "Cohort of the person",
    "wave": "Which time the questionnaire was filled in, from 1; empty for ratings of items",
    "instrument": "Questionnaire, or `item_rating` for the stars given to an item",
    "version": "Version of the questionnaire",
    "question": "Name of the question; see the codebook",
    "item": "Identifier of the item that was rated",
    "item_title": "Its title",
    "category": "Its category",
    "position": "Its place in the list that was shown, from 1",
    "value": "The answer as a number, on the scale of the codebook",
    "text": "The answer in words; e-mail addresses and long numbers are masked unless the file says raw",
    "refused": "1 where the person chose not to answer",
    "recommended": "1 where the person would recommend the item, 0 where not",
    "language": "Language that the question was read in",
    "batch": "Number of the batch that holds the answer; empty while it waits for one",
    "flagged": "Why the person's answers look careless, separated by semicolons; empty: they do not",
    "answered_at": "When, in UTC (ISO 8601)",
}
COLUMNS = list(MEANING)
RATING = "item_rating"


def answers(session: Session, study: Study, *, raw: bool = False) -> pd.DataFrame:
    """Every current answer of people who count, a row each, with the columns of ``MEANING``; texts masked unless
    ``raw``.
    """
    table = pd.concat([_ratings(session, study), _responses(session, study)], ignore_index=True)
    scope = live(study)
    flagged = flags(session, scope, snapshot(session, study, scope))
    why = flagged.groupby("participant")["reason"].agg(lambda reasons: ";".join(sorted(set(reasons)))).to_dict()
    table = table.assign(study=study.slug, flagged=table["person"].map(why).fillna(""))
    table["text"] = table["text"].map(lambda text: text if raw or not isinstance(text, str) else mask(text))
    at = pd.to_datetime(table["answered_at"], utc=True)
    whole = ("wave", "position", "batch", "refused", "recommended")
    table = table.assign(answered_at=at.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), value=table["value"].astype("float64"))
    table = table.astype(dict.fromkeys(whole, "Int64"))
    ordered = table.sort_values(["participant", "answered_at", "instrument", "question"], kind="stable")
    return ordered[COLUMNS].reset_index(drop=True)


def codebook(session: Session, study: Study) -> pd.DataFrame:
    """What each column and each question means: ``kind`` (column, question), ``name``, ``meaning``, ``lowest``,
    ``highest``, ``values``; questions in the wording that the study was launched with.
    """
    rows: list[dict[str, Any]] = [{"kind": "column", "name": name, "meaning": text} for name, text in MEANING.items()]
    stars = {"lowest": 1, "highest": 5, "values": "1 = worst, 5 = best"}
    rows.append({"kind": "question", "name": f"{RATING}/rating", "meaning": "Stars given to an item", **stars})
    for _, instrument in sorted(instruments_of(session, study).items()):
        rows += [_question(instrument, question, study) for question in instrument.questions]
    return pd.DataFrame(rows, columns=["kind", "name", "meaning", "lowest", "highest", "values"])


def bundle(session: Session, study: Study, raw: bool = False) -> bytes:
    """A ZIP with ``answers.csv``, ``answers.parquet`` and ``codebook.csv``."""
    table, book = answers(session, study, raw=raw), codebook(session, study)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("answers.csv", csv_of(table))
        archive.writestr("answers.parquet", parquet_of(table))
        archive.writestr("codebook.csv", csv_of(book))
    return out.getvalue()


def parquet_of(table: pd.DataFrame) -> bytes:
    """The same rows as Parquet, with their types."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()


def _ratings(session: Session, study: Study) -> pd.DataFrame:
    at = sa.func.coalesce(col(Rating.rated_at), col(Rating.received_at), type_=UTCDateTime())
    place = sa.and_(col(Impression.slate_id) == col(Rating.slate_id), col(Impression.item_id) == col(Rating.item_id))
    position = sa.select(sa.func.min(col(Impression.position))).where(place).scalar_subquery()
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            col(Participant.id).label("person"),
            col(Participant.external_id).label("participant"),
            col(Arm.key).label("arm"),
            col(Participant.cohort).label("cohort"),
            sa.literal(RATING).label("instrument"),
            sa.literal("rating").label("question"),
            col(Item.external_id).label("item"),
            col(Item.title).label("item_title"),
            col(Item.category).label("category"),
            position.label("position"),
            col(Rating.rating).label("value"),
            col(Rating.comment).label("text"),
            sa.literal(0).label("refused"),
            col(Rating.recommended).label("recommended"),
            col(Participant.language).label("language"),
            _batch("rating", col(Rating.id)).label("batch"),
            at.label("answered_at"),
        )
        .select_from(Rating)
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .outerjoin(Slate, col(Slate.id) == col(Rating.slate_id))
        .outerjoin(Arm, col(Arm.id) == sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id)))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
    )
    return _frame(session, statement)


def _responses(session: Session, study: Study) -> pd.DataFrame:
    at = sa.func.coalesce(col(Answer.answered_at), col(Answer.received_at), type_=UTCDateTime())
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            col(Participant.id).label("person"),
            col(Participant.external_id).label("participant"),
            col(Arm.key).label("arm"),
            col(Participant.cohort).label("cohort"),
            col(Response.wave).label("wave"),
            col(Response.instrument).label("instrument"),
            col(Response.version).label("version"),
            col(Answer.question).label("question"),
            col(Answer.value).label("value"),
            col(Answer.text).label("text"),
            sa.case((col(Answer.refused), 1), else_=0).label("refused"),
            col(Response.language).label("language"),
            _batch("answer", col(Answer.id)).label("batch"),
            at.label("answered_at"),
        )
        .select_from(Answer)
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .outerjoin(Arm, col(Arm.id) == col(Participant.arm_id))
        .where(col(Answer.study_id) == study.id, col(Answer.current), counts())
    )
    return _frame(session, statement)


def _frame(session: Session, statement: sa.Select[*tuple[Any, ...]]) -> pd.DataFrame:
    rows = [tuple(row) for row in session.connection().execute(statement)]
    names = [column.name for column in statement.selected_columns]
    return pd.DataFrame(rows, columns=names).reindex(columns=["person", *COLUMNS])


def _batch(kind: str, row: Any) -> sa.ScalarSelect[Any]:
    return (
        sa.select(col(Batch.number))
        .join(BatchRow, col(BatchRow.batch_id) == col(Batch.id))
        .where(col(BatchRow.kind) == kind, col(BatchRow.row_id) == row)
        .scalar_subquery()
    )


def _question(instrument: Instrument, question: Question, study: Study) -> dict[str, Any]:
    language = study.languages[0]
    labels = question.end_labels(language) if question.low is not None else None
    values = f"{question.low} = {labels[0]}, {question.high} = {labels[1]}" if labels else ""
    if question.options:
        values = "; ".join(f"{one.value} = {one.text.get(language) or one.text.get('en')}" for one in question.options)
    return {
        "kind": "question",
        "name": f"{instrument.id}/{question.name}",
        "meaning": question.wording(language) + (" (a high answer means a low score)" if question.reverse else ""),
        "lowest": question.low,
        "highest": question.high,
        "values": values,
    }
