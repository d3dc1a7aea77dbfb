"""Which part of the study the page is about, and how it is split; all of it is in the address."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import streamlit as st
from sqlmodel import Session

from db.engine import read_session
from db.tables import Study
from recux.insight import cuts, satisfaction, spread
from recux.insight.cuts import DIMENSIONS, Cut, Dimension, Said
from recux.insight.kept import kept
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

    def read(self, study: Study) -> Said:
        """The rows of this part of the study."""
        with read_session(data.engine()) as session:
            return cuts.read(session, study, self.cut)

    def now(self, study: Study) -> pd.DataFrame:
        """The figures, from the rows of this moment."""
        return satisfaction.now(self.read(study), study, self.cut, by=self.by)

    def trend(self, session: Session, study: Study) -> pd.DataFrame:
        """The curve, from the rows of this moment."""
        said, zone = self.read(study), times.zone()
        return satisfaction.trend(session, said, study, self.cut, period=self.period, by=self.by, zone=zone)

    def spread(self, study: Study, metric: str) -> pd.DataFrame:
        """How the answers are spread."""
        with read_session(data.engine()) as session:
            if self.is_stored:
                return spread.spread_of_arms(session, study, metric)
            name = ("spread", repr(self), metric)
            return kept(session, study, name, lambda: spread.spread(self.read(study), metric, self.by)).value


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
