"""Themes that people who are dissatisfied mention and others do not.

The words come from the comments alone. One comment a person and side is used (dissatisfied: a rating of at most 2 or
a recommendation score of at most 6; satisfied: at least 4, or at least 7), so that nobody's favourite phrase counts
twice. Phrases are found and grouped into themes on the discovery half, and tested on the other by Fisher's exact test.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from recux.stats import compare_proportions, proportion
from recux.suggest import family
from recux.suggest.finding import Finding, ids_of
from recux.suggest.findings.theme_arms import OF_ARMS, themes_in_arms
from recux.suggest.frames import Evidence, Floats, floats, integers, of_items
from recux.suggest.outcomes import theme_share
from recux.suggest.words import mentions, phrases

FEWEST = 3
"""Dissatisfied people of the discovery half who must say a phrase."""
MOST_DOCUMENTS = 8000
"""A side and half; more would not change what is found, only the time."""
CANDIDATES = 60
SAME_THEME = 0.5
"""Phrases said together in at least this share (Jaccard) of their comments are one theme."""
LONGEST_THEME = 5


@dataclass(frozen=True)
class Theme:
    """A group of phrases that are said together; the first is its name."""

    phrases: tuple[str, ...]


def comments(e: Evidence) -> list[Finding]:
    """Everything about what people write, sharing the budget of comments."""
    spoken = _one_each(documents(e))
    confirm = e.confirm[integers(spoken["person"])]
    found, strength, tried = _themes(spoken[~confirm])
    rest = spoken[confirm]
    low = rest[rest["low"]]
    high = rest[~rest["low"]]
    if not found or low.empty or high.empty:
        return []
    shares = family.shares_by_strength(strength, family.COMMENTS * (1 - OF_ARMS))
    said_by = {theme.phrases: theme_share(e, {"theme": " | ".join(theme.phrases)}) for theme in found}
    against_satisfied = [
        _with_reach(_tested(found[index], low, high, share, tried), said_by[found[index].phrases][e.confirm])
        for index, share in shares
    ]
    return [*against_satisfied, *themes_in_arms(e, said_by)]


def _with_reach(finding: Finding, values: Floats) -> Finding:
    """The finding with the share of all who wrote, of the confirmation half, who mention the theme."""
    wrote = values[~np.isnan(values)]
    reach = proportion(int(wrote.sum()), len(wrote))
    facts = {"reach": reach.value, "reach_low": reach.ci_low, "reach_high": reach.ci_high, "wrote": reach.n}
    return replace(finding, facts={**finding.facts, **facts})


def documents(e: Evidence) -> pd.DataFrame:
    """Comments on items and reasons given in questionnaires: person, low, text, id, table, about (item's words)."""
    rated = e.ratings[e.has_comment & ((e.rating <= 2) | (e.rating >= 4))]
    item = integers(rated["item"])
    titles, categories = of_items(e.items["title"], item), of_items(e.items["category"], item)
    about = titles.fillna("").astype(str) + " " + categories.fillna("").astype(str)
    comments = pd.DataFrame(
        {
            "person": integers(rated["person"]),
            "low": floats(rated["rating"]) <= 2,
            "text": rated["comment"].to_numpy(dtype=object),
            "id": integers(rated["id"]),
            "table": "comments",
            "about": about.str.lower().to_numpy(dtype=object),
        }
    )
    reasons = _reasons(e)
    return pd.concat([comments, reasons], ignore_index=True) if len(reasons) else comments


def _reasons(e: Evidence) -> pd.DataFrame:
    a = e.answers
    scores = a[(a["instrument"] == "nps") & (a["question"] == "score")].set_index("person")["value"]
    why = a[(a["instrument"] == "nps") & (a["question"] == "why") & a["text"].notna()]
    why = why[why["person"].isin(scores.index)]
    if why.empty:
        return pd.DataFrame()
    low = floats(scores[~scores.index.duplicated()].reindex(why["person"])) <= 6
    return pd.DataFrame(
        {
            "person": integers(why["person"]),
            "low": low,
            "text": why["text"].to_numpy(dtype=object),
            "id": integers(why["id"]),
            "table": "answers",
            "about": "",
        }
    )


def _one_each(spoken: pd.DataFrame) -> pd.DataFrame:
    """One comment a person and side: the first. Any choice by content, such as the longest, would favour the side
    on which people have more comments to choose from.
    """
    if spoken.empty:
        return spoken
    first = spoken.drop_duplicates(["person", "low"])
    return first.groupby("low").head(2 * MOST_DOCUMENTS)


def _themes(spoken: pd.DataFrame) -> tuple[list[Theme], Floats, int]:
    """Themes, how strong each is (z of its most striking phrase), and how many phrases were looked at."""
    low, high = spoken[spoken["low"]], spoken[~spoken["low"]]
    said = [phrases(str(text)) for text in low["text"]]
    often = Counter(phrase for one in said for phrase in one)
    known = [phrase for phrase, times in often.items() if times >= FEWEST]
    if not known or high.empty:
        return [], np.zeros(0), 0
    elsewhere = Counter(phrase for text in high["text"] for phrase in phrases(str(text)))
    scores = dict(zip(known, _log_odds(known, often, elsewhere, len(low), len(high)), strict=True))
    order = sorted(known, key=lambda phrase: (-scores[phrase], -len(phrase), phrase))
    striking = [phrase for phrase in order[:CANDIDATES] if scores[phrase] > 1]
    abouts = low["about"].tolist()
    sets = {p: frozenset(i for i, one in enumerate(said) if p in one) for p in striking}
    named = [p for p in striking if not _echo(p, sets[p], abouts)]
    found = _grouped(named, sets)
    strength = np.array([max(scores[phrase] for phrase in theme.phrases) for theme in found])
    return found, strength, len(known)


def _log_odds(known: list[str], low: Counter[str], high: Counter[str], n_low: int, n_high: int) -> list[float]:
    a, c = (np.array([counter[p] for p in known], dtype=np.float64) + 0.5 for counter in (low, high))
    b, d = n_low + 1 - a, n_high + 1 - c
    scores = (np.log(a / b) - np.log(c / d)) / np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return [float(score) for score in scores]


def _echo(phrase: str, inside: frozenset[int], abouts: Sequence[str]) -> bool:
    """Whether people mostly repeat the name or category of the very item they rate."""
    return sum(phrase in abouts[i] for i in inside) * 2 > len(inside)


def _grouped(named: list[str], sets: dict[str, frozenset[int]]) -> list[Theme]:
    groups: list[list[str]] = []
    for phrase in named:
        for group in groups:
            together, either = sets[phrase] & sets[group[0]], sets[phrase] | sets[group[0]]
            if len(together) >= SAME_THEME * len(either):
                group.append(phrase)
                break
        else:
            groups.append([phrase])
    return [Theme(tuple(_best_first(group, sets)[:LONGEST_THEME])) for group in groups]


def _best_first(group: list[str], sets: dict[str, frozenset[int]]) -> list[str]:
    """The widest and, among equals, the longest phrase names the theme."""
    return sorted(group, key=lambda p: (-len(sets[p]), -len(p), p))


def _tested(theme: Theme, low: pd.DataFrame, high: pd.DataFrame, share: float, tried: int) -> Finding:
    in_low, in_high = mentions(low["text"], theme.phrases), mentions(high["text"], theme.phrases)
    counts = (int(in_high.sum()), len(high), int(in_low.sum()), len(low))
    table = [[counts[2], counts[3] - counts[2]], [counts[0], counts[1] - counts[0]]]
    found = compare_proportions(*counts)
    said = low[in_low]
    return Finding(
        kind="theme",
        metric="theme_share",
        value=found.difference or 0.0,
        low=found.ci_low or 0.0,
        high=found.ci_high or 0.0,
        n=len(low) + len(high),
        definition="share of dissatisfied people whose comment mentions the theme, minus that of satisfied people",
        method=f"{found.method}, confirmation half",
        where={"theme": " | ".join(theme.phrases)},
        p=float(stats.fisher_exact(table, alternative="greater").pvalue),
        share=share,
        tried=tried,
        facts={
            "theme": theme.phrases[0],
            "share_low": counts[2] / counts[3],
            "share_high": counts[0] / counts[1],
            "people": counts[2],
        },
        ids={table: ids_of(said.loc[said["table"] == table, "id"]) for table in ("comments", "answers")},
    )
