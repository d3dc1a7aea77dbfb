"""Every figure of a report from the rows; figures of models (they need the models) and of suggestions are left out."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from math import isclose, log2, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.recompute.comparisons import before_after, experiment
from benchmarks.recompute.estimates import alpha, bounded, item_rest, nps, omega, proportion, ratio, sus, umux_lite
from benchmarks.recompute.experience import drivers, rmsea
from benchmarks.recompute.rows import Found, Numbers, exposures, last_wave, score, wide_of

INSTRUMENTS = Path(__file__).parents[2] / "recux" / "instruments"


def recompute(rows: dict[str, pd.DataFrame], study: Mapping[str, Any]) -> Found:
    """Every figure, by its path in the report."""
    raw = rows
    rows = rows | {"shown": exposures(rows), "answers": last_wave(rows["answers"])}
    recorded = set(rows["acts"]["kind"])
    longest = rows["shown"].groupby("slate").size().max() if len(rows["shown"]) else study["slate_size"]
    k = int(min(5, longest))
    found: Found = {}
    for arm in [None, *rows["arms"]["key"]]:
        part = rows if arm is None else {n: r[r["arm"] == arm] if "arm" in r else r for n, r in rows.items()}
        where = "" if arm is None else f"by_arm.{arm}."
        sections = {
            "satisfaction": satisfaction(part["ratings"], part["answers"]),
            "recommendation": recommendation(part["shown"], part["items"], k, recorded),
            "stability": stability(part["calls"]),
        }
        for section, figures in sections.items():
            found |= {f"{section}.{where}{name}": value for name, value in figures.items()}
    found |= dict(behind(rows["ratings"], rows["answers"]))
    return found | dict(trend(rows)) | dict(experiment(rows, study, recorded)) | dict(before_after(raw, recorded))


def satisfaction(ratings: pd.DataFrame, answers: pd.DataFrame) -> Found:
    """NPS, CSAT, mean rating, the other scales that were asked, and constructs."""
    found = {
        "nps": nps(score(answers, "nps")),
        "csat": proportion((score(answers, "csat") >= 4).sum(), len(score(answers, "csat"))),
        "mean_rating": bounded(ratings.groupby("person")["rating"].mean(), 1, 5),
    }
    asked = set(answers["instrument"])
    if "ces" in asked:
        found["ces"] = bounded(score(answers, "ces"), 1, 7)
    if "sus" in asked:
        found["sus"] = bounded(sus(answers), 0, 100)
    if "umux_lite" in asked:
        found["umux_lite"] = bounded(umux_lite(answers), 22.9, 87.9)
    for name in sorted(asked):
        if (INSTRUMENTS / f"{name}.toml").is_file():
            found |= constructs(answers, name)
    return found


def constructs(answers: pd.DataFrame, name: str) -> Found:
    """Score and reliability of an instrument's constructs, by its file."""
    found: Found = {}
    for one, (table, means, low, high) in tables(answers, name).items():
        place = f"instruments.{name}.constructs.{one}"
        found |= {f"{place}.score": bounded(means, low, high), f"{place}.alpha": alpha(table.dropna(), means)}
        found[f"{place}.omega"] = omega(table.dropna(), means)
        for column in table if table.shape[1] > 1 else ():
            found[f"{place}.item_rest.{column}"] = item_rest(table.dropna(), column)
    return found


def tables(answers: pd.DataFrame, name: str) -> dict[str, tuple[pd.DataFrame, pd.Series, float, float]]:
    """By construct of an instrument's file: keyed answers, people's scores, and the scores' range."""
    found = {}
    file = tomllib.loads((INSTRUMENTS / f"{name}.toml").read_text(encoding="utf-8"))
    questions = {one["name"]: one for one in file["questions"]}
    wide = wide_of(answers, name)
    for one in file.get("constructs", []):
        low, high = (questions[one["questions"][0]][end] for end in ("low", "high"))
        table = wide.reindex(columns=one["questions"]).astype(float)
        for column in table:
            if questions[column].get("reverse"):
                table[column] = low + high - table[column]
        means = table.mean(axis=1)[table.notna().sum(axis=1) >= one.get("need", 1)]
        if one.get("method", "mean") == "percent":
            means, low, high = 100 * (means - low) / (high - low), 0, 100
        found[one["name"]] = table, means, low, high
    return found


