"""Documents to take away."""

import sqlalchemy as sa

from db.engine import read_session
from db.tables import Study
from recux.report import build_report, to_html


def report_of(engine: sa.Engine, study: Study, language: str) -> str:
    """The study's report as one HTML page that opens offline; suggestions are in ``language``."""
    with read_session(engine) as session:
        return to_html(build_report(session, study, language=language))
