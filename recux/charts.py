"""DataFrames to charts. Each shows one thing, with its interval and its n; nothing is computed and nothing shown here.

An arm has the same colour in every chart of a study, from a palette that colour-blind readers can tell apart
(Okabe and Ito 2008). Tables name their columns in their docstrings; words in them are already in the reader's language.
"""

from collections.abc import Sequence

import altair as alt
import pandas as pd

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")
ALL_ARMS = "#6B7280"
Chart = alt.Chart | alt.LayerChart | alt.FacetChart
ROW, AXIS, NAME, ENTRY = 52, 70, 110, 26
"""Pixels for one row of dots, for the axis below, for an arm's name beside a row, and for a line of the legend."""


def dots(
    table: pd.DataFrame, arms: Sequence[str], *, title: str, number: str = ".2f", promised: float | None = None
) -> Chart:
    """One row for each arm: its value as a dot, its interval as a line; what was promised as a dashed line.

    ``table``: ``arm``, ``value``, ``ci_low``, ``ci_high``, ``n``, ``label`` (what stands beside the row; ``|`` breaks
    the line), in the order of the rows.
    """
    base = alt.Chart(table).encode(y=_rows("label", NAME), color=_colour(arms), tooltip=_tooltip("arm", number))
    scale = alt.Scale(zero=False)
    line = base.mark_rule(strokeWidth=3).encode(x=_value("ci_low", title, number, scale), x2="ci_high:Q")
    dot = base.mark_point(filled=True, size=130, opacity=1).encode(x=_value("value", title, number, scale))
    layers = [line, dot] if promised is None else [_mark_at(promised), line, dot]
    return alt.layer(*layers).properties(height=ROW * table["arm"].nunique() + AXIS)


