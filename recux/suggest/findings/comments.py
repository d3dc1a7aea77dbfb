"""Themes that people who are dissatisfied mention and others do not.

The words come from the comments alone. One comment a person and side is used (dissatisfied: a rating of at most 2 or
a recommendation score of at most 6; satisfied: at least 4, or at least 7), so that nobody's favourite phrase counts
twice. Phrases are found and grouped into themes on the discovery half, and tested on the other by Fisher's exact test.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from scipy import stats

from recux.stats import compare_proportions, proportion
from recux.suggest import family
from recux.suggest.columns import Flags, Floats, Ints, integers
from recux.suggest.finding import Finding, ids_of
from recux.suggest.findings.theme_arms import OF_ARMS, themes_in_arms
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import answer, share_of_writers
from recux.suggest.texts import Phrases, phrases

FEWEST = 3
"""Dissatisfied people of the discovery half who must say a phrase."""
MOST_DOCUMENTS = 8000
"""A side and half; more would not change what is found, only the time."""
CANDIDATES = 60
SAME_THEME = 0.5
"""Phrases said together in at least this share (Jaccard) of their comments are one theme."""
LONGEST_THEME = 5


@dataclass(frozen=True, eq=False)
class Documents:
    """Comments on items and reasons given in questionnaires, one a row, shape (documents,) each."""

    person: Ints
    low: Flags
    writing: Ints
    """Its number in the evidence's `writings`."""
    id: Ints
    of_answer: Flags
    """Whether it is the reason given with an answer, and no comment on an item."""
    item: Ints
    """The item that it is about, -1 for none."""

    def at(self, rows: Flags | Ints) -> "Documents":
        """These rows alone."""
        return Documents(*(getattr(self, one.name)[rows] for one in fields(self)))

    @cached_property
    def n(self) -> int:
        """How many there are."""
        return len(self.person)


Theme = tuple[str, ...]
"""A group of phrases that are said together; the first is its name."""


def comments(e: Evidence) -> list[Finding]:
    """Everything about what people write, sharing the budget of comments."""
    spoken = _one_each(documents(e))
    confirm = e.confirm[spoken.person]
    found, strength, tried = _themes(e, spoken.at(~confirm))
    low, high = spoken.at(confirm & spoken.low), spoken.at(confirm & ~spoken.low)
    if not found or not low.n or not high.n:
        return []
    mentions = {theme: e.writings[1].mentioning(theme) for theme in found}
    said_by = {theme: share_of_writers(e, flags) for theme, flags in mentions.items()}
    against_satisfied = []
    for index, share in family.shares_by_strength(strength, family.COMMENTS * (1 - OF_ARMS)):
        theme = found[index]
        said = low.at(mentions[theme][low.writing]), high.at(mentions[theme][high.writing])
        finding = _tested(theme, said, (low.n, high.n), share, tried)
        against_satisfied.append(_with_reach(finding, said_by[theme][e.confirm]))
    return [*against_satisfied, *themes_in_arms(e, said_by)]


def _with_reach(finding: Finding, values: Floats) -> Finding:
    """The finding with the share of all who wrote, of the confirmation half, who mention the theme."""
    wrote = values[~np.isnan(values)]
    reach = proportion(int(wrote.sum()), len(wrote))
    facts = {"reach": reach.value, "reach_low": reach.ci_low, "reach_high": reach.ci_high, "wrote": reach.n}
    return replace(finding, facts={**finding.facts, **facts})


def documents(e: Evidence) -> Documents:
    """What people of either side wrote: comments first, then reasons for their recommendation score."""
    rows = np.flatnonzero(e.has_comment & ((e.rating <= 2) | (e.rating >= 4)))
    rated = (e.person[rows], e.rating[rows] <= 2, (np.cumsum(e.has_comment) - 1)[rows], e.rating_id[rows])
    comments = Documents(*rated, np.zeros(len(rows), dtype=bool), e.item[rows])
    reasons = _reasons(e)
    parts = [[getattr(one, part.name) for one in (comments, reasons)] for part in fields(Documents)]
    return Documents(*(np.concatenate(part) for part in parts)) if reasons.n else comments


