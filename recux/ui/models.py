"""The parts of the rounds page that look at a model: worth, calibration, mistakes, cohorts, words, its card."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session
from db.tables import ModelVersion, Round, Study, User
from recux import charts
from recux.access.accounts import has_role
from recux.insight import models, rounds
from recux.ui import address, data, definitions, take, words
from recux.ui.language import _
from recux.ui.plain import plain

RAISES, LOWERS = "0, 114, 178", "213, 94, 0"
"""Colours of words, as in the charts."""


def round_panel(study: Study, round_: Round, me: User) -> None:
    """What one round's models are worth, head by head."""
    with read_session(data.engine()) as session:
        by_head = models.of_round(session, round_)
        table = rounds.models(session, round_)
    if not by_head:
        st.info(plain(round_.message or _("This round made no model.")))
        return
    serving = [
        f"{words.head(head)}: {words.model(one.name)}" for head, made in by_head.items() for one in made if one.champion
    ]
    if serving:
        st.success(_("Serving from this round: {models}").format(models=" · ".join(serving)), icon=":material/trophy:")
    st.write(_("Measured on people whom the models never saw."))
    head = address.choose(_("Predicts"), list(by_head), key="head", names=words.head)
    made = by_head[head]
    _champion(made)
    _beside_baselines(table[table["head"] == head], made, round_)
    _ahead(made)
    chosen = _chosen(made)
    _calibration(chosen)
    left, right = st.columns(2, gap="large")
    with left:
        _cohorts(chosen)
        _cold_start(chosen)
    with right:
        _changes(chosen)
        _forgetting(chosen)
    _worst(study, chosen, me)
    _card(chosen)


def _champion(made: list[ModelVersion]) -> None:
    """Who serves, and why."""
    best = next((one for one in made if one.champion), None)
    said = (
        _("Serving now: {model}").format(model=words.model(best.name))
        if best
        else _("A model of another round serves.")
    )
    st.markdown(f"**{said}**")
    for reason in dict.fromkeys(one.reason for one in made if one.reason):
        st.markdown(f":material/info: {plain(definitions.said(reason))}")


def _beside_baselines(rows: pd.DataFrame, made: list[ModelVersion], round_: Round) -> None:
    if rows.empty:
        _all_measures(made)
        return
    named = rows.assign(measure=rows["measure"].map(words.measure), model=rows["model"].map(words.model))
    names = [words.model(one.name) for one in made]
    st.altair_chart(charts.models(named, names=names, title=_("Value on held-out people, interval (95 %)")))
    columns = ["head", "model", "champion", "measure", "value", "ci_low", "ci_high", "n", "definition"]
    take.numbers(rows[columns], f"models-round-{round_.number}")


def _ahead(made: list[ModelVersion]) -> None:
    """Whether the model that served kept what it promised."""
    table = models.ahead(made)
    if table.empty:
        return
    st.subheader(_("Did the model that served keep its promise?"))
    st.write(_("Measured as it served, on people who joined after it was trained."))
    written = table.assign(text=[_estimated(row) for row in table.to_dict("records")])
    wide = written.pivot(index="measure", columns="when", values="text").reindex(table["measure"].unique())
    wide = wide.reindex(columns=["then", "later"]).reset_index()
    columns = {"measure": _("Measure"), "then": _("When it was chosen"), "later": _("On people who came later")}
    named = wide.assign(measure=wide["measure"].map(words.measure)).fillna("-").rename(columns=columns)
    st.table(named.set_index(columns["measure"]))
    take.numbers(table, f"later-people-{made[0].head}")


def _estimated(row: Mapping[Any, Any]) -> str:
    """Value, interval and n."""
    value, low, high = (_written(row[name]) for name in ("value", "ci_low", "ci_high"))
    return _("{value} ({low} to {high}), n = {n}").format(value=value, low=low, high=high, n=f"{int(row['n']):,}")


def _all_measures(made: list[ModelVersion]) -> None:
    """For models whose measures share no scale, such as those of response times: a table instead of a chart."""
    table = models.measures(made)
    if table.empty:
        st.info(_("No figure could be estimated: too few held-out people."))
        return
    told = {"model": table["model"].map(words.model), "definition": table["definition"].map(definitions.said)}
    named = table.assign(**told)
    columns = {"model": _("Model"), "measure": _("Measure"), "value": _("Value"), "definition": _("Definition")}
    st.dataframe(named, hide_index=True, column_config=columns, column_order=list(columns))
    take.numbers(named, f"models-{made[0].head}")


def _chosen(made: list[ModelVersion]) -> ModelVersion:
    """The model that the rest of the page is about: the one that serves, unless another is asked for."""
    st.subheader(_("A closer look"))
    by_id = {one.id: one for one in made}
    first = next((n for n, one in enumerate(made) if one.champion), 0)
    if len(made) == 1:
        return made[0]
    asked = st.segmented_control(
        _("Model"), list(by_id), default=list(by_id)[first], format_func=lambda key: words.model(by_id[key].name),
        required=True, key=f"model-{made[0].head}-{made[0].round_id}",
    )  # fmt: skip
    return by_id[asked]


def _calibration(model: ModelVersion) -> None:
    bins, cells = models.reliability(model), models.confusion(model)
    if bins.empty:
        st.info(_("There is no closer look at this model: it is of an earlier version, or nobody was held out."))
        return
    left, right = st.columns(2, gap="large")
    with left:
        _title(_("Can its probabilities be trusted?"))
        st.altair_chart(charts.reliability(bins, x_title=_("Predicted probability"), title=_("Observed frequency")))
        take.numbers(bins, f"calibration-{model.head}-{model.name}")
    with right:
        _title(_("Which stars does it confuse?") if cells["true"].max() > 1 else _("Does it confuse yes and no?"))
        st.altair_chart(charts.confusion(cells, x_title=_("Predicted"), title=_("True")))
        take.numbers(cells, f"confusion-{model.head}-{model.name}")


