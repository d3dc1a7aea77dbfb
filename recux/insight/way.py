"""How far each person of a study came, as conditions in SQL.

What people did is gathered by person first and then joined, once. As conditions of the form "id is in (select ...)",
Postgres would look through all the traces again for each person as soon as they do not fit its memory.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from db.bulk import table_of
from db.tables import Answer, Consent, Participant, Rating, Response, Study
from db.tables import Session as BrowserSession

STEPS = ("in_study", "opened", "consented", "rated", "answered", "finished")
TRACES = ("opened", "consented", "rated", "answered", "asked", "answered_all")
Conditions = dict[str, sa.ColumnElement[bool]]


def people_and_steps(study: Study) -> tuple[sa.FromClause, Conditions]:
    """The people of a study, as a join that holds ``Participant``, and by each of ``STEPS`` but the first the
    condition that somebody reached it.

    Who was imported, and so never agreed on a page, came to the end with the last answer.
    """
    trace = sa.union_all(*_traces(study)).subquery("trace")
    flags = (sa.func.max(trace.c[name]).label(name) for name in TRACES)
    way = sa.select(trace.c.person, *flags).group_by(trace.c.person).subquery("way")
    people = sa.join(way, table_of(Participant), col(Participant.id) == way.c.person)
    left = {name: way.c[name] == 1 for name in TRACES}
    finished = sa.or_(col(Participant.finished_at).is_not(None), ~left["asked"] & left["answered_all"])
    return people, {name: left[name] for name in STEPS[1:-1]} | {"finished": finished}


def _traces(study: Study) -> list[sa.Select[Any]]:
    """Everybody, then the people who left each kind of trace."""
    answers = _who("answered", Response).where(col(Response.study_id) == study.id)
    answers = answers.join(Answer, col(Answer.response_id) == col(Response.id)).where(col(Answer.current))
    found = [
        _flagged("", col(Participant.id)).where(col(Participant.study_id) == study.id),
        _who("opened", BrowserSession).where(col(BrowserSession.participant_id).is_not(None)),
        _who("consented", Consent).where(col(Consent.given)),
        _who("rated", Rating).where(col(Rating.study_id) == study.id, col(Rating.current)),
        answers,
        _who("asked", Consent),
    ]
    if study.instruments:
        all_of_them = sa.func.count(sa.distinct(col(Response.instrument))) == len(set(study.instruments))
        asked = _flagged("answered_all", col(Response.participant_id)).where(
            col(Response.study_id) == study.id, col(Response.instrument).in_(study.instruments)
        )
        found.append(asked.group_by(col(Response.participant_id)).having(all_of_them))
    return found


def _who(trace: str, table: Any) -> sa.Select[Any]:
    return _flagged(trace, col(table.participant_id)).distinct()


def _flagged(trace: str, person: Any) -> sa.Select[Any]:
    flags = (sa.literal_column("1" if name == trace else "0", sa.Integer).label(name) for name in TRACES)
    return sa.select(person.label("person"), *flags)
