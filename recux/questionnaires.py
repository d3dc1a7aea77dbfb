"""A study's questionnaires as they were when it was launched.

Files change; a running study does not. At the launch each instrument is kept with the study, and from then on pages,
imports, the API and every figure of the study read that. Only a draft reads the files.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Participant, Response, Study, StudyInstrument
from recux.errors import Conflict, InvalidInput, NotFound
from recux.instruments import Instrument, available, load

_PARSED: dict[str, Instrument] = {}
"""Instruments by fingerprint, so that a page does not parse its questions at every run."""


def freeze(session: Session, study: Study) -> None:
    """Keep the study's instruments as they are now, and others that were answered already (imports may bring some);
    those that it keeps stay as they are.

    Raises Conflict when a file was changed without counting its version up: another study was launched with the same
    version and other content, and answers to the two could not be told apart.
    """
    assert study.id is not None
    others = sorted(set(answered(session, study.id)).intersection(available()))
    keep(session, study.id, [*study.instruments, *others])


def keep(session: Session, study_id: int, names: Iterable[str]) -> None:
    """Keep these instruments with a study where it does not yet. Raises Conflict like :func:`freeze`."""
    there = set(session.exec(select(StudyInstrument.instrument).where(StudyInstrument.study_id == study_id)))
    for instrument in (load(name) for name in dict.fromkeys(names) if name not in there):
        check_unchanged(session, instrument)
        session.add(
            StudyInstrument(
                study_id=study_id,
                instrument=instrument.id,
                version=instrument.version,
                fingerprint=instrument.fingerprint,
                content=instrument.model_dump(mode="json"),
            )
        )
    session.flush()


def answered(session: Session, study_id: int) -> list[str]:
    """Ids of the instruments that somebody answered, or opened, in the study: one look into an index for each."""
    found: list[str] = []
    while True:
        more = col(Response.instrument) > found[-1] if found else sa.true()
        next_ = sa.select(sa.func.min(col(Response.instrument))).where(col(Response.study_id) == study_id, more)
        name = session.connection().execute(next_).scalar()
        if name is None:
            return found
        found.append(str(name))


def check_unchanged(session: Session, instrument: Instrument) -> None:
    """Raise Conflict when a study was launched with other content under this instrument's version."""
    other = session.exec(
        select(Study.slug)
        .join(StudyInstrument, col(StudyInstrument.study_id) == Study.id)
        .where(
            StudyInstrument.instrument == instrument.id,
            StudyInstrument.version == instrument.version,
            StudyInstrument.fingerprint != instrument.fingerprint,
        )
        .order_by(col(Study.id))
    ).first()
    if other is not None:
        raise Conflict(
            f"the instrument {instrument.id!r} was changed, but its version is still {instrument.version}, with which "
            f"the study {other} was launched; count the version up in {instrument.id}.toml"
        )


def changed_files(session: Session) -> list[str]:
    """For each file that was edited under a version that a study was launched with, what is wrong and what to do.

    Running studies go on with what they were launched with.
    """
    found = []
    for name in session.exec(select(StudyInstrument.instrument).distinct().order_by(StudyInstrument.instrument)):
        try:
            check_unchanged(session, load(name))
        except (Conflict, InvalidInput, NotFound) as error:
            found.append(str(error))
    return found


def instrument_of(session: Session, study_id: int, name: str) -> Instrument:
    """The study's instrument ``name``: as at its launch, or for a draft as its file says. Raises NotFound."""
    mine = StudyInstrument.study_id == study_id, StudyInstrument.instrument == name
    fingerprint = session.exec(select(StudyInstrument.fingerprint).where(*mine)).first()
    return load(name) if fingerprint is None else _kept(session, study_id, name, fingerprint)


def instruments_of(session: Session, study: Study) -> dict[str, Instrument]:
    """All instruments that the study asks, or has answers to, by id: each as at the launch, or for a draft as its file
    says. One whose file is gone and that was never kept is left out.
    """
    assert study.id is not None
    statement = select(StudyInstrument.instrument, StudyInstrument.fingerprint)
    rows = session.exec(statement.where(StudyInstrument.study_id == study.id)).all()
    kept = {name: _kept(session, study.id, name, fingerprint) for name, fingerprint in rows}
    others = {*study.instruments, *answered(session, study.id)} - set(kept)
    return kept | {name: load(name) for name in sorted(others.intersection(available()))}


def _kept(session: Session, study_id: int, name: str, fingerprint: str) -> Instrument:
    if fingerprint not in _PARSED:
        mine = StudyInstrument.study_id == study_id, StudyInstrument.instrument == name
        content = session.exec(select(StudyInstrument.content).where(*mine)).one()
        _PARSED[fingerprint] = Instrument.model_validate(content)
    return _PARSED[fingerprint]


def shown_to(session: Session, participant: Participant, name: str) -> Instrument:
    """The instrument as this person sees it, questions and options in their own order where they are shuffled.

    The order follows from the study's salt and the person, so that it is the same after a reload and on any device.
    """
    salt = session.exec(select(Study.salt).where(Study.id == participant.study_id)).one()
    instrument = instrument_of(session, participant.study_id, name)
    return instrument.in_order_of(f"{salt}/questions/{participant.external_id}/{name}")