def _cohorts(model: ModelVersion) -> None:
    table, gap = models.cohort_errors(model)
    if gap is None:
        return
    _title(_("Is its error the same for all cohorts?"))
    if gap.get("value") is None:
        st.write(_("Cannot tell: {reason}.").format(reason=plain(definitions.said(str(gap.get("reason"))))))
        return
    said = _("Largest gap in error between two cohorts: {value} ({low} to {high})")
    low, high = (_written(gap.get(name)) for name in ("ci_low", "ci_high"))
    st.write(said.format(value=_written(gap["value"]), low=low, high=high))
    rows = table.assign(arm=table["cohort"], label=_labels(table, "cohort", ".2f"))
    st.altair_chart(charts.dots(rows, list(rows["arm"]), title=_("Mean error")))
    take.numbers(table, f"cohorts-{model.head}-{model.name}")


def _changes(model: ModelVersion) -> None:
    table = models.changes(model)
    known = table[table["value"].notna()]
    if known.empty:
        return
    _title(_("Do small changes in wording change its predictions?"))
    worst = known.sort_values("value").iloc[-1]
    said = _("{change} flip {share} of its predictions.")
    st.write(said.format(change=words.change(worst["change"]), share=f"{worst['value']:.0%}"))
    named = known.assign(change=known["change"].map(words.change))
    rows = named.assign(arm=named["change"], label=_labels(named, "change", ".0%"))
    st.altair_chart(charts.dots(rows, list(rows["arm"]), title=_("Share of predictions that flip"), number=".0%"))
    take.numbers(table, f"changes-{model.head}-{model.name}")


def _cold_start(model: ModelVersion) -> None:
    table = models.cold_start(model)
    known = table[table["value"].notna() & table["ci_low"].notna()]
    if known.empty:
        return
    _title(_("How does it do on people and items it hardly knows?"))
    named = known.assign(known=known["known"].map(words.known))
    rows = named.assign(arm=named["known"], label=_labels(named, "known", ".2f"))
    st.altair_chart(charts.dots(rows, list(rows["arm"]), title=_("Mean error in stars")))
    take.numbers(table, f"newcomers-{model.head}-{model.name}")


def _forgetting(model: ModelVersion) -> None:
    table = models.forgetting(model)
    if table["round"].nunique() < 2:
        return
    _title(_("Does it forget earlier rounds?"))
    which = {"this": _("this model"), "before": _("the champion before it")}
    rows = table.assign(name=table["which"].map(which))
    chart = charts.lines(rows, title=_("Log-loss (lower is better)"), x_title=_("People of round"), number=".2f")
    st.altair_chart(chart)
    take.numbers(table, f"forgetting-{model.head}-{model.name}")


def _worst(study: Study, model: ModelVersion, me: User) -> None:
    raw = has_role(me, "admin") and bool(st.session_state.get("_raw_comments"))
    with read_session(data.engine()) as session:
        table = models.worst(session, model, raw=raw)
    if table.empty:
        return
    st.subheader(_("What it got most wrong"))
    st.write(_("Words in blue raised the prediction, words in orange lowered it; the strongest show by how much."))
    for row in table.to_dict("records"):
        with st.container(border=True):
            said = _("Given: {label} · predicted: {expected}")
            about = f" · {plain(str(row['item']))}" if isinstance(row["item"], str) else ""
            st.markdown(
                f"**{said.format(label=format(row['label'], '.0f'), expected=format(row['expected'], '.1f'))}**{about}"
            )
            if row["text"]:
                st.text(row["text"])
            if row["words"]:
                st.html(coloured(row["words"], row["weights"]))
    take.numbers(table[["item", "text", "label", "expected"]], f"worst-{study.slug}-{model.head}")


def coloured(tokens: list[str], weights: list[float]) -> str:
    """Words on a ground as strong as their weight; the three strongest with their number, so that colour is not all."""
    most = max((abs(weight) for weight in weights), default=0.0) or 1.0
    strongest = sorted(range(len(weights)), key=lambda i: -abs(weights[i]))[:3]
    parts = []
    for place, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        colour, strength = RAISES if weight > 0 else LOWERS, 0.55 * abs(weight) / most
        number = f"<sub>{weight:+.2f}</sub>" if place in strongest else ""
        parts.append(f'<span style="background:rgba({colour},{strength:.2f})">{escape(token)}{number}</span>')
    return f'<p style="line-height:1.9">{" ".join(parts)}</p>'


def _card(model: ModelVersion) -> None:
    text = models.card(model, data.settings().home)
    if text is None:
        return
    with st.expander(_("Model card")):
        st.markdown(text.partition("\n---\n")[2])
    st.download_button(
        _("Download the model card"), text, f"model-card-{model.head}.md", "text/markdown", icon=":material/download:"
    )


def _title(text: str) -> None:
    st.markdown(f"**{text}**")


def _labels(table: pd.DataFrame, name: str, form: str) -> list[str]:
    return [
        f"{key}|{value:{form}} (n = {int(n):,})"
        for key, value, n in zip(table[name], table["value"], table["n"], strict=True)
    ]


def _written(value: Any) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:.2f}"