def trend(table: pd.DataFrame, arms: Sequence[str], *, title: str, x_title: str, number: str = ".2f") -> Chart:
    """A line for each arm over rounds or days, with its interval as a whisker.

    ``table``: ``when`` (a number of a round, or a time), ``arm``, ``value``, ``ci_low``, ``ci_high``, ``n``.
    """
    in_time = pd.api.types.is_datetime64_any_dtype(table["when"])
    axis = alt.Axis(title=x_title, tickMinStep=1, labelAngle=0)
    kind = "T" if in_time else "O"
    base = alt.Chart(table).encode(
        x=alt.X(f"when:{kind}", axis=axis),
        xOffset=alt.XOffset("arm:N", sort=list(arms)) if not in_time else alt.Undefined,
        color=_colour(arms, legend=len(arms) > 1),
        tooltip=[alt.Tooltip(f"when:{kind}", title=x_title), *_tooltip("arm", number)],
    )
    whisker = base.mark_rule(strokeWidth=2, opacity=0.55).encode(
        y=alt.Y("ci_low:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=number)), y2="ci_high:Q"
    )
    line = base.mark_line(strokeWidth=2.5).encode(y=alt.Y("value:Q", title=title))
    dot = base.mark_point(filled=True, size=80, opacity=1).encode(y=alt.Y("value:Q", title=title))
    return alt.layer(whisker, line, dot).properties(height=_with_legend(230, arms))


def differences(
    table: pd.DataFrame, arms: Sequence[str], *, title: str, margin: float | None = None, number: str = "+.2f"
) -> Chart:
    """One row for each comparison: the difference to the control with its interval, beside a line at zero.

    ``table``: ``arm``, ``label`` (``|`` breaks the line), ``value``, ``ci_low``, ``ci_high``, ``n``. ``arms`` are all,
    the control first. ``margin`` shades differences that are too small to matter.
    """
    reach = max(table["ci_high"].max(), -table["ci_low"].min(), margin or 0.0) * 1.1
    scale = alt.Scale(domain=[-reach, reach])
    base = alt.Chart(table).encode(y=_rows("label"), color=_colour(arms), tooltip=_tooltip("label", number))
    line = base.mark_rule(strokeWidth=3).encode(x=_value("ci_low", title, number, scale), x2="ci_high:Q")
    dot = base.mark_point(filled=True, size=130, opacity=1).encode(x=_value("value", title, number, scale))
    layers = [_mark_at(0.0), line, dot]
    if margin:
        band = pd.DataFrame({"low": [-margin], "high": [margin]})
        layers.insert(0, alt.Chart(band).mark_rect(color=ALL_ARMS, opacity=0.15).encode(x="low:Q", x2="high:Q"))
    return alt.layer(*layers).properties(height=ROW * len(table) + AXIS)


def funnel(table: pd.DataFrame, *, title: str) -> Chart:
    """How many people reached each step, in order. ``table``: ``step`` (``|`` breaks the line), ``people``."""
    base = alt.Chart(table).encode(
        y=_rows("step"),
        x=alt.X("people:Q", title=title, axis=alt.Axis(tickMinStep=1, format="d")),
    )
    bars: Chart = base.mark_bar(color=PALETTE[0]).properties(height=38 * len(table) + AXIS)
    return bars


def themes(table: pd.DataFrame, *, title: str, mood: str, number: str = ".0%") -> Chart:
    """A bar for each theme, as long as the share of people who write about it, blue where its writers are happier
    than the others and orange where they are less so.

    ``table``: ``label`` (``|`` breaks the line), ``share`` (0 to 1), ``ci_low``, ``ci_high``, ``mood`` (words of
    either), ``happier`` (bool), ``n``. ``mood`` is the legend's title.
    """
    moods = table.sort_values("happier")[["mood", "happier"]].drop_duplicates()
    colours = [PALETTE[0] if happier else PALETTE[1] for happier in moods["happier"]]
    legend = alt.Legend(title=mood or None, orient="top", direction="vertical", labelLimit=400)
    base = alt.Chart(table).encode(y=_rows("label"))
    bars = base.mark_bar(height=22).encode(
        x=alt.X("share:Q", title=title, axis=alt.Axis(format=number, tickCount=5)),
        color=alt.Color("mood:N", scale=alt.Scale(domain=list(moods["mood"]), range=colours), legend=legend),
        tooltip=[alt.Tooltip("label:N"), alt.Tooltip("share:Q", format=number), "n:Q"],
    )
    lines = base.mark_rule(color=ALL_ARMS, strokeWidth=2).encode(x="ci_low:Q", x2="ci_high:Q")
    return alt.layer(bars, lines).properties(height=46 * len(table) + AXIS)


def lines(table: pd.DataFrame, *, title: str, x_title: str, number: str = ".0%") -> Chart:
    """A line for each of a few things over rounds. ``table``: ``round``, ``name``, ``value``, ``n``."""
    names = list(dict.fromkeys(table["name"]))
    colour = alt.Scale(domain=names, range=[PALETTE[i % len(PALETTE)] for i in range(len(names))])
    chart: Chart = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5, point=True)
        .encode(
            x=alt.X("round:O", title=x_title, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title=title, axis=alt.Axis(format=number)),
            color=alt.Color("name:N", scale=colour, legend=_on_top()),
            tooltip=["round:O", "name:N", alt.Tooltip("value:Q", format=number), "n:Q"],
        )
        .properties(height=260)
    )
    return chart


def concentration(table: pd.DataFrame, arms: Sequence[str], *, title: str, x_title: str) -> Chart:
    """How large a share of the places the most shown items take, a line for each arm, beside that of equal shares.

    ``table``: ``arm``, ``share_of_items``, ``share_of_places``, ``n``.
    """
    form = alt.Axis(format=".0%", tickCount=5)
    equal = alt.Chart(pd.DataFrame({"share_of_items": [0.0, 1.0], "share_of_places": [0.0, 1.0]}))
    line = equal.mark_line(strokeDash=[5, 4], color=ALL_ARMS).encode(x="share_of_items:Q", y="share_of_places:Q")
    curves = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("share_of_items:Q", title=x_title, axis=form),
            y=alt.Y("share_of_places:Q", title=title, axis=form),
            color=_colour(arms, legend=len(arms) > 1),
            tooltip=[
                "arm:N",
                alt.Tooltip("share_of_items:Q", format=".0%"),
                alt.Tooltip("share_of_places:Q", format=".0%"),
            ],
        )
    )
    return alt.layer(line, curves).properties(height=300)


