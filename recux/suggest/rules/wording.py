"""Names of segments and metrics in plain words, in both languages."""

from collections.abc import Mapping

from recux.instruments import construct_named, in_language
from recux.suggest.draft import Text

PEOPLE = {
    "cohort": ("cohort {}", "人群“{}”"),
    "language": ("people who use {}", "使用 {} 的人"),
    "device": ("people on {}", "使用 {} 设备的人"),
}
EXPERIENCE = {"new": ("newcomers", "新用户"), "returning": ("returning people", "回访用户")}
POSITIONS = {
    "early": ("the first third of the list", "列表前三分之一"),
    "middle": ("the middle of the list", "列表中部"),
    "late": ("the last third of the list", "列表后三分之一"),
}

METRICS = {
    "mean_rating": ("mean rating", "平均评分"),
    "nps": ("NPS", "NPS"),
    "csat": ("CSAT", "CSAT"),
    "ctr": ("click-through rate", "点击率"),
    "purchase_rate": ("purchase rate", "购买率"),
}
"""Metrics with words of their own; a construct goes by its title."""


def metric_text(metric: str) -> Text:
    """What a metric is called."""
    if metric not in METRICS and (titles := construct_named(metric)):
        return {language: in_language(titles, language) for language in ("en", "zh_CN")}
    en, zh = METRICS.get(metric, (metric, metric))
    return {"en": en, "zh_CN": zh}


def segment_text(where: Mapping[str, str]) -> Text:
    """The segment without its arms, such as `cohort young, category shoes`."""
    parts = [part for key, value in where.items() if (part := _part(key, value)) is not None]
    return {
        "en": ", ".join(en for en, _ in parts) or "everyone",
        "zh_CN": "、".join(zh for _, zh in parts) or "所有人",
    }


def begun(title: Text) -> Text:
    """A title that begins with a segment, with a capital."""
    return {language: words[:1].upper() + words[1:] for language, words in title.items()}


def _part(key: str, value: str) -> tuple[str, str] | None:
    if key in PEOPLE:
        en, zh = PEOPLE[key]
        return en.format(value), zh.format(value)
    if key == "category":
        return f"category {value}", f"类别“{value}”"
    known = EXPERIENCE if key == "experience" else POSITIONS if key == "position" else {}
    return known.get(value)
