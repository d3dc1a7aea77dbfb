"""The parts of the stability page about promises, error budgets, alerts and where they are sent."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from db.tables import Alert, Study, User
from recux.access import audit
from recux.access.accounts import has_role
from recux.errors import RecuxError
from recux.insight import stability
from recux.insight.kept import kept
from recux.operate.alert_care import look_after
from recux.operate.alert_delivery import add_channel, forget_channel
from recux.ui import data, figures, frame, problems, take, times, words
from recux.ui.language import _
from recux.ui.plain import plain

Arms = Mapping[str, str]


def headline(study: Study, last: pd.DataFrame, arms: Arms, open_alerts: int) -> str:
    """Whether promises are kept, in one line."""
    if open_alerts:
        return _("Something needs a look: {n} alerts are open").format(n=open_alerts)
    for metric, target in study.objectives.items():
        broken = [arm for arm in arms if not _kept(last[last["arm"] == arm], metric, target)]
        if broken:
            who = ", ".join(arms[arm] for arm in broken)
            return plain(_("{arms} breaks a promise: {metric}").format(arms=who, metric=words.short(metric)))
    measured = set(last.loc[last["value"].notna(), "metric"])
    if study.objectives and measured.issuperset(study.objectives):
        return _("The recommender keeps what was promised")
    return _("Is the recommender quick and reliable?")


def promises(study: Study, last: pd.DataFrame, arms: Arms) -> None:
    """Each objective, and which arms keep it."""
    for metric, target in study.objectives.items():
        rows = last[(last["metric"] == metric) & last["arm"].isin(list(arms)) & last["value"].notna()]
        less = metric == "availability"
        broken = rows[rows["value"] < target] if less else rows[rows["value"] > target]
        limit = _("at least {target} was promised") if less else _("at most {target} was promised")
        promise = f"{words.metric(metric)}: " + limit.format(target=figures.written(target, metric))
        if broken.empty:
            st.success(f"{promise}. " + _("Every arm meets it."), icon=":material/check:")
        else:
            found = [f"{arms[row['arm']]} {figures.written(row['value'], metric)}" for row in broken.to_dict("records")]
            kept = _("Missed by: {arms}").format(arms=", ".join(found))
            st.error(plain(f"{promise}. {kept}"), icon=":material/error:")


def budgets(study: Study, arms: Arms) -> None:
    """How much of what may go wrong has gone wrong."""
    with read_session(data.engine()) as session:
        table = kept(session, study, stability.budget).value
    if table.empty:
        return
    st.subheader(_("Error budget"))
    st.write(
        _(
            "How much of the failures and slow calls that the objectives allow has been used in the last {n} days."
        ).format(n=stability.BUDGET_DAYS)
    )
    named = table.assign(
        arm=table["arm"].map({"": _("All arms"), **arms}), metric=table["metric"].map(words.metric), used=table["used"]
    )
    columns: dict[str, Any] = {
        "metric": _("Objective"),
        "arm": _("Arm"),
        "calls": st.column_config.NumberColumn(_("Calls"), format="localized"),
        "bad": st.column_config.NumberColumn(_("Failed or slow"), format="localized"),
        "allowed": st.column_config.NumberColumn(_("Allowed"), format="%.0f"),
        "used": st.column_config.ProgressColumn(
            _("Used up"), format="percent", min_value=0.0, max_value=max(1.0, float(table["used"].max()))
        ),
    }
    st.dataframe(named, hide_index=True, column_config=columns)
    take.numbers(named, "error-budget")


def open_alerts(study: Study, found: list[Alert], arms: Arms, me: User) -> None:
    """What goes on now, and who looks after it."""
    for alert in [one for one in found if one.closed_at is None]:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/notifications_active: **{plain(sentence(alert, arms))}**")
            if alert.seen_by:
                st.text(_("{who} is handling it").format(who=alert.seen_by))
            elif has_role(me, "analyst") and st.button(_("I will handle it"), key=f"seen-{alert.id}"):
                with write_session(data.engine()) as session:
                    look_after(session, study, alert.id or 0, by=me.email)
                    audit.record(session, actor=me.email, action="alert.seen", target=study.slug, alert=alert.id)
                frame.done(_("Noted: you are handling it."))


def panel(study: Study, found: list[Alert], arms: Arms, me: User) -> None:
    """Every alert there was, and where they are sent."""
    st.subheader(_("Alerts"))
    if not found:
        st.text(_("No alert yet. The worker looks every minute while the study is live."))
    else:
        history = _history(found, arms)
        st.dataframe(history, hide_index=True, column_config=_history_columns(), placeholder="")
        take.numbers(history, "alerts")
    _channels(study, me)


def sentence(alert: Alert, arms: Arms) -> str:
    """An alert in words."""
    value = figures.written(alert.details.get("value"), alert.metric)
    where = arms.get(alert.arm, alert.arm) or _("All arms")
    if alert.rule == "objective":
        target = figures.written(alert.details.get("target"), alert.metric)
        text = _("{arm}: {metric} is {value}; {target} was promised")
        return text.format(arm=where, metric=words.metric(alert.metric), value=value, target=target)
    usual = figures.written(alert.details.get("usual"), alert.metric)
    text = _("{arm}: {metric} was {value}; {usual} is usual")
    return text.format(arm=where, metric=words.metric(alert.metric), value=value, usual=usual)


def unusual(table: pd.DataFrame) -> None:
    """Stretches of the recorded past that were unlike the two days before them."""
    if table.empty:
        return
    with st.expander(_("{n} unusual stretches in what was recorded").format(n=len(table))):
        columns = {
            "began": times.column(_("From")),
            "ended": times.column(_("To")),
            "value": st.column_config.NumberColumn(_("Median (ms)"), format="%.0f"),
            "usual": st.column_config.NumberColumn(_("Usual (ms)"), format="%.0f"),
        }
        st.dataframe(table, hide_index=True, column_config=columns)
        take.numbers(table, "unusual")


def _kept(last: pd.DataFrame, metric: str, target: float) -> bool:
    rows = last[(last["metric"] == metric) & last["value"].notna()]["value"]
    return bool((rows >= target).all() if metric == "availability" else (rows <= target).all())


def _history(found: list[Alert], arms: Arms) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "opened": one.opened_at,
                "closed": one.closed_at,
                "what": sentence(one, arms),
                "why": words.alert_rule(one.rule),
                "by": one.seen_by or "",
            }
            for one in found
        ]
    )


def _history_columns() -> dict[str, Any]:
    return {
        "opened": times.column(_("Opened")),
        "closed": times.column(_("Ended")),
        "what": st.column_config.TextColumn(_("What"), width="large"),
        "why": _("Rule"),
        "by": _("Handled by"),
    }


def _channels(study: Study, me: User) -> None:
    with read_session(data.engine()) as session:
        table = stability.channels(session, study)
    with st.expander(_("Where alerts are sent ({n})").format(n=len(table))):
        for row in table.to_dict("records"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(f"{words.channel(row['kind'])}: {row['target']}")
                st.text(
                    _("{sent} sent, {waiting} waiting, {failed} failed").format(
                        sent=row["sent"], waiting=row["waiting"], failed=row["failed"]
                    )
                )
                if has_role(me, "admin") and st.button(_("Remove"), key=f"forget-{row['id']}"):
                    with write_session(data.engine()) as session:
                        forget_channel(session, study, int(row["id"]))
                        audit.record(
                            session, actor=me.email, action="alert.channel.remove", target=study.slug, to=row["target"]
                        )
                    frame.done(_("No alerts go there any more."))
            if row["error"]:
                st.error(plain(_("Last failure: {reason}").format(reason=row["error"])))
        if has_role(me, "admin"):
            _new_channel(study, me)


def _new_channel(study: Study, me: User) -> None:
    with st.form("channel", border=False):
        kind = st.segmented_control(
            _("By"), ["webhook", "email"], default="webhook", format_func=words.channel, required=True
        )
        target = st.text_input(_("Address"), placeholder="https://hooks.example.org/...")
        if not st.form_submit_button(_("Send alerts there, too")):
            return
    try:
        with write_session(data.engine()) as session:
            added = add_channel(session, data.settings(), study, kind, target, by=me.email)
            audit.record(session, actor=me.email, action="alert.channel.add", target=study.slug, kind=added.kind)
    except RecuxError as problem:
        st.error(problems.said(problem))
        return
    frame.done(_("Alerts go there from now on."))
