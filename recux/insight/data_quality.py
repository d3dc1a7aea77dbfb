"""Can the data be trusted: who answered without care, what was not answered, what imports put aside."""

from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import data_quality, rows
from recux.evaluation.scope import live
from recux.evaluation.texts import comments, quarantined, timings
from recux.questionnaires import instruments_of


class Quality(NamedTuple):
    """What is known of the quality of a study's answers."""

    flagged: pd.DataFrame
    """``reason``, ``people``, ``rule`` (in words)."""
    people: pd.DataFrame
    """Who was flagged: ``participant`` (pseudonym), ``arm``, ``reason``."""
    missing: pd.DataFrame
    """``question`` (INSTRUMENT/QUESTION), ``missing`` and ``refused`` as shares of those who were asked."""
    quarantined: int
    """Rows that imports put aside."""


def summary(session: Session, study: Study) -> Quality:
    """The state at this moment. Flagged answers stay in every figure unless a page leaves them out."""
    scope, known = live(study), instruments_of(session, study)
    ratings, answers = rows.ratings(session, scope), rows.answers(session, scope)
    texts = comments(session, scope), timings(session, scope)
    found = data_quality.flags(ratings, answers, *texts, instruments=known)
    counts = data_quality.count(found)
    table = pd.DataFrame(
        {"reason": list(counts), "people": list(counts.values()), "rule": [data_quality.RULES[r] for r in counts]}
    )
    named = found.merge(rows.people(session, scope)[["participant", "external_id", "arm"]], on="participant")
    who = named.drop(columns="participant").rename(columns={"external_id": "participant"})
    missing, refused = data_quality.unanswered(answers, known)
    gaps = pd.DataFrame({"question": list(missing), "missing": list(missing.values())})
    gaps["refused"] = [refused.get(question, 0.0) for question in missing]
    return Quality(table, who[["participant", "arm", "reason"]], gaps, quarantined(session, scope))
