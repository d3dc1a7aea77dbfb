"""The parts of the comments page: themes, filters, the table, and tags by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from db.engine import write_session
from db.tables import Study, User
from recux import charts
from recux.access import audit
from recux.access.accounts import has_role
from recux.collect.tags import set_tags
from recux.errors import RecuxError
from recux.insight import comments, themes
from recux.insight.comments import Wanted
from recux.ui import address, data, frame, problems, take, times
from recux.ui.language import _
from recux.ui.plain import plain

LOOKED = "_raw_comments"
"""Whether the unmasked comments are on the screen; their first look is in the audit log."""
Names = Mapping[int, str]


def headline(found: pd.DataFrame, names: Names) -> str:
    """What people speak of most, and what makes them unhappy."""
    if found.empty:
        return _("What do people say?")
    sad = found[found["stars"] < found["others"]]
    if sad.empty:
        return _("Most is said about: {theme}").format(theme=plain(names[int(found["theme"].iloc[0])]))
    return _("Least happy are those who write about: {theme}").format(theme=plain(names[_saddest_first(found)[0]]))


def _saddest_first(found: pd.DataFrame) -> list[int]:
    """Themes by how much they cost: how far their writers are below the others, times how many they are."""
    cost = (found["others"] - found["stars"]) * found["share"]
    return [int(theme) for theme in found.loc[cost.sort_values(ascending=False).index, "theme"]]


def themes_panel(study: Study, read: pd.DataFrame, found: pd.DataFrame, names: Names, arms: Mapping[str, str]) -> None:
    """Themes with their size and sentiment; by arm and cohort; over rounds; typical quotes."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(_("What it is about"))
        st.altair_chart(charts.themes(_bars(found, names), title=_("Share of people who write about it"), mood=""))
        take.numbers(found.assign(theme=found["theme"].map(names)), "themes")
    with right:
        st.subheader(_("In their words"))
        chosen = st.selectbox(_("Theme"), _saddest_first(found), format_func=lambda key: names[key], key="quoted")
        for quote in themes.quotes(read, chosen):
            st.text(f"“{quote}”")
        _facts(found[found["theme"] == chosen].iloc[0])
    with st.expander(_("By arm, by cohort, over rounds")):
        for group, title in (("arm", _("Arm")), ("cohort", _("Cohort"))):
            table = themes.by_group(read, group, least=study.min_group)
            if table["group"].nunique() > 1:
                _by_group(table, group, title, names, arms)
        over = themes.over_rounds(read)
        if over["round"].nunique() > 1:
            lines = over.assign(name=over["theme"].map(names), value=over["share"])
            st.altair_chart(charts.lines(lines, title=_("Share of the round's comments"), x_title=_("Round")))
            take.numbers(lines[["round", "name", "value", "n"]], "themes-over-rounds")


def _bars(found: pd.DataFrame, names: Names) -> pd.DataFrame:
    happier = found["stars"] >= found["others"]
    people = _("{n} people, {stars} stars")
    labels = [
        f"{names[theme]}|{people.format(n=f'{n:,}', stars=f'{stars:.1f}')}"
        for theme, n, stars in zip(found["theme"], found["people"], found["stars"], strict=True)
    ]
    moods = happier.map({True: _("happier than others"), False: _("less happy than others")})
    return found.assign(label=labels, happier=happier, mood=moods, n=found["people"])


def _facts(row: pd.Series) -> None:
    said = _("Its {n} people give {stars} stars on average, all others {others}.")
    st.write(said.format(n=f"{int(row['people']):,}", stars=f"{row['stars']:.2f}", others=f"{row['others']:.2f}"))
    if pd.notna(row["trend"]):
        moved = _("In the last round its share of comments moved by {points} points.")
        st.write(moved.format(points=f"{100 * row['trend']:+.0f}"))


def _by_group(table: pd.DataFrame, group: str, title: str, names: Names, arms: Mapping[str, str]) -> None:
    known = table.assign(group=table["group"].map(arms) if group == "arm" else table["group"])
    shares = known.pivot_table(index="theme", columns="group", values="share", fill_value=0.0)
    shares.columns = [f"{name} (n = {known.loc[known['group'] == name, 'n'].iloc[0]})" for name in shares.columns]
    shown = shares.rename(index=dict(names)).rename_axis(_("Theme")).reset_index()
    percent = {c: st.column_config.NumberColumn(c, format="percent") for c in shown.columns[1:]}
    st.write(_("Share of each group's writers: {group}").format(group=title))
    st.dataframe(shown, hide_index=True, column_config=percent)
    take.numbers(known.assign(theme=known["theme"].map(names)), f"themes-by-{group}")