def _on_top() -> alt.Legend:
    return alt.Legend(title=None, orient="top", direction="vertical", labelLimit=400, symbolOpacity=1)


def reliability(table: pd.DataFrame, *, x_title: str, title: str) -> Chart:
    """How often it was so against how likely it was said to be, a dot for each bin as large as its rows, beside the
    line of a perfect model. ``table``: ``predicted``, ``observed``, ``n``.
    """
    scale, form = alt.Scale(domain=[0, 1]), alt.Axis(format=".0%", tickCount=5)
    perfect = alt.Chart(pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]}))
    line = perfect.mark_line(strokeDash=[5, 4], color=ALL_ARMS).encode(x="predicted:Q", y="observed:Q")
    dots_ = (
        alt.Chart(table)
        .mark_circle(color=PALETTE[0], opacity=0.9)
        .encode(
            x=alt.X("predicted:Q", title=x_title, scale=scale, axis=form),
            y=alt.Y("observed:Q", title=title, scale=scale, axis=form),
            size=alt.Size("n:Q", scale=alt.Scale(range=[40, 500]), legend=None),
            tooltip=[*(alt.Tooltip(f"{name}:Q", format=".0%") for name in ("predicted", "observed")), "n:Q"],
        )
    )
    return alt.layer(line, dots_).properties(height=280)


def confusion(table: pd.DataFrame, *, x_title: str, title: str) -> Chart:
    """How many rows of each true class were called what; the diagonal is right. ``table``: ``true``, ``called``, ``n``,
    ``share`` (of the true class).
    """
    base = alt.Chart(table).encode(
        x=alt.X("called:O", title=x_title, axis=alt.Axis(labelAngle=0)), y=alt.Y("true:O", title=title)
    )
    squares = base.mark_rect().encode(
        color=alt.Color("share:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None)
    )
    dark = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#1a1d21"))
    texts = base.mark_text(fontSize=14).encode(text="n:Q", color=dark)
    return alt.layer(squares, texts).properties(height=280)


def shares(
    table: pd.DataFrame, arms: Sequence[str], *, title: str, x_title: str, points: Sequence[int] | None = None
) -> Chart:
    """How the answers are spread over the scale, arm beside arm.

    ``points`` are all there are on the scale. ``table``: ``answer`` (a point), ``arm``, ``share`` (0 to 1), ``n``.
    """
    scale = alt.Scale(domain=list(points)) if points else alt.Undefined
    chart: Chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("answer:O", title=x_title, axis=alt.Axis(labelAngle=0), scale=scale),
            xOffset=alt.XOffset("arm:N", sort=list(arms)),
            y=alt.Y("share:Q", title=title, axis=alt.Axis(format=".0%")),
            color=_colour(arms, legend=len(arms) > 1),
            tooltip=["arm:N", "answer:O", alt.Tooltip("share:Q", format=".0%"), "n:Q"],
        )
        .properties(height=_with_legend(220, arms))
    )
    return chart


def quantiles(table: pd.DataFrame, arms: Sequence[str], *, title: str, objective: float | None = None) -> Chart:
    """A line for each arm over time, with what was promised as a dashed line.

    ``table``: ``at``, ``arm``, ``value``, ``n``.
    """
    lines = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5, point=True)
        .encode(
            x=alt.X("at:T", title=None),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=True)),
            color=_colour(arms, legend=len(arms) > 1),
            tooltip=["at:T", "arm:N", alt.Tooltip("value:Q", format=",.1f"), "n:Q"],
        )
    )
    layers = [lines]
    if objective is not None:
        rule = alt.Chart(pd.DataFrame({"value": [objective]}))
        layers.append(rule.mark_rule(strokeDash=[6, 4], strokeWidth=2, color=ALL_ARMS).encode(y="value:Q"))
    return alt.layer(*layers).properties(height=_with_legend(220, arms))