def behind(ratings: pd.DataFrame, answers: pd.DataFrame) -> Iterator[tuple[str, Numbers]]:
    """Key drivers by rank, and the fit of each questionnaire's grouping."""
    known = {name: tables(answers, name) for name in sorted(set(answers["instrument"]))
             if (INSTRUMENTS / f"{name}.toml").is_file()}  # fmt: skip
    scores = {f"{name}.{one}": part[1] for name, parts in known.items() for one, part in parts.items()
              if name not in {"nps", "csat", "ces"}}  # fmt: skip
    places = [
        answers[(answers["instrument"] == one) & (answers["question"] == "score")].set_index("person")["value"].dropna()
        for one in ("nps", "csat")
    ]
    turned = [100.0 * ((places[0] >= 9) * 1.0 - (places[0] <= 6) * 1.0), (places[1] >= 4) * 1.0,
              ratings.groupby("person")["rating"].mean()]  # fmt: skip
    outcome = next((one for one in turned if len(one)), None)
    if outcome is not None and scores:
        ranked = sorted(drivers(outcome, scores), key=lambda one: -one[1][0] if one[1] else 0)
        for place, (_, numbers) in enumerate(ranked):
            yield f"satisfaction.drivers.drivers.{place}.share", numbers
    for name, parts in known.items():
        several = {one: part[0] for one, part in parts.items() if part[0].shape[1] > 1}
        if len(several) > 1:
            whole = pd.concat(several.values(), axis=1)
            fit = rmsea(whole, {one: list(table) for one, table in several.items()})
            yield f"satisfaction.structure.{name}.rmsea", fit


def recommendation(shown: pd.DataFrame, items: pd.DataFrame, k: int, recorded: set[str]) -> Found:
    """Rates, ranking figures and what the slates are like."""
    found: Found = {}
    rates = (("ctr", "clicked", "click"), ("purchase_rate", "purchased", "purchase"))
    marks = (("dismiss_rate", "dismissed", "dismiss"), ("known_rate", "known", "know"))
    for name, column, kind in rates + marks:
        usable = kind in recorded and len(shown)
        found[name] = ratio(shown.groupby("person")[column].agg(["sum", "size"])) if usable else None
    lists = [ranking(slate, k) for _, slate in shown.groupby("slate") if slate["rating"].notna().any()]
    scores = pd.DataFrame(lists) if lists else pd.DataFrame(columns=["person", *RANKING])
    for name in RANKING:
        found[name] = bounded(scores.dropna(subset=[name]).groupby("person")[name].mean(), 0, 1)
    return found | catalogue(shown, items)


RANKING = ("precision", "recall", "f1", "ndcg", "mrr", "map", "hit_rate", "auc")


def ranking(slate: pd.DataFrame, k: int) -> dict[str, float]:
    """The ranking metrics of one slate, NaN where one is not defined."""
    rated = slate[slate["rating"].notna()]
    stars, relevant = rated["rating"].tolist(), (rated["rating"] >= 4).tolist()
    top, n = relevant[:k], sum(relevant)
    places = k - max(0, min(k, len(slate)) - len(rated))
    precision = sum(top) / places
    recall = sum(top) / n if n and len(rated) > k else nan
    hits = [rank for rank, one in enumerate(top, start=1) if one]
    dcg, best = (sum((2**s - 1) / log2(r + 1) for r, s in enumerate(x[:k], 1)) for x in (stars, sorted(stars)[::-1]))
    order = rated["score"].tolist() if rated["score"].notna().all() else (-rated["position"]).tolist()
    good, bad = ([o for o, r in zip(order, relevant, strict=True) if r is w] for w in (True, False))
    wins = [float(g > b) + 0.5 * float(g == b) for g in good for b in bad]
    total = precision + recall
    return {
        "person": slate["person"].iloc[0],
        "precision": precision,
        "recall": recall,
        "f1": 0.0 if total == 0 else 2 * precision * recall / total,
        "ndcg": dcg / best,
        "mrr": 1 / hits[0] if hits else 0.0,
        "map": sum((i + 1) / rank for i, rank in enumerate(hits)) / n if n else nan,
        "hit_rate": float(bool(hits)),
        "auc": float(np.mean(wins)) if wins else nan,
    }


def catalogue(shown: pd.DataFrame, items: pd.DataFrame) -> Found:
    """Coverage, Gini, diversity, novelty, serendipity."""
    names = ("coverage", "gini", "diversity", "novelty", "serendipity")
    if shown.empty or items.empty:
        return dict.fromkeys(names)
    people = shown["person"].nunique()
    times = items["id"].map(shown["item"].value_counts()).fillna(0)
    gaps = sum(abs(a - b) for a in times for b in times)
    reacted = shown[shown["rating"].notna() | shown["clicked"] | shown["purchased"]]
    known = items["id"].map(reacted.groupby("item")["person"].nunique()).fillna(0).set_axis(items["id"])
    bits = shown.assign(bits=[-log2(max(1, known[item]) / people) for item in shown["item"]])
    rank = known.rank(method="min", ascending=False)
    length = shown.groupby("slate")["item"].transform("size")
    rated = shown.assign(luck=(shown["rating"] >= 4) & (shown["item"].map(rank) > length))
    rated = rated[rated["rating"].notna()]
    apart = [(s["person"].iloc[0], diversity(s, items.set_index("id"))) for _, s in shown.groupby("slate")]
    spread = pd.DataFrame(apart, columns=["person", "apart"]).dropna().groupby("person")["apart"].mean()
    covered, unequal = float((times > 0).mean()), gaps / (2 * len(times) * times.sum())
    return {
        "coverage": (covered, covered, covered, people),
        "gini": (unequal, unequal, unequal, people),
        "diversity": bounded(spread, 0, 1),
        "novelty": bounded(bits.groupby("person")["bits"].mean(), 0, log2(people)) if people > 1 else None,
        "serendipity": bounded(rated.groupby("person")["luck"].mean(), 0, 1),
    }


