"""Slates ranked by the fine-tuned model, made by the worker ahead of time so that pages stay fast and free of torch."""

from sqlmodel import select

from db.engine import read_session
from db.queries import champion_of
from db.tables import Arm, Item, Participant, Round, Study
from recux.rounds.examples import ratings_of
from recux.rounds.words import words_of
from recux.rounds.work import Work, publishing


def prepare_slates(work: Work) -> None:
    """Prepare the next slate of everyone in an arm whose source is ``rerank``, by the study's rating champion.

    The model scores between two transactions: it takes longer than anyone's click should wait for the database.
    """
    from recux.recommend.rerank import retrieve, store

    with read_session(work.engine) as session:
        round_ = session.get_one(Round, work.round_id)
        study = session.get_one(Study, round_.study_id)
        arms = session.exec(select(Arm).where(Arm.study_id == study.id, Arm.source == "rerank")).all()
        champion = champion_of(session, round_.study_id, "rating")
        if not arms or champion is None:
            return
        words = words_of(session, study, ratings_of(session, study, round_.number))
        ahead = [(arm, retrieve(session, study, arm)) for arm in arms]
    from recux.learn.predictor import load

    model = load(work.settings.home / champion.folder)
    for arm, retrieved in ahead:
        texts = [words.pair(_id(participant), _id(item), None) for participant, item in retrieved.pairs]
        expected = [float(row["expected"]) for row in model.rating(texts)]
        with publishing(work) as session:
            store(session, study, arm, retrieved, expected, model_version=f"model-{champion.id}")


def _id(row: Participant | Item) -> int:
    assert row.id is not None  # it was read from the database
    return row.id
