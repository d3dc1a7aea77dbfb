"""Slates ranked by the fine-tuned model, made by the worker ahead of time so that pages stay fast and free of torch."""

from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session, select

from db.queries import champion_of
from db.tables import Arm, Item, Participant, Round, Study
from recux.rounds.examples import ratings_of
from recux.rounds.words import words_of


def prepare_slates(session: Session, round_: Round, home: Path) -> None:
    """Prepare the next slate of everyone in an arm whose source is ``rerank``, by the study's rating champion."""
    from recux.recommend import prepare_rerank

    study = session.get_one(Study, round_.study_id)
    arms = session.exec(select(Arm).where(Arm.study_id == study.id, Arm.source == "rerank")).all()
    champion = champion_of(session, round_.study_id, "rating")
    if not arms or champion is None:
        return
    from recux.learn.predictor import load

    model = load(home / champion.folder)
    words = words_of(session, study, ratings_of(session, study, round_.number))

    def score(pairs: Sequence[tuple[Participant, Item]]) -> list[float]:
        texts = [words.pair(_id(participant), _id(item), None) for participant, item in pairs]
        return [float(row["expected"]) for row in model.rating(texts)]

    for arm in arms:
        prepare_rerank(session, study, arm, score)


def _id(row: Participant | Item) -> int:
    assert row.id is not None  # it was read from the database
    return row.id