def filters(arms: Mapping[str, str], cohorts: Sequence[str], names: Names, tags: Sequence[str]) -> Wanted:
    """Which comments are asked for; the address keeps it, so that it can be shared."""
    one, two, three = st.columns([3, 2, 2])
    search = one.text_input(_("Search"), key="search", bind="query-params", placeholder=_("Words that must occur"))
    arm = address.pick(_("Arm"), list(arms), key="arm", names=lambda k: arms[k], nothing=_("All arms"), place=two)
    cohort = address.pick(_("Cohort"), cohorts, key="cohort", names=str, nothing=_("All cohorts"), place=three)
    four, five, six = st.columns([3, 2, 2])
    low, high = four.select_slider(_("Stars"), [1, 2, 3, 4, 5], value=(1, 5), key="stars", bind="query-params")
    themes_ = {str(key): name for key, name in names.items()}
    theme = address.pick(
        _("Theme"), list(themes_), key="theme", names=themes_.__getitem__, nothing=_("All themes"), place=five
    )
    tag = address.pick(_("Tag"), tags, key="tag", names=str, nothing=_("All tags"), place=six)
    odd = st.toggle(
        _("Only where score and words contradict each other"), key="odd", disabled=not names, bind="query-params"
    )
    chosen = int(theme) if theme is not None else None
    return Wanted(search, arm, cohort, chosen, tag, (low, high), contradicting=odd)


def table(study: Study, shown: pd.DataFrame, arms: Mapping[str, str], names: Names, me: User) -> None:
    """The comments; a chosen row can be tagged."""
    rows = shown.assign(
        arm=shown["arm"].map(arms),
        theme=shown["theme"].map(names),
        odd=comments.contradicts(shown).map({True: "≠", False: ""}),
        item=shown["item"].fillna(shown["about"].str.upper()),
    )
    may_tag = has_role(me, "analyst")
    event: Any = st.dataframe(
        rows,
        hide_index=True,
        column_config=_columns(),
        column_order=["score", "comment", "expected", "odd", "theme", "tags", "item", "arm", "cohort", "at"],
        height=460,
        placeholder="",
        on_select="rerun" if may_tag else "ignore",
        selection_mode="single-row",
        key="chosen_comment",
    )
    if len(rows) == comments.LIMIT:
        st.text(_("These are the newest {n}; search to see others.").format(n=comments.LIMIT))
    take.numbers(_flat(rows), "comments", label=_("Download these as CSV"))
    picked = event.selection.rows if may_tag else []
    if picked and picked[0] < len(shown):
        _tagging(study, shown.iloc[picked[0]], me)
    elif may_tag:
        st.text(_("Choose a row to tag its comment."))


def _flat(rows: pd.DataFrame) -> pd.DataFrame:
    kept = ["at", "arm", "cohort", "item", "category", "score", "top", "comment", "expected", "theme", "tags"]
    return rows[kept].assign(tags=rows["tags"].map(", ".join))


def _tagging(study: Study, row: pd.Series, me: User) -> None:
    with st.form(f"tags-{row['kind']}-{row['id']}", border=True):
        st.text(f"“{row['comment']}”")
        chosen = st.multiselect(
            _("Tags"), row["tags"], default=row["tags"], accept_new_options=True, placeholder=_("Write a tag")
        )
        if not st.form_submit_button(_("Save the tags")):
            return
    try:
        with write_session(data.engine()) as session:
            set_tags(session, study, row["kind"], int(row["id"]), list(chosen), by=me.email)
            audit.record(
                session, actor=me.email, action="comment.tag", target=study.slug, row=f"{row['kind']} {row['id']}"
            )
    except RecuxError as problem:
        st.error(problems.said(problem))
        return
    frame.done(_("The tags are saved."))


def _columns() -> dict[str, Any]:
    return {
        "at": times.column(_("When")),
        "arm": _("Arm"),
        "cohort": _("Cohort"),
        "item": _("About"),
        "score": st.column_config.NumberColumn(_("Score"), format="%.0f"),
        "expected": st.column_config.NumberColumn(
            _("Stars in the words"), format="%.1f", help=_("What the model expects from the words alone, 1 to 5")
        ),
        "odd": st.column_config.TextColumn("≠", help=_("Score and words contradict each other")),
        "theme": _("Theme"),
        "tags": st.column_config.ListColumn(_("Tags")),
        "comment": st.column_config.TextColumn(_("Comment"), width="large"),
    }
