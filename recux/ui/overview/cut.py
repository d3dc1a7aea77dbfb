"""Which part of the study the page is about, and how it is split; all of it is in the address."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import streamlit as st
from sqlmodel import Session

from db.engine import read_session
from db.tables import Study
from recux.insight import apart, satisfaction, spread, views
from recux.insight.cuts import DIMENSIONS, Cut, Dimension
from recux.insight.kept import Kept, kept
from recux.insight.satisfaction import By
from recux.ui import address, data, times, words
from recux.ui.language import _

PERIODS: tuple[By, ...] = ("round", "day", "week")


class View(NamedTuple):
    """What the reader chose to see."""

    cut: Cut
    by: Dimension
    period: By
    together: bool
    """All questionnaires in one score."""

    @property
    def is_stored(self) -> bool:
        """Whether rounds have stored what is asked for."""
        return self.cut.is_all and self.by == "arm" and not self.together

    @property
    def rounds_stored(self) -> bool:
        """Whether rounds have stored the curve that is asked for."""
        return self.is_stored and self.period == "round"

    def now(self, session: Session, study: Study) -> Kept[pd.DataFrame]:
        """The figures, from the rows."""
        return kept(session, study, views.figures, self.cut, self.by)

    def trend(self, study: Study, metric: str) -> pd.DataFrame:
        """The curve of a metric: as rounds stored it, or from the rows."""
        with read_session(data.engine()) as session:
            if self.rounds_stored:
                table = satisfaction.trend_of_rounds(session, study)
                return table[table["metric"] == metric]
            zone = "" if self.period == "round" else times.zone()
            return kept(session, study, views.curve, self.cut, self.by, (metric, self.period, zone)).value

    def spread(self, study: Study, metric: str) -> pd.DataFrame:
        """How the answers are spread."""
        with read_session(data.engine()) as session:
            if self.is_stored:
                return kept(session, study, spread.spread_of_arms, metric).value
            return kept(session, study, views.spread_of, self.cut, self.by, metric).value

    def behind(self, study: Study, metric: str) -> views.Behind:
        """The newest rows behind a figure."""
        with read_session(data.engine()) as session:
            return apart.read(session, study, views.rows_behind, self.cut, metric)

    def all_behind(self, study: Study, metric: str) -> bytes:
        """All of them as CSV."""
        with read_session(data.engine()) as session:
            return apart.read(session, study, views.rows_as_csv, self.cut, metric)


def ask(arms: Mapping[str, str], known: Mapping[Dimension, list[str]]) -> View:
    """The controls above the figures."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    options = {name: known.get(name, []) for name in DIMENSIONS} | {"arm": list(arms)}
    ways: list[Dimension] = [name for name in DIMENSIONS if options[name]] or ["arm"]
    by = address.choose(_("Split by"), ways, key="by", names=words.dimension, place=row)
    period = address.choose(_("Over time by"), PERIODS, key="period", names=words.period, place=row)
    with row.popover(_("Filter"), icon=":material/filter_alt:"):
        chosen = {name: _one_of(name, options[name], arms) for name in DIMENSIONS if len(options[name]) > 1}
        careful = st.toggle(_("Without flagged answers"), key="careful", bind="query-params")
        together = st.toggle(_("All questionnaires in one score"), key="together", bind="query-params")
    cut = Cut(**chosen, careful=careful)
    if not cut.is_all:
        named = [arms.get(value, value) if name == "arm" else value for name, value in cut.chosen.items()]
        st.badge(
            _("Only: {what}").format(what=", ".join([*named, *([_("unflagged answers")] if careful else [])])),
            icon=":material/filter_alt:",
        )
    return View(cut, by, period, together)


def _one_of(name: Dimension, values: list[str], arms: Mapping[str, str]) -> str:
    """One value, or none for all."""
    return (
        st.selectbox(
            words.dimension(name),
            values,
            index=None,
            placeholder=_("All"),
            format_func=lambda value: arms.get(value, value) if name == "arm" else value,
            key=f"only-{name}",
            bind="query-params",
        )
        or ""
    )
