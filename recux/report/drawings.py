"""The report's pictures: SVG in the page itself, so that it needs no network and prints sharply."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from recux import charts
from recux.report.language import _
from recux.report.model_sentences import named
from recux.report.words import PERCENT, VERDICTS, name_of, number

Json = Mapping[str, Any]
WIDTH = 620
PRIMARY = ("mean_rating", "nps", "csat")


def drawings(report: Json) -> dict[str, list[str]]:
    """SVG texts by the key of their section; a section without enough to draw has none."""
    found: dict[str, list[str]] = {
        "satisfaction": [*_by_arm(report["satisfaction"], PRIMARY, report["arms"]), *_trends(report["satisfaction"])],
        "experiment": list(_differences(report["experiment"], report["arms"])),
        "stability": list(_by_arm(report["stability"], ("p95_ms",), report["arms"])),
        "models": list(_models(report["models"])),
    }
    return {key: svgs for key, svgs in found.items() if svgs}


def svg_of(chart: charts.Chart) -> str:
    """A chart as SVG."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart.properties(width=WIDTH).to_dict())
    return svg


def _by_arm(part: Json, metrics: tuple[str, ...], arms: list[str]) -> Iterator[str]:
    if len(arms) < 2:
        return
    for metric in metrics:
        found = [(arm, part["by_arm"][arm].get(metric) or {}) for arm in arms]
        rows = [{"arm": arm, "label": _row(arm, one, metric), **_drawn(one)} for arm, one in found if _known(one)]
        if rows:
            form = axis_format(metric)
            yield svg_of(charts.dots(pd.DataFrame(rows), arms, title=name_of(metric), number=form))


def _trends(part: Json) -> Iterator[str]:
    for metric in PRIMARY:
        points = [point for point in part["trend"] if _known(point[metric])]
        rows = [{"when": point["round"], "arm": "all", **_drawn(point[metric])} for point in points]
        if len(rows) > 1:
            table, form = pd.DataFrame(rows), axis_format(metric)
            yield svg_of(charts.trend(table, ["all"], title=name_of(metric), x_title=_("Round"), number=form))


def _differences(part: Json, arms: list[str]) -> Iterator[str]:
    metric = part["primary_metric"]
    decides = [one for one in part["comparisons"] if one["primary"] and _known(one["difference"])]
    rows = [
        {"arm": one["arm"], "label": f"{one['arm']}|{_(VERDICTS[one['verdict']])}", **_drawn(one["difference"])}
        for one in decides
    ]
    if rows:
        title = _("{metric}: difference to {arm}").format(metric=name_of(metric), arm=part["control"])
        table, form = pd.DataFrame(rows), "+" + axis_format(metric)
        yield svg_of(charts.differences(table, arms, title=title, margin=decides[0]["margin"], number=form))


def _models(models: Json) -> Iterator[str]:
    for head, one in models.items():
        both = [one, *([one["baseline"]] if one["baseline"] else [])]
        rows = [
            {"model": named(model["name"], _), "measure": name_of(measure), **_drawn(model[measure])}
            for model in both
            for measure in ("auc", "qwk", "accuracy", "f1_macro")
            if _known(model.get(measure))
        ]
        if rows:
            names = list(dict.fromkeys(named(model["name"], _) for model in both))
            yield svg_of(charts.models(pd.DataFrame(rows), names=names, title=name_of(head)))
        if bins := one["closer"].get("reliability"):
            title = _("{head}: observed frequency").format(head=name_of(head))
            yield svg_of(charts.reliability(pd.DataFrame(bins), x_title=_("Predicted probability"), title=title))


def axis_format(metric: str) -> str:
    """How an axis writes values of this metric, in d3's notation."""
    if metric in PERCENT:
        return ".0%"
    return ",.0f" if metric == "nps" or metric.endswith("_ms") else ".2f"


def _row(arm: str, figure: Json, metric: str) -> str:
    """What stands beside a row, on two lines."""
    return f"{arm}|{number(figure['value'], metric)} (n = {figure['n']:,})"


def _known(figure: Json | None) -> bool:
    return bool(figure) and figure is not None and figure.get("value") is not None and figure.get("ci_low") is not None


def _drawn(figure: Json) -> Json:
    return {name: figure.get(name) for name in ("value", "ci_low", "ci_high", "n")}
