"""The parts of the page on taking results away: report, data, decisions, read-only links."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from db.tables import ReportLink, Study, User, now
from recux.access import audit
from recux.access.accounts import has_role
from recux.access.report_links import create_link, links_of, revoke_link
from recux.collect.decisions import record_decision
from recux.errors import RecuxError
from recux.insight import apart, take_away
from recux.insight import figures as stored
from recux.insight.documents import report_of
from recux.insight.small_groups import hide_small
from recux.report.history import decisions_of
from recux.ui import data, figures, frame, problems, take, times, words
from recux.ui.language import NAMES, _, language

FRESH = "_fresh_report_link"
MIMES = {"html": "text/html", "md": "text/markdown", "json": "application/json"}


def report(study: Study) -> None:
    """The report in three forms."""
    st.write(_("Every figure with its interval, n and definition. The page opens offline and prints well."))
    chosen = st.segmented_control(
        _("Language"), list(NAMES), default=language(), format_func=NAMES.__getitem__, required=True, key="paper"
    )
    labels = {"html": _("Report (HTML)"), "md": _("Report (Markdown)"), "json": _("Report (JSON)")}
    for form, label in labels.items():
        st.download_button(
            label,
            partial(report_of, data.engine(), study, chosen, form),
            f"{study.slug}.{form}",
            MIMES[form],
            icon=":material/description:",
            key=f"report-{form}",
        )


def bundle(study: Study, me: User) -> None:
    """The answers with their codebook; only admins may have them unmasked, and the audit log says so."""
    st.write(_("One row per answer, as CSV and Parquet, with a codebook. No cell can run as a formula."))
    raw = has_role(me, "admin") and st.toggle(
        _("Unmasked texts"), key="raw", help=_("With the e-mail addresses and long numbers that people wrote")
    )

    def made() -> bytes:
        with write_session(data.engine()) as session:
            audit.record(session, actor=me.email, action="answers.export", target=study.slug, raw=raw)
        with read_session(data.engine()) as session:
            return apart.read(session, study, take_away.bundle, raw)

    st.download_button(
        _("Answers and codebook (ZIP)"), made, f"{study.slug}-answers.zip", "application/zip", icon=":material/table:"
    )


def decisions(study: Study, me: User) -> None:
    """What was decided so far, and a form for the next decision."""
    with read_session(data.engine()) as session:
        taken = decisions_of(session, study)
    if taken:
        table = pd.DataFrame([_row(one) for one in taken])
        columns: dict[str, Any] = {
            "at": times.column(_("When")),
            "by": _("By"),
            "decision": st.column_config.TextColumn(_("Decision"), width="large"),
            "reason": _("Why"),
            "figures": st.column_config.TextColumn(_("Based on these figures"), width="large"),
        }
        st.dataframe(table, hide_index=True, column_config=columns)
        take.numbers(table, "decisions")
    else:
        st.text(_("Nothing is on record yet."))
    if has_role(me, "analyst"):
        with st.expander(_("Record a decision")):
            _decide(study, me)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    told = [
        f"{words.metric(f['metric'])} {f['arm']}: {figures.written(f.get('value'), f['metric'])}"
        for f in one["figures"]
    ]
    at = pd.Timestamp(one["decided_at"])
    return {"at": at, "by": one["by"], "decision": one["decision"], "reason": one["reason"], "figures": "; ".join(told)}


def _decide(study: Study, me: User) -> None:
    with read_session(data.engine()) as session:
        arms = {"": _("All arms"), **frame.arm_titles(session, study)}
        table = pd.concat(
            [
                stored.current(session, study, section).assign(section=section)
                for section in ("satisfaction", "recommendation")
            ],
            ignore_index=True,
        )
    table = hide_small(table, study.min_group, where=table["arm"] != "")
    known = table[table["value"].notna() & table["arm"].isin(list(arms))].reset_index(drop=True)
    with st.form("decision", border=False, clear_on_submit=True):
        said = st.text_area(_("What was decided?"), max_chars=2000, key="decision-text")
        why = st.text_area(_("Why?"), max_chars=2000, key="decision-why")
        picked = st.multiselect(
            _("Based on which figures?"),
            list(known.index),
            format_func=lambda i: _figure(known.loc[i], arms),
            placeholder=_("Chosen figures are stored as they are now"),
        )
        if not st.form_submit_button(_("Put it on record")):
            return
    fields = ["section", "metric", "arm", "value", "ci_low", "ci_high", "n", "definition", "method"]
    frozen = [_plain(known.loc[i, fields].to_dict()) for i in picked]
    try:
        with write_session(data.engine()) as session:
            row = record_decision(session, study, decision=said, reason=why, figures=frozen, by=me.email)
            audit.record(session, actor=me.email, action="decision.record", target=study.slug, decision=row.id)
    except RecuxError as problem:
        st.error(problems.said(problem))
        return
    frame.done(_("The decision is on record."))


def _figure(row: Any, arms: dict[str, str]) -> str:
    metric = str(row["metric"])
    return f"{words.short(metric)}, {arms[row['arm']]}: {figures.written(row['value'], metric)}"


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Numbers that JSON knows, and no NaN."""
    return {str(k): None if pd.isna(v) else (v.item() if hasattr(v, "item") else v) for k, v in row.items()}


def fresh_link() -> None:
    """The link that was just made: the only time that it can be read."""
    if address := st.session_state.pop(FRESH, None):
        st.success(_("Copy this link now; it is not shown again."), icon=":material/link:")
        st.code(address, language=None)


def links(study: Study, me: User) -> None:
    """Read-only links that are open, and how often they were; admins make and revoke them."""
    st.write(_("Such a link opens the report for reading only, without names of people, until it ends or is revoked."))
    with read_session(data.engine()) as session:
        found = links_of(session, study)
    for link in found:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.text(_told(link))
            open_still = link.revoked_at is None and link.expires_at > now()
            told = _("The link stops working for everyone who has it.")
            if not open_still or not has_role(me, "admin"):
                continue
            if frame.sure(_("Close it"), told, _("Revoke"), key=f"revoke-{link.id}"):
                with write_session(data.engine()) as session:
                    revoke_link(session, study, link.id or 0)
                    audit.record(session, actor=me.email, action="report.unshare", target=study.slug, link=link.id)
                frame.done(_("The link no longer works."))
    if has_role(me, "admin"):
        _new_link(study, me)


def _told(link: ReportLink) -> str:
    state = _("open until {day}").format(day=link.expires_at.date().isoformat())
    if link.revoked_at is not None:
        state = _("revoked")
    elif link.expires_at <= now():
        state = _("ended on {day}").format(day=link.expires_at.date().isoformat())
    opened = _("opened {n} times").format(n=link.opened)
    return " · ".join(part for part in (link.note, state, opened, NAMES.get(link.language, link.language)) if part)


def _new_link(study: Study, me: User) -> None:
    with st.form("link", border=False):
        one, two, three = st.columns([3, 1, 1])
        note = one.text_input(_("For whom?"), max_chars=200)
        days = two.number_input(_("Days"), 1, 365, 30)
        spoken = three.selectbox(_("Language"), list(NAMES), format_func=NAMES.__getitem__)
        if not st.form_submit_button(_("Make a link")):
            return
    with write_session(data.engine()) as session:
        link, token = create_link(session, study, days=int(days), language=spoken, by=me.email, note=note)
        audit.record(session, actor=me.email, action="report.share", target=study.slug, link=link.id)
    st.session_state[FRESH] = f"{data.settings().base_url}/shared/{token}"
    st.rerun()
