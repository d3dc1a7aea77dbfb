"""Stages compute before they write: who answers meanwhile does not wait, and what changes meanwhile does no harm."""

import sqlalchemy as sa
from sqlmodel import Session, select

import recux.evaluation
import recux.suggest
from db.engine import build_engine, engine_for, read_session, write_session
from db.tables import Figure, Participant, PersonAggregate, Study
from recux.evaluation import evaluate_round
from recux.rounds import stages
from recux.rounds.batches import close_batch
from recux.rounds.work import Work, held
from tests.rounds.conftest import plant_feedback


def closed(settings) -> Work:
    study = plant_feedback(settings)
    with write_session(engine_for(settings.url)) as session:
        round_ = close_batch(session, session.get_one(Study, study.id), closed_by="hand")
        return Work(settings, round_.id)


def figures(work: Work) -> list[tuple]:
    with read_session(work.engine) as session:
        key = (Figure.section, Figure.arm, Figure.cut, Figure.metric, Figure.value, Figure.n)
        return sorted(map(repr, session.exec(select(*key))))


def test_answers_are_taken_while_a_round_computes_its_figures_and_suggestions(settings, monkeypatch):
    work, written = closed(settings), []

    def somebody_answers(compute):
        def act(session: Session, *more):
            found = compute(session, *more)
            rival = build_engine(settings.url)
            with rival.connect() as connection:
                if rival.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA busy_timeout = 0")  # whoever would have to wait fails
                connection.execute(sa.update(Participant).where(Participant.id == 1).values(cohort="while computing"))
                connection.commit()
            rival.dispose()
            written.append(compute.__name__)
            return found

        return act

    monkeypatch.setattr(recux.evaluation, "evaluate_round", somebody_answers(evaluate_round))
    monkeypatch.setattr(recux.suggest, "drafts_of", somebody_answers(recux.suggest.drafts_of))
    with held(work):
        stages.evaluate(work)
        stages.suggest(work)
    assert written == ["evaluate_round", "drafts_of"]
    assert figures(work)


def test_figures_are_those_of_one_transaction_and_running_the_stage_again_changes_nothing(settings):
    work = closed(settings)
    with held(work):
        stages.evaluate(work)
        first = figures(work)
        stages.evaluate(work)
    assert figures(work) == first
    with write_session(work.engine) as session:
        evaluate_round(session, session.get_one(stages.Round, work.round_id))
    assert figures(work) == first


def test_somebody_who_is_erased_while_figures_are_computed_is_in_none_of_them(settings, monkeypatch):
    work, runs = closed(settings), []

    def someone_goes(session: Session, round_):
        evaluate_round(session, round_)
        runs.append(round_.id)
        if len(runs) == 1:
            with write_session(work.engine) as other:
                other.connection().execute(sa.delete(Participant).where(Participant.id == 3))

    monkeypatch.setattr(recux.evaluation, "evaluate_round", someone_goes)
    with held(work):
        stages.evaluate(work)
    assert len(runs) == 2
    with read_session(work.engine) as session:
        assert 3 not in set(session.exec(select(PersonAggregate.participant_id)))
        assert figures(work)
