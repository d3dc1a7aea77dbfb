"""The tabs of the form of a study. Each returns the settings that it asks for, by the names in a STUDY.toml."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from recux import instruments
from recux.collect.definitions import PLAIN_METRICS, ArmDefinition, StudyDefinition
from recux.collect.flow import STEPS, Panel
from recux.errors import InvalidInput
from recux.ui import words
from recux.ui.language import NAMES, _

FIRST_ARMS = [ArmDefinition(key="a", title="", source="popularity")]
ARM_FIELDS = ("key", "title", "weight", "source", "options")


def basics(start: StudyDefinition, key: str, *, frozen: bool) -> dict[str, Any]:
    """Title, languages, questionnaires, what decides, how many people are planned."""
    left, right = st.columns(2)
    title = left.text_input(_("Title"), start.title, key=f"{key}-title", placeholder=_("Spring pilot"))
    languages = right.multiselect(
        _("Languages that people are asked in"),
        list(dict.fromkeys([*start.languages, *NAMES])),
        start.languages,
        format_func=lambda code: NAMES.get(code, code),
        accept_new_options=True,
        disabled=frozen,
        key=f"{key}-languages",
    )
    known = list(dict.fromkeys([*instruments.available(), *start.instruments]))
    asked = st.multiselect(_("Questionnaires"), known, start.instruments, disabled=frozen, key=f"{key}-instruments")
    left, middle, right = st.columns(3)
    metrics = list(dict.fromkeys([start.primary_metric, *PLAIN_METRICS, *_constructs(asked)]))
    metric = left.selectbox(_("What decides"), metrics, format_func=words.metric, disabled=frozen, key=f"{key}-metric")
    size = middle.number_input(
        _("Items a person sees"), 1, 100, start.slate_size, disabled=frozen, key=f"{key}-slate_size"
    )
    planned = right.number_input(
        _("People planned for each arm"), 2, 1_000_000, start.planned_n, disabled=frozen, key=f"{key}-planned_n",
        help=_("Decides what the pilot can see, and how it is watched while it runs."),
    )  # fmt: skip
    found = {"title": title, "languages": languages, "instruments": asked, "primary_metric": metric}
    return found | {"slate_size": int(size), "planned_n": int(planned) if planned else None}


def arms(start: StudyDefinition, key: str, *, frozen: bool) -> dict[str, Any]:
    """The ways of recommending, as rows that :func:`read_arms` understands."""
    st.markdown(_("**Arms**: the ways of recommending that are compared. The first is the control."))
    rows = [
        {"key": arm.key, "title": arm.title, "weight": arm.weight, "source": arm.source, "options": _written(arm)}
        for arm in start.arms
    ]
    column = st.column_config
    table = st.data_editor(
        pd.DataFrame(rows, columns=list(ARM_FIELDS)),
        num_rows="fixed" if frozen else "dynamic",
        disabled=["key", "weight", "source", "options"] if frozen else False,
        column_config={
            "key": column.TextColumn(_("Key"), required=True),
            "title": column.TextColumn(_("Title")),
            "weight": column.NumberColumn(_("Weight"), min_value=0.0, default=1.0),
            "source": column.SelectboxColumn(_("Source"), options=words.SOURCES, required=True, default="popularity"),
            "options": column.TextColumn(_("Options (JSON)"), help=_("For example {example}").format(example=EXAMPLE)),
        },
        hide_index=True,
        key=f"{key}-arms",
    )
    st.caption(_("http needs url; every source but imported knows diversity, explanations and slate_size."))
    return {"arms": table.to_dict("records")}


def read_arms(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The arms in the rows of the table. Raises InvalidInput for options that are no JSON object."""
    return [_arm(row) for row in rows]


EXAMPLE = '{"url": "https://rec.example.org/{participant_id}"}'


def flow(start: StudyDefinition, key: str, asked: list[str], *, frozen: bool) -> dict[str, Any]:
    """The design, the steps of a person's way, and what stands on the last page."""
    design = st.radio(
        _("Who sees what"),
        ["between", "crossover"],
        index=["between", "crossover"].index(start.design),
        format_func={
            "between": _("Each person sees one arm"),
            "crossover": _("Each person sees both arms, one after the other"),
        }.__getitem__,
        disabled=frozen,
        key=f"{key}-design",
    )
    per_list = []
    if design == "crossover":
        options = [*asked, *(name for name in start.per_list if name not in asked)]
        per_list = st.multiselect(
            _("Questionnaires asked after each list"), options, start.per_list, disabled=frozen, key=f"{key}-per_list"
        )
    steps = st.multiselect(
        _("Steps, in order"),
        list(dict.fromkeys([*start.steps, *STEPS, *asked])),
        start.steps,
        disabled=frozen,
        key=f"{key}-steps",
        help=_(
            "Begins with consent and ends with thanks; “questionnaires” stands for all questionnaires that are not "
            "listed by name."
        ),
    )
    shuffle = st.checkbox(
        _("Show the items of a list in a random order"), start.shuffle, disabled=frozen, key=f"{key}-shuffle"
    )
    own = st.checkbox(_("Show people their own answers at the end"), start.own_answers, key=f"{key}-own")
    said = {"design": design, "per_list": per_list, "steps": steps, "shuffle": shuffle, "own_answers": own}
    return said | {"panel": _panel(start.panel, key, frozen=frozen)}


