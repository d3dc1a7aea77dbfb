"""How long each admin page takes on the large study, and how many queries it asks, run as Streamlit runs it."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import PropertyMock, patch

import numpy as np
import sqlalchemy as sa
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from benchmarks.admin import large
from benchmarks.admin.large import SLUG
from db.engine import build_engine, write_session
from db.tables import User
from recux.access.http import USER_COOKIE
from recux.access.sessions import start_session
from recux.ui.story import LEAST_ROLE

APP = Path(__file__).parent.parent.parent / "streamlit_app.py"


@dataclass(frozen=True)
class View:
    """A page, in words and by name, and what is asked of it; the widgets of a filter are changed before it is timed."""

    title: str
    page: str
    limit: float
    """Median, in seconds."""
    choose: tuple[tuple[str, Sequence[object]], ...] = ()
    """Widgets by their keys, and what is chosen in them, by one visitor after the other: a filter is free when nobody
    has asked for it before."""

    def chosen(self, visitor: int) -> dict[str, object]:
        """What this visitor chooses."""
        return {key: values[visitor % len(values)] for key, values in self.choose}

    @property
    def visitors(self) -> int | None:
        """How many there can be who choose something new; None: any number."""
        return max((len(values) for _key, values in self.choose), default=None)


@dataclass(frozen=True)
class Timed:
    """Seconds of the runs of a view, warm, and its queries."""

    view: View
    seconds: list[float]
    queries: int
    broken: str = ""

    def row(self) -> str:
        """A line of the table."""
        if not self.seconds:
            return f"| {self.view.title} | {self.broken} | | | |"
        median, p95 = np.median(self.seconds), np.quantile(self.seconds, 0.95)
        met = "yes" if median < self.view.limit and p95 < max(2.0, self.view.limit) else "**no**"
        return f"| {self.view.title} | {median:.2f} s | {p95:.2f} s | {self.queries} | {self.view.limit:g} s: {met} |"


COHORTS = [f"cohort{number}" for number in range(large.COHORTS)]
WORDS = [
    "expensive",
    "late",
    "nice colour",
    "fit",
    "价格",
    "seen",
    "before",
    "Too",
    "arrived",
    "what it is",
    "good",
    "nowhere",
]
VIEWS = (
    View("Overview", "overview", 0.5),
    View("Overview, one cohort (free filter)", "overview", 3.0, (("only-cohort", COHORTS),)),
    View(
        "Overview, one cohort by category (free filter)",
        "overview",
        3.0,
        (("by", ["category"]), ("only-cohort", COHORTS)),
    ),
    View(
        "Overview, one cohort without flagged answers (free filter)",
        "overview",
        3.0,
        (("careful", [True]), ("only-cohort", COHORTS)),
    ),
    View("Experiment", "experiment", 1.0),
    View("Effect", "effect", 1.0),
    View("Comments", "comments", 1.0),
    View("Comments, a search (free filter)", "comments", 3.0, (("search", WORDS),)),
    View("Stability", "stability", 1.0),
    View("Rounds", "rounds", 1.0),
    View("Suggestions", "suggestions", 1.0),
    View("Take away", "take_away", 1.0),
    View("Studies", "studies", 1.0),
    View("People", "people", 1.0),
    View("Import", "import_data", 1.0),
    View("Team", "team", 1.0),
)


def admin_cookie(url: str) -> str:
    """The cookie of a signed-in admin; the account is made when it is not there."""
    engine = build_engine(url)
    with write_session(engine) as session:
        user = session.exec(sa.select(User).where(User.email == "bench@example.org")).scalars().first()
        if user is None:
            user = User(email="bench@example.org", password_hash="x", role="admin")
            session.add(user)
            session.flush()
        token = start_session(session, user=user, hours=12)
    engine.dispose()
    return token


def measure(url: str, home: Path, *, runs: int, patience: float, only: str = "") -> Iterator[Timed]:
    """Every view, warm: opened once, then by `runs` new visitors or for `patience` seconds, at least by one."""
    os.environ |= {"RECUX_DATABASE_URL": url, "RECUX_HOME": str(home)}
    logging.getLogger("streamlit").disabled = True  # it warns, line by line, that no browser is there
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True
    jar = StreamlitCookies({USER_COOKIE: admin_cookie(url)})
    with patch("streamlit.runtime.context.ContextProxy.cookies", PropertyMock(return_value=jar)), counted() as asked:
        for view in VIEWS:
            if only in view.page and view.page in LEAST_ROLE:
                yield _timed(view, asked, runs=runs, patience=patience)


def _timed(view: View, asked: list[str], *, runs: int, patience: float) -> Timed:
    seconds: list[float] = []
    most = min(runs, (view.visitors or runs + 1) - 1)
    began = time.perf_counter()
    while len(seconds) < 2 or (len(seconds) <= most and time.perf_counter() - began < patience):
        at = AppTest.from_file(APP, default_timeout=300)
        at.query_params["study"] = SLUG
        at.run()
        at.switch_page(f"pages/admin/{view.page}.py")
        for key, value in view.chosen(len(seconds)).items():
            at.session_state[key] = value
        asked.clear()
        started = time.perf_counter()
        at.run()
        seconds.append(time.perf_counter() - started)
        if len(seconds) == 1:  # the first opening fills what is kept
            began = time.perf_counter()
        if at.exception:
            return Timed(view, [], 0, f"fails: {at.exception[0].message[:80]}")
    return Timed(view, seconds[1:], len(asked))


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any engine executes, as they come; BEGIN and the settings of a connection are not counted."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
