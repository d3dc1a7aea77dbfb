"""Arms against the control, and rounds against the one before."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmarks.recompute.estimates import csat_difference, linearised, nps_difference, paired, sus, umux_lite, welch
from benchmarks.recompute.rows import Numbers, exposures, last_wave, score

Mixed = tuple[str, pd.Series, pd.Series]
"""Path of a comparison, and its values by person on both sides."""


def experiment(
    rows: dict[str, pd.DataFrame], study: Mapping[str, Any], recorded: set[str]
) -> Iterator[tuple[str, Numbers]]:
    """Every arm against the control, the primary metric first."""
    control, *others = rows["arms"]["key"]
    cohort = rows["people"].set_index("id")["cohort"].fillna("")
    asked = set(rows["answers"]["instrument"])
    metrics = [m for m in ("mean_rating",) if len(rows["ratings"])]
    metrics += [m for m in ("nps", "csat", "ces", "sus", "umux_lite") if m in asked]
    metrics += [m for m, kind in (("ctr", "click"), ("purchase_rate", "purchase")) if kind in recorded]
    ordered = [study["primary_metric"], *(m for m in metrics if m != study["primary_metric"])]
    mixed = []
    for place, (metric, arm) in enumerate((m, arm) for m in ordered for arm in others):
        a, b = ({n: r[r["arm"] == one] if "arm" in r else r for n, r in rows.items()} for one in (control, arm))
        path = f"experiment.comparisons.{place}"
        yield f"{path}.difference", difference(metric, a, b)
        if metric in metrics:
            x, y = of_people(metric, a), of_people(metric, b)
            if not x.index.intersection(y.index).size:  # else people are compared with themselves
                mixed.append((path, x, y))
    yield from at_equal_mix(mixed, cohort)


def before_after(rows: dict[str, pd.DataFrame], recorded: set[str]) -> Iterator[tuple[str, Numbers]]:
    """Every round against the one before it, the newest first; the same people where they came back."""
    parts = [alone(rows, number) for number in sorted(rows["batches"]["number"].unique())]
    cohort = rows["people"].set_index("id")["cohort"].fillna("")
    place = 0
    for before, after in list(pairwise(parts))[::-1]:
        mixed: list[Mixed] = []
        for arm in [None, *rows["arms"]["key"]]:
            a, b = ({n: r[r["arm"] == arm] if arm and "arm" in r else r for n, r in x.items()} for x in (before, after))
            for metric in [m for m in metrics_of(a, recorded) if m in metrics_of(b, recorded)]:
                values = of_people(metric, a), of_people(metric, b)
                yield from change(f"before_after.{place}", metric, (a, b), values, mixed)
                place += 1
        yield from at_equal_mix(mixed, cohort)


def alone(rows: dict[str, pd.DataFrame], number: int) -> dict[str, pd.DataFrame]:
    """The rows of one batch; lists and clicks since the batch before it."""
    batches = rows["batches"]
    ids = {kind: set(batches["row_id"][(batches["number"] == number) & (batches["kind"] == kind)])
           for kind in ("rating", "answer")}  # fmt: skip
    closed = batches.groupby("number")["closed_at"].first()
    until, after = closed[number], closed.get(number - 1)

    def inside(times: pd.Series) -> pd.Series:
        return times.isna() | ((times <= until) & ((times > after) if after is not None else True))

    ratings, answers = (rows[f"{kind}s"][rows[f"{kind}s"]["id"].isin(ids[kind])] for kind in ids)
    shown, acts = rows["shown"], rows["acts"]
    here = {"shown": shown[inside(shown["served_at"])], "acts": acts[inside(acts["moment"])]}
    part = rows | here | {"ratings": ratings, "answers": last_wave(answers)}
    return part | {"shown": exposures(part)}


def change(
    path: str, metric: str, pair: tuple[Any, Any], values: tuple[pd.Series, pd.Series], mixed: list[Mixed]
) -> Iterator[tuple[str, Numbers]]:
    """One metric of a round minus the round before; where other people came, the pair goes to ``mixed``."""
    before, after = values
    back = before.index.intersection(after.index)
    if len(back) >= max(10, 0.5 * min(len(before), len(after))):
        yield f"{path}.difference", paired(after[back] - before[back])
        return
    others = {n: r[~r["person"].isin(back)] if "person" in r else r for n, r in pair[0].items()}
    yield f"{path}.difference", difference(metric, others, pair[1])
    mixed.append((path, before.drop(back), after))


def at_equal_mix(pairs: list[Mixed], cohort: pd.Series) -> Iterator[tuple[str, Numbers]]:
    """The difference within cohorts, where their mix differs; adjusted over all that are looked at together."""
    tested = []
    for path, x, y in pairs:
        kinds = [cohort.reindex(v.index) for v in (x, y)]
        table = pd.DataFrame({n: k.value_counts() for n, k in enumerate(kinds)}).fillna(0)
        if len(table) > 1 and min(len(x), len(y)) > 0:
            tested.append((mix_p(table), path, x, y, *kinds))
    reject = multipletests([one[0] for one in tested], 0.05, method="holm")[0] if tested else []
    for (_, path, *pair), yes in zip(tested, reject, strict=True):
        if yes:
            yield f"{path}.within_cohorts", equal_mix(*pair)


def mix_p(table: pd.DataFrame) -> float:
    """Chi-square test; people exchanged between the groups where fewer than five are expected in a cell."""
    few = stats.contingency.expected_freq(table).min() < 5
    method = stats.PermutationMethod(n_resamples=5000, rng=np.random.default_rng(7)) if few else None
    return stats.chi2_contingency(table, correction=False, method=method).pvalue


def equal_mix(x: pd.Series, y: pd.Series, kinds_x: pd.Series, kinds_y: pd.Series) -> Numbers:
    """Difference within cohorts, weighted by their share of everybody."""
    pairs = [(x[kinds_x == k], y[kinds_y == k]) for k in sorted(set(kinds_x) & set(kinds_y))]
    pairs = [(a, b) for a, b in pairs if min(len(a), len(b)) > 1]
    total = sum(len(a) + len(b) for a, b in pairs)
    parts = [((len(a) + len(b)) / total, a, b) for a, b in pairs]
    value = sum(w * (b.mean() - a.mean()) for w, a, b in parts)
    terms = [(w**2 * one.var() / len(one), len(one) - 1) for w, *both in parts for one in both]
    variance = sum(t for t, _ in terms)
    half = stats.t.ppf(0.975, variance**2 / sum(t**2 / f for t, f in terms)) * sqrt(variance)
    return value, value - half, value + half, total


def metrics_of(part: dict[str, pd.DataFrame], recorded: set[str]) -> list[str]:
    """What these rows measure."""
    asked = set(part["answers"]["instrument"])
    found = ["mean_rating"] if len(part["ratings"]) else []
    found += [m for m in ("nps", "csat", "ces", "sus", "umux_lite") if m in asked]
    rates = (("ctr", "click"), ("purchase_rate", "purchase"))
    return found + [m for m, kind in rates if kind in recorded and len(part["shown"])]


def of_people(metric: str, part: dict[str, pd.DataFrame]) -> pd.Series:
    """One value a person."""
    answers = part["answers"]
    if metric == "mean_rating":
        return part["ratings"].groupby("person")["rating"].mean()
    if metric in {"ctr", "purchase_rate"}:
        return part["shown"].groupby("person")[{"ctr": "clicked", "purchase_rate": "purchased"}[metric]].mean()
    if metric in {"sus", "umux_lite"}:
        return {"sus": sus, "umux_lite": umux_lite}[metric](answers)
    given = answers[(answers["instrument"] == metric) & (answers["question"] == "score")]
    given = given.set_index("person")["value"].dropna().astype(float)
    return {"nps": 100.0 * ((given >= 9) * 1.0 - (given <= 6) * 1.0), "csat": (given >= 4) * 1.0, "ces": given}[metric]


def difference(metric: str, a: dict[str, pd.DataFrame], b: dict[str, pd.DataFrame]) -> Numbers:
    """One metric of an arm minus that of the control."""
    if metric == "nps":
        return nps_difference(*(score(x["answers"], "nps") for x in (a, b)))
    if metric == "csat":
        return csat_difference(*(score(x["answers"], "csat") >= 4 for x in (a, b)))
    if metric in {"ctr", "purchase_rate"}:
        column = {"ctr": "clicked", "purchase_rate": "purchased"}[metric]
        return welch(*(linearised(x["shown"].groupby("person")[column].agg(["sum", "size"])) for x in (a, b)))
    if metric == "mean_rating":
        return welch(*(x["ratings"].groupby("person")["rating"].mean() for x in (a, b)))
    people = {"ces": lambda x: score(x, "ces"), "sus": sus, "umux_lite": umux_lite}
    if metric in people:
        return welch(*(people[metric](x["answers"]) for x in (a, b)))
    raise SystemExit(f"a comparison by {metric} is not recomputed here")