def models(table: pd.DataFrame, *, names: Sequence[str], title: str) -> Chart:
    """Held-out figures of the fine-tuned model beside those of the baseline, a row for each measure.

    ``names`` are the models, the fine-tuned one first. ``table``: ``measure``, ``model``, ``value``, ``ci_low``,
    ``ci_high``, ``n``.
    """
    base = alt.Chart(table).encode(
        y=_rows("measure"),
        yOffset=alt.YOffset("model:N", sort=list(names)),
        color=alt.Color(
            "model:N",
            scale=alt.Scale(domain=list(names), range=[PALETTE[0], ALL_ARMS]),
            legend=alt.Legend(title=None, orient="top", direction="vertical", labelLimit=400),
        ),
        tooltip=_tooltip("model", ".3f"),
    )
    line = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("ci_low:Q", title=title, scale=alt.Scale(domain=[0, 1])), x2="ci_high:Q"
    )
    dot = base.mark_point(filled=True, size=110, opacity=1).encode(x=alt.X("value:Q", title=title))
    return alt.layer(line, dot).properties(height=ROW * table["measure"].nunique() + AXIS + 30)


def losses(table: pd.DataFrame, *, title: str, x_title: str) -> Chart:
    """Loss over the steps of a training that runs. ``table``: ``step``, ``loss``."""
    chart: Chart = (
        alt.Chart(table)
        .mark_line(color=PALETTE[0], strokeWidth=2.5)
        .encode(x=alt.X("step:Q", title=x_title), y=alt.Y("loss:Q", title=title, scale=alt.Scale(zero=False)))
        .properties(height=200)
    )
    return chart


def _colour(arms: Sequence[str], *, legend: bool = False) -> alt.Color:
    colours = [PALETTE[number % len(PALETTE)] for number in range(len(arms))] if len(arms) > 1 else [PALETTE[0]]
    shown = (
        alt.Legend(title=None, orient="top", direction="vertical", labelLimit=190, symbolOpacity=1) if legend else None
    )
    return alt.Color("arm:N", scale=alt.Scale(domain=list(arms), range=colours), legend=shown)


def _with_legend(height: int, arms: Sequence[str]) -> int:
    """A legend above takes its lines from the height of the chart: add them, so that the drawing keeps its own."""
    return height + (ENTRY * len(arms) if len(arms) > 1 else 0)


def _tooltip(name: str, number: str) -> list[alt.Tooltip]:
    numbers = [alt.Tooltip(f"{column}:Q", format=number) for column in ("value", "ci_low", "ci_high")]
    return [alt.Tooltip(f"{name}:N"), *numbers, alt.Tooltip("n:Q")]


def _rows(column: str, limit: int = 260) -> alt.Y:
    """Rows in the order of the table; a ``|`` breaks their label into lines, at most ``limit`` pixels wide each."""
    axis = alt.Axis(
        labelLimit=limit, ticks=False, domain=False, labelExpr="split(datum.label, '|')", labelBaseline="middle"
    )
    return alt.Y(f"{column}:N", sort=None, title=None, axis=axis)


def _value(column: str, title: str, number: str, scale: alt.Scale) -> alt.X:
    return alt.X(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(format=number, tickCount=6))


def _mark_at(value: float) -> alt.Chart:
    mark: alt.Chart = alt.Chart(pd.DataFrame({"x": [value]})).mark_rule(
        strokeDash=[5, 4], strokeWidth=2, color=ALL_ARMS
    )
    return mark.encode(x="x:Q")