def _panel(start: Panel | None, key: str, *, frozen: bool) -> dict[str, Any] | None:
    """Whether a panel sends the people, by which parameters it names them, and how they get back to it."""
    comes = st.checkbox(
        _("People come from a panel (Prolific and the like)"), start is not None, disabled=frozen, key=f"{key}-panel",
        help=_("The open link then expects the panel's parameters, and the last page leads back to the panel."),
    )  # fmt: skip
    if not comes:
        return None
    before = start or Panel()
    left, right = st.columns(2)
    parameter = left.text_input(
        _("Parameter with the member's id"), before.parameter, disabled=frozen, key=f"{key}-panel_parameter"
    )
    also = right.text_input(
        _("Further parameters to keep"), ", ".join(before.also), disabled=frozen, key=f"{key}-panel_also",
        help=_("Separated by commas."),
    )  # fmt: skip
    code = left.text_input(_("Completion code"), before.completion_code, key=f"{key}-panel_code")
    address = right.text_input(
        _("Completion address"), before.completion_url, key=f"{key}-panel_url",
        placeholder="https://app.prolific.com/submissions/complete?cc=CODE",
    )  # fmt: skip
    names = [name for name in (part.strip() for part in also.split(",")) if name]
    back = {"completion_code": code.strip(), "completion_url": address.strip()}
    return {"parameter": parameter.strip(), "also": names, **back}


def texts(start: StudyDefinition, key: str, languages: list[str]) -> dict[str, Any]:
    """Consent and debriefing, in each language."""
    st.caption(_("A consent text that changes after the launch is a new version: everybody is asked again."))
    consent: dict[str, str] = {}
    debrief: dict[str, str] = {}
    text, end = _("Consent text"), _("Last page")
    for code, place in zip(languages, st.columns(max(1, len(languages))), strict=False):
        name = NAMES.get(code, code)
        said = place.text_area(f"{text} ({name})", start.consent.get(code, ""), height=220, key=f"{key}-consent-{code}")
        last = place.text_area(f"{end} ({name})", start.debrief.get(code, ""), key=f"{key}-debrief-{code}")
        consent |= {code: said} if said.strip() else {}
        debrief |= {code: last} if last.strip() else {}
    return {"consent": consent, "debrief": debrief}


def batches(start: StudyDefinition, key: str) -> dict[str, Any]:
    """When a batch closes, what the recommender promises, and which groups are too small to be shown."""
    left, right = st.columns(2)
    size = left.number_input(
        _("Ratings, or questionnaires, that make a batch"), 1, 10_000_000, start.batch_size, key=f"{key}-batch_size"
    )
    age = right.number_input(
        _("A batch is closed after (hours)"), 0.1, 10_000.0, start.batch_max_age_hours, key=f"{key}-batch_age"
    )
    slow = left.number_input(
        _("95 % of requests answered within (ms)"), 1.0, None, start.objectives.get("p95_ms"), key=f"{key}-p95"
    )
    failed = right.number_input(
        _("Failed requests, at most (%)"), 0.0, 100.0,
        100 * start.objectives["failure_rate"] if "failure_rate" in start.objectives else None, key=f"{key}-failed",
    )  # fmt: skip
    smallest = left.number_input(
        _("Hide groups of fewer people than"), 1, 1000, start.min_group, key=f"{key}-min_group",
        help=_("So that nobody can be recognised in a figure."),
    )  # fmt: skip
    promised = {"p95_ms": slow, "failure_rate": None if failed is None else failed / 100}
    objectives = {name: float(value) for name, value in promised.items() if value is not None}
    found = {"batch_size": int(size), "batch_max_age_hours": float(age), "min_group": int(smallest)}
    return found | {"objectives": objectives}


def _constructs(asked: list[str]) -> list[str]:
    there = set(instruments.available())  # the file of a launched study's may be gone
    return [f"{name}.{one.name}" for name in asked if name in there for one in instruments.load(name).constructs]


def _written(arm: ArmDefinition) -> str:
    return json.dumps(arm.options, ensure_ascii=False) if arm.options else ""


def _arm(row: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in row.items() if pd.notna(value) and value != ""}
    text = str(known.pop("options", "") or "{}")
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise InvalidInput(f"arm {known.get('key')!r}: options must be a JSON object such as {EXAMPLE}")
    return options | known
