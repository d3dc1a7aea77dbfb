"""One suggestion on the board: what to do, why, what it promises, and what came of it."""

from collections.abc import Mapping

import streamlit as st

from db.engine import read_session
from db.tables import Suggestion, User
from recux.access.accounts import has_role
from recux.insight import suggestions
from recux.ui import data, decide, figures, suggested, times, words
from recux.ui.language import _
from recux.ui.plain import plain


def card(one: Suggestion, me: User, arms: Mapping[str, str]) -> None:
    """The suggestion in full, with what the signed-in person may decide."""
    with read_session(data.engine()) as session:
        steps, said = suggestions.history(session, one), suggestions.quotes(session, one)
        owners = suggestions.owners(session)
    with st.container(border=True):
        _badges(one)
        st.subheader(plain(words.said(one.title)))
        st.markdown(f":material/arrow_forward: **{plain(words.said(one.change))}**")
        _claims(one, steps)
        st.text(suggested.why_here(one))
        if has_role(me, "analyst"):
            decide.on(one, me, arms, owners)
        with st.expander(_("Evidence, and what speaks against it")):
            for text in one.against:
                st.markdown(f":material/warning: {plain(words.said(text))}")
            st.text(suggested.behind(one))
            if not said.empty:
                st.dataframe(said, hide_index=True, column_config=suggested.quote_columns())
            _look_closer(one)
        with st.expander(_("How it is judged, and what happened so far")):
            st.text(suggested.judging(one, arms))
            shown = [(s.at, suggested.step(s.kind), s.actor, suggested.said_with(s.kind, s.payload)) for s in steps]
            names = (_("When"), _("Step"), _("By"), _("What"))
            columns = {names[0]: times.column(names[0])}
            st.dataframe([dict(zip(names, row, strict=True)) for row in shown], hide_index=True, column_config=columns)


def line(one: Suggestion, place: int) -> None:
    """The suggestion in one line that opens it; its address can be shared."""
    to, about = {"suggestion": str(one.id)}, f"{words.category(one.category)} · {suggested.status(one)}"
    st.page_link(
        "pages/admin/suggestions.py", label=f"{place}\\. {plain(words.said(one.title))}", query_params=_link(to)
    )
    st.text(about + (f" · {one.owner}" if one.owner else ""))


def _link(to: dict[str, str]) -> dict[str, str]:
    kept = {key: st.query_params[key] for key in ("study", "show") if key in st.query_params}
    return kept | to


def _badges(one: Suggestion) -> None:
    row = st.container(horizontal=True)
    row.badge(words.category(one.category), color="gray")
    row.badge(suggested.status(one), color=suggested.colour(one))
    if one.owner:
        row.badge(plain(one.owner), icon=":material/person:", color="gray")


def _claims(one: Suggestion, steps: list[suggestions.Step]) -> None:
    judged = next((step.payload for step in steps if step.kind == "judged"), None)
    places = st.columns(3 if judged else 2)
    figures.claim(places[0], _("What was seen"), one.figure, one.metric)
    metric = one.predicted["metric"]
    promise = _("Promised for round {n}").format(n=one.judged_in_round)
    figures.claim(places[1], promise, one.predicted, metric)
    if judged:
        came = {"definition": one.predicted.get("definition"), **(judged.get("actual") or {"value": None})}
        figures.claim(places[2], _("What came of it"), came, metric)
        st.markdown(f"**{plain(suggested.explained(one.verdict or ''))}**")


def _look_closer(one: Suggestion) -> None:
    where = one.predicted.get("where") or {}
    page = suggested.PLACES.get(one.metric, "overview")
    to = {"study": st.query_params.get("study", "")}
    if page == "comments":
        to["search"] = str(where.get("theme", "")).partition(" | ")[0]
    label = _("See the rows on their page")
    st.page_link(f"pages/admin/{page}.py", label=label, query_params=to, icon=":material/search:")
