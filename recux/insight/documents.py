"""Documents to take away."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from db.engine import read_session
from db.tables import Study
from recux.insight import apart
from recux.report import build_report, for_outsiders, to_html, to_markdown


def to_json(report: Mapping[str, Any]) -> str:
    """The report as indented JSON."""
    return json.dumps(report, ensure_ascii=False, indent=1)


WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {"html": to_html, "md": to_markdown, "json": to_json}


def report_of(engine: sa.Engine, study: Study, language: str, form: str = "html") -> str:
    """The study's report as one HTML page that opens offline, as Markdown (``md``) or as ``json``, in ``language``;
    figures of arms with too few people are hidden.
    """
    with read_session(engine) as session:
        return apart.read(session, study, written, language, form)


def for_a_link(session: Session, study: Study, language: str) -> str:
    """The report as one HTML page for people without an account."""
    return to_html(for_outsiders(build_report(session, study, language=language)))


def written(session: Session, study: Study, language: str, form: str) -> str:
    """The same, read in this process."""
    return WRITERS[form](build_report(session, study, language=language))