def diversity(slate: pd.DataFrame, items: pd.DataFrame) -> float:
    """Mean of 1 - cosine over the pairs of one slate; NaN without two described items."""
    sets = []
    for item in slate["item"]:
        tags = items.loc[item, "tags"]
        tags = json.loads(tags) if isinstance(tags, str) else tags or []
        category = items.loc[item, "category"]
        sets.append({*([("c", category)] if isinstance(category, str) and category else []), *(("t", t) for t in tags)})
    sets = [one for one in sets if one]
    pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    return float(np.mean([1 - len(a & b) / sqrt(len(a) * len(b)) for a, b in pairs])) if pairs else nan


def stability(calls: pd.DataFrame) -> Found:
    """Quantiles with order-statistic intervals, failures, availability."""
    ms, failed = calls["duration_ms"].sort_values().to_numpy(), (calls["outcome"] != "ok").astype(float)
    found: Found = {}
    for name, q in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        n = len(ms)
        low, high = int(stats.binom.ppf(0.025, n, q)), int(stats.binom.ppf(0.975, n, q)) + 1 if n else 0
        known = n and low >= 1 and high <= n
        found[name] = (float(np.quantile(ms, q)), ms[low - 1], ms[high - 1], n) if known else None
    for name, events in (("failure_rate", failed), ("availability", 1 - failed)):
        if calls["person"].notna().any():
            person = calls["person"].where(calls["person"].notna(), -calls["id"])
            found[name] = ratio(events.groupby(person).agg(["sum", "size"]))
        else:
            found[name] = proportion(int(events.sum()), len(events))
    return found


def trend(rows: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Numbers]]:
    """The main figures of each round's batch alone."""
    for place, (_, members) in enumerate(rows["batches"].groupby("number")):
        ids = {kind: set(members[members["kind"] == kind]["row_id"]) for kind in ("rating", "answer")}
        ratings, answers = (rows[f"{kind}s"] for kind in ids)
        part = satisfaction(ratings[ratings["id"].isin(ids["rating"])], answers[answers["id"].isin(ids["answer"])])
        for metric in ("nps", "csat", "mean_rating"):
            yield f"satisfaction.trend.{place}.{metric}", part[metric]


def figures_in(report: Any, path: str = "") -> Iterator[tuple[str, Numbers]]:
    """Every figure of a report by its path; models and suggestions are left out."""
    if isinstance(report, Mapping) and "value" in report and ("reason" in report or "ci_low" in report):
        value = report["value"]
        nothing = "hidden" if str(report.get("reason")).startswith("hidden:") else None
        yield path, nothing if value is None else (value, report["ci_low"], report["ci_high"], report["n"])
        return
    children: Any = report.items() if isinstance(report, Mapping) else enumerate(report)
    for name, child in children:
        if isinstance(child, Mapping | list) and (path or name not in {"models", "suggestions"}):
            yield from figures_in(child, f"{path}.{name}" if path else str(name))


def tolerances(path: str) -> list[float]:
    """How far value, low, high and n may be apart: more behind an optimiser, most where people are drawn anew."""
    if path.endswith(".share"):
        return [1e-6, 0.1, 0.1, 0]
    close = 1e-4 if "comparisons" in path else 2e-3 if "omega" in path or "rmsea" in path else 1e-6
    return [close] * 4


def disagreements(report: Mapping[str, Any], found: Found, show: Callable[[str], None] = print) -> list[str]:
    """Paths where the report and the recomputation differ by more than 1e-6, or 1e-4 to 2e-3 behind an optimiser (see
    ``tolerances``). What the report hides, because too few people are behind it, is not compared.
    """
    said, wrong = dict(figures_in(report)), []
    for path in sorted(said.keys() | found.keys()):
        one, other = said.get(path, "absent"), found.get(path, "absent")
        same = one in {other, "hidden"} or (
            isinstance(one, tuple)
            and isinstance(other, tuple)
            and all(isclose(*pair, rel_tol=t, abs_tol=t) for *pair, t in zip(one, other, tolerances(path), strict=True))
        )
        show(f"{'same' if same else 'DIFFERS':8} {path:60} {one} {'' if same else other}")
        wrong += [] if same else [path]
    return wrong
