"""A study's questionnaires as they were when it was launched.

Files change; a running study does not. At the launch each instrument is kept with the study, and from then on pages and
imports of the study read that. Figures read the files, and so does a draft, which nobody answers.
"""

from sqlmodel import Session, col, select

from db.tables import Participant, Study, StudyInstrument
from recux.errors import Conflict, InvalidInput, NotFound
from recux.instruments import Instrument, load

_PARSED: dict[str, Instrument] = {}
"""Instruments by fingerprint, so that a page does not parse its questions at every run."""


def freeze(session: Session, study: Study) -> None:
    """Keep the study's instruments as they are now; those that it keeps already stay as they are.

    Raises Conflict when a file was changed without counting its version up: another study was launched with the same
    version and other content, and answers to the two could not be told apart.
    """
    assert study.id is not None
    there = set(session.exec(select(StudyInstrument.instrument).where(StudyInstrument.study_id == study.id)))
    for name in study.instruments:
        instrument = load(name)
        check_unchanged(session, instrument)
        if name not in there:
            session.add(
                StudyInstrument(
                    study_id=study.id,
                    instrument=name,
                    version=instrument.version,
                    fingerprint=instrument.fingerprint,
                    content=instrument.model_dump(mode="json"),
                )
            )
    session.flush()


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
    if fingerprint is None:
        return load(name)
    if fingerprint not in _PARSED:
        _PARSED[fingerprint] = Instrument.model_validate(
            session.exec(select(StudyInstrument.content).where(*mine)).one()
        )
    return _PARSED[fingerprint]


def shown_to(session: Session, participant: Participant, name: str) -> Instrument:
    """The instrument as this person sees it, questions and options in their own order where they are shuffled.

    The order follows from the study's salt and the person, so that it is the same after a reload and on any device.
    """
    salt = session.exec(select(Study.salt).where(Study.id == participant.study_id)).one()
    instrument = instrument_of(session, participant.study_id, name)
    return instrument.in_order_of(f"{salt}/questions/{participant.external_id}/{name}")