def _reasons(e: Evidence) -> Documents:
    a = e.answers
    score = answer(e, "nps", "score")
    why = a[(a["instrument"] == "nps") & (a["question"] == "why") & a["text"].notna()]
    person = integers(why["person"])
    rows = np.flatnonzero(~np.isnan(score[person]))
    person, writing, number = person[rows], int(e.has_comment.sum()) + rows, integers(why["id"])[rows]
    flags = np.ones(len(rows), dtype=bool)
    return Documents(person, score[person] <= 6, writing, number, flags, np.full(len(rows), -1))


def _one_each(spoken: Documents) -> Documents:
    """One comment a person and side: the first. Any choice by content, such as the longest, would favour the side
    on which people have more comments to choose from.
    """
    _, first = np.unique(2 * spoken.person + spoken.low, return_index=True)
    rows = np.sort(first)
    sides = (rows[spoken.low[rows] == side][: 2 * MOST_DOCUMENTS] for side in (True, False))
    return spoken.at(np.sort(np.concatenate(list(sides))))


def _themes(e: Evidence, spoken: Documents) -> tuple[list[Theme], Floats, int]:
    """Themes, how strong each is (z of its most striking phrase), and how many phrases were looked at."""
    low, high = spoken.at(spoken.low), spoken.at(~spoken.low)
    said = phrases(*([e.writings[1].said[n] for n in side.writing] for side in (low, high)), fewest=FEWEST)
    if not said.names or not high.n:
        return [], np.zeros(0), 0
    scores = _log_odds(said, low.n, high.n)
    order = sorted(range(len(scores)), key=lambda one: (-scores[one], -len(said.names[one]), said.names[one]))
    striking = [one for one in order[:CANDIDATES] if scores[one] > 1]
    sets = {said.names[one]: frozenset(said.inside[one].tolist()) for one in striking}
    found = _grouped([phrase for phrase, inside in sets.items() if not _echo(e, phrase, low.item[list(inside)])], sets)
    score_of = {said.names[one]: scores[one] for one in striking}
    strength = np.array([max(score_of[phrase] for phrase in theme) for theme in found])
    return found, strength, len(said.names)


def _log_odds(said: Phrases, n_low: int, n_high: int) -> list[float]:
    a, c = (np.asarray(times) + 0.5 for times in ([len(inside) for inside in said.inside], said.outside))
    b, d = n_low + 1 - a, n_high + 1 - c
    scores = (np.log(a / b) - np.log(c / d)) / np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return [float(score) for score in scores]


def _echo(e: Evidence, phrase: str, items: Ints) -> bool:
    """Whether people mostly repeat the name or category of the very item they rate."""
    repeated = sum(1 for item in items.tolist() if item >= 0 and phrase in e.item_words[item])
    return 2 * repeated > len(items)


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
    return [tuple(_best_first(group, sets)[:LONGEST_THEME]) for group in groups]


def _best_first(group: list[str], sets: dict[str, frozenset[int]]) -> list[str]:
    """The widest and, among equals, the longest phrase names the theme."""
    return sorted(group, key=lambda p: (-len(sets[p]), -len(p), p))


def _tested(
    theme: Theme, mentioning: tuple[Documents, Documents], sizes: tuple[int, int], share: float, tried: int
) -> Finding:
    """The theme among the dissatisfied against the satisfied: those who mention it, of `sizes` in all."""
    (said, satisfied), (n_low, n_high) = mentioning, sizes
    found = compare_proportions(satisfied.n, n_high, said.n, n_low)
    table = [[said.n, n_low - said.n], [satisfied.n, n_high - satisfied.n]]
    return Finding(
        kind="theme",
        metric="theme_share",
        value=found.difference or 0.0,
        low=found.ci_low or 0.0,
        high=found.ci_high or 0.0,
        n=n_low + n_high,
        definition="share of dissatisfied people whose comment mentions the theme, minus that of satisfied people",
        method=f"{found.method}, confirmation half",
        where={"theme": " | ".join(theme)},
        p=float(stats.fisher_exact(table, alternative="greater").pvalue),
        share=share,
        tried=tried,
        facts={
            "theme": theme[0],
            "share_low": said.n / n_low,
            "share_high": satisfied.n / n_high,
            "people": said.n,
        },
        ids={"comments": ids_of(said.id[~said.of_answer]), "answers": ids_of(said.id[said.of_answer])},
    )
