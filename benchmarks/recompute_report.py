"""Recompute every figure of a report from the rows with pandas and scipy alone, and compare.

Nothing of recux's statistics or evaluation is used: rows come by plain SQL, and every figure is written again in the
slowest and plainest way. Figures of models (they need the models) and of suggestions are left out.

    python benchmarks/recompute_report.py --study SLUG [--report REPORT.json]

Reads the database that RECUX_HOME or RECUX_DATABASE_URL names. Prints a table; exit 1 if anything disagrees.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import isclose, log2, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy import optimize, stats

Numbers = tuple[float, float, float, int] | None  # value, low, high, n; None = not estimable
Found = dict[str, Numbers]
INSTRUMENTS = Path(__file__).parent.parent / "recux" / "instruments"
ROWS = {
    "arms": "select id, key, weight from arm where study_id = {s} order by id",
    "people": "select p.id, p.cohort, a.key as arm from participant p left join arm a on a.id = p.arm_id where {p}",
    "items": "select id, category, tags from item where study_id = {s}",
    "ratings": """select r.id, r.participant_id as person, r.item_id as item, r.slate_id as slate, r.rating,
        coalesce(b.key, a.key) as arm, coalesce(r.rated_at, r.received_at) as moment
        from rating r join participant p on p.id = r.participant_id left join arm a on a.id = p.arm_id
        left join slate t on t.id = r.slate_id left join arm b on b.id = t.arm_id where r.{current} and {p}""",
    "answers": """select x.id, s.participant_id as person, a.key as arm, s.instrument, s.wave, x.question, x.value
        from answer x join response s on s.id = x.response_id
        join participant p on p.id = s.participant_id left join arm a on a.id = p.arm_id where x.{current} and {p}""",
    "shown": """select i.slate_id as slate, t.participant_id as person, coalesce(b.key, a.key) as arm, i.position,
        i.item_id as item, i.score, i.shown_at, t.served_at from impression i join slate t on t.id = i.slate_id
        join participant p on p.id = t.participant_id left join arm a on a.id = p.arm_id
        left join arm b on b.id = t.arm_id where {p} order by i.slate_id, i.position""",
    "acts": """select i.participant_id as person, i.item_id as item, i.slate_id as slate, i.kind,
        i.occurred_at as moment from interaction i join participant p on p.id = i.participant_id where {p}""",
    "calls": """select q.id, a.key as arm, t.participant_id as person, q.duration_ms, q.outcome from request q
        left join arm a on a.id = q.arm_id left join slate t on t.id = q.slate_id
        left join participant p on p.id = t.participant_id where q.study_id = {s} and (p.id is null or {p})""",
    "batches": """select b.number, b.closed_at, m.kind, m.row_id from batch b join batch_row m on m.batch_id = b.id
        join round r on r.batch_id = b.id where b.study_id = {s}
        and exists (select 1 from figure f where f.round_id = r.id)""",
}


def rows_of(url: str, slug: str) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """All rows of a study, and the study itself."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        study = pd.read_sql(sa.text("select * from study where slug = :slug"), connection, params={"slug": slug})
        one = study.iloc[0].to_dict()
        counts = f"p.study_id = {one['id']} and p.withdrawn_at is null and not p.test"
        words = {"s": one["id"], "p": counts, "current": "current"}
        return {name: pd.read_sql(sa.text(sql.format(**words)), connection) for name, sql in ROWS.items()}, one


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
        place = f"instruments.{name}.constructs.{one['name']}"
        found |= {f"{place}.score": bounded(means, low, high), f"{place}.alpha": alpha(table.dropna())}
        found[f"{place}.omega"] = omega(table.dropna())
        for column in table if table.shape[1] > 1 else ():
            found[f"{place}.item_rest.{column}"] = item_rest(table.dropna(), column)
    return found


def recommendation(shown: pd.DataFrame, items: pd.DataFrame, k: int, recorded: set[str]) -> Found:
    """Rates, ranking figures and what the slates are like."""
    found: Found = {}
    for name, column, kind in (("ctr", "clicked", "click"), ("purchase_rate", "purchased", "purchase")):
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
    for place, (metric, arm) in enumerate((m, arm) for m in ordered for arm in others):
        a, b = ({n: r[r["arm"] == one] if "arm" in r else r for n, r in rows.items()} for one in (control, arm))
        path = f"experiment.comparisons.{place}"
        yield f"{path}.difference", difference(metric, a, b)
        if metric in metrics:
            x, y = of_people(metric, a), of_people(metric, b)
            if not x.index.intersection(y.index).size:  # else people are compared with themselves
                yield from at_equal_mix(path, x, y, cohort)


def before_after(rows: dict[str, pd.DataFrame], recorded: set[str]) -> Iterator[tuple[str, Numbers]]:
    """Every round against the one before it, the newest first; the same people where they came back."""
    parts = [alone(rows, number) for number in sorted(rows["batches"]["number"].unique())]
    cohort = rows["people"].set_index("id")["cohort"].fillna("")
    place = 0
    for before, after in list(pairwise(parts))[::-1]:
        for arm in [None, *rows["arms"]["key"]]:
            a, b = ({n: r[r["arm"] == arm] if arm and "arm" in r else r for n, r in x.items()} for x in (before, after))
            for metric in [m for m in metrics_of(a, recorded) if m in metrics_of(b, recorded)]:
                values = of_people(metric, a), of_people(metric, b)
                yield from change(f"before_after.{place}", metric, (a, b), values, cohort)
                place += 1


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
    path: str, metric: str, pair: tuple[Any, Any], values: tuple[pd.Series, pd.Series], cohort: pd.Series
) -> Iterator[tuple[str, Numbers]]:
    """One metric of a round minus the round before; beside it, where the mix of cohorts moved, at an equal mix."""
    before, after = values
    back = before.index.intersection(after.index)
    if len(back) >= max(10, 0.5 * min(len(before), len(after))):
        yield f"{path}.difference", paired(after[back] - before[back])
        return
    others = {n: r[~r["person"].isin(back)] if "person" in r else r for n, r in pair[0].items()}
    yield f"{path}.difference", difference(metric, others, pair[1])
    yield from at_equal_mix(path, before.drop(back), after, cohort)


def at_equal_mix(path: str, x: pd.Series, y: pd.Series, cohort: pd.Series) -> Iterator[tuple[str, Numbers]]:
    """The difference within cohorts, where their mix differs."""
    kinds = [cohort.reindex(v.index) for v in (x, y)]
    table = pd.DataFrame({n: k.value_counts() for n, k in enumerate(kinds)}).fillna(0)
    enough = len(table) > 1 and min(len(x), len(y)) > 0 and stats.contingency.expected_freq(table).min() >= 5
    if enough and stats.chi2_contingency(table, correction=False).pvalue < 0.05:
        yield f"{path}.within_cohorts", equal_mix(x, y, *kinds)


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


def paired(change: pd.Series) -> Numbers:
    """Paired t test of the differences."""
    if len(change) < 2 or np.ptp(change) == 0:
        return None
    interval = stats.ttest_1samp(change, 0).confidence_interval(0.95)
    return change.mean(), interval.low, interval.high, len(change)


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


def nps(scores: pd.Series) -> Numbers:
    """Adjusted Wald: three answers are added for the interval."""
    n = len(scores)
    if n < 2:
        return None
    p, d = (scores >= 9).sum(), (scores <= 6).sum()
    pp, dd, nn = (p + 0.75) / (n + 3), (d + 0.75) / (n + 3), n + 3
    half = stats.norm.ppf(0.975) * sqrt((pp + dd - (pp - dd) ** 2) / nn)
    return 100 * (p - d) / n, 100 * max(-1, pp - dd - half), 100 * min(1, pp - dd + half), n


def nps_difference(a: pd.Series, b: pd.Series) -> Numbers:
    """Inverted score test; the likeliest distributions with a given difference are found by a general optimiser."""
    counts = np.array([[(x >= 9).sum(), ((x > 6) & (x < 9)).sum(), (x <= 6).sum()] for x in (a, b)], dtype=float)
    sizes = counts.sum(axis=1)
    if sizes.min() < 2:
        return None
    value = np.array([1.0, 0.0, -1.0])
    means = counts @ value / sizes
    observed, z = means[1] - means[0], stats.norm.ppf(0.975)

    def spread(delta: float) -> float:
        rules = [
            {"type": "eq", "fun": lambda p: p[:3].sum() - 1},
            {"type": "eq", "fun": lambda p: p[3:].sum() - 1},
            {"type": "eq", "fun": lambda p: p[3:] @ value - p[:3] @ value - delta},
        ]
        seen = (counts + 1e-4).ravel()
        start = np.full(6, 1 / 3)
        best = optimize.minimize(
            lambda p: -(seen * np.log(p)).sum() / seen.sum(), start, jac=lambda p: -seen / p / seen.sum(),
            bounds=[(1e-9, 1)] * 6, constraints=rules, method="SLSQP", options={"maxiter": 500, "ftol": 1e-14},
        )  # fmt: skip
        p = best.x.reshape(2, 3)
        variance = ((p @ value**2 - (p @ value) ** 2) / sizes).sum()
        return sqrt(variance * sizes.sum() / (sizes.sum() - 1))

    low, high = (
        optimize.brentq(lambda d, s=side: observed - d - s * z * spread(d), *ends, xtol=1e-7)
        for side, ends in ((1, (-1.999, observed)), (-1, (observed, 1.999)))
    )
    return 100 * observed, 100 * low, 100 * high, int(sizes.sum())


def csat_difference(a: pd.Series, b: pd.Series) -> Numbers:
    """Square-and-add on exact limits, holding 0 where Fisher's test is not significant."""
    pairs = [(int(x.sum()), len(x)) for x in (a, b)]
    if min(n for _, n in pairs) == 0:
        return None
    (pa, la, ha, na), (pb, lb, hb, nb) = (proportion(*pair) for pair in pairs)
    low, high = pb - pa - sqrt((pb - lb) ** 2 + (ha - pa) ** 2), pb - pa + sqrt((hb - pb) ** 2 + (pa - la) ** 2)
    (ka, _), (kb, _) = pairs
    if stats.fisher_exact([[kb, nb - kb], [ka, na - ka]]).pvalue >= 0.05:
        low, high = min(low, 0), max(high, 0)
    return pb - pa, max(-1, low), min(1, high), na + nb


def welch(a: pd.Series, b: pd.Series) -> Numbers:
    """Welch's test by scipy."""
    if min(len(a), len(b)) < 2 or np.ptp(a) + np.ptp(b) == 0:
        return None
    interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
    return b.mean() - a.mean(), interval.low, interval.high, len(a) + len(b)


def linearised(totals: pd.DataFrame) -> pd.Series:
    """One value a person whose mean is the ratio and whose spread is its linearised spread."""
    rate = totals["sum"].sum() / totals["size"].sum()
    return rate + (totals["sum"] - rate * totals["size"]) / totals["size"].mean()


def ratio(totals: pd.DataFrame) -> Numbers:
    """Korn and Graubard: Clopper-Pearson with the effective number of rows."""
    n, rows = len(totals), totals["size"].sum()
    if n < 2:
        return None
    rate = totals["sum"].sum() / rows
    variance = (((totals["sum"] - rate * totals["size"]) / totals["size"].mean()) ** 2).sum() / (n * (n - 1))
    variance *= (stats.t.ppf(0.975, n - 1) / stats.norm.ppf(0.975)) ** 2
    effective = min(rows, max(1.0, rate * (1 - rate) / max(variance, 1e-24)))
    if min((totals["sum"] > 0).sum(), (totals["sum"] < totals["size"]).sum()) < 5:
        effective = min(effective, n)
    return rate, *exact(rate * effective, effective), n


def proportion(successes: int, n: int) -> Any:
    """A share with its exact interval."""
    return None if n == 0 else (successes / n, *exact(successes, n), n)


def exact(k: float, n: float) -> tuple[float, float]:
    """Clopper and Pearson, for real-valued counts too."""
    low = 0.0 if k <= 0 else float(stats.beta.ppf(0.025, k, n - k + 1))
    return low, 1.0 if k >= n else float(stats.beta.ppf(0.975, k + 1, n - k))


def bounded(values: pd.Series, low: float, high: float) -> Numbers:
    """A mean on a scale."""
    n = len(values)
    if n == 0:
        return None
    mean = values.mean()
    if np.ptp(values) == 0:
        share = 0.025 ** (1 / n)
        return mean, share * mean + (1 - share) * low, share * mean + (1 - share) * high, n
    ends = [mean - x * values.std() / sqrt(n) for x in hall(values)]
    return mean, max(low, ends[0]), min(high, ends[1]), n


def hall(values: pd.Series) -> list[float]:
    """Quantiles of t transformed back by solving Hall's cubic for its real root; t's own for two values."""
    n, t = len(values), stats.t.ppf(0.975, len(values) - 1)
    skew = 0.0 if n < 3 else values.skew() * sqrt((n - 1) / n) * sqrt(n / (n - 1)) / sqrt(n)
    if abs(skew) < 1e-6:
        return [t, -t]
    cubic = [[skew**2 / 27, skew / 3, 1, skew / 6 - x] for x in (t, -t)]
    return [float(next(root.real for root in np.roots(c) if abs(root.imag) < 1e-6)) for c in cubic]


def alpha(table: pd.DataFrame) -> Numbers:
    """Cronbach's alpha with Feldt's interval."""
    n, k = table.shape
    if k < 2 or n < 3 or table.var().min() == 0:
        return None
    value = k / (k - 1) * (1 - table.var().sum() / table.sum(axis=1).var())
    ends = [1 - (1 - value) * stats.f.ppf(q, n - 1, (n - 1) * (k - 1)) for q in (0.975, 0.025)]
    return value, *ends, n


def omega(table: pd.DataFrame) -> Numbers:
    """McDonald's omega: one factor fitted by a general optimiser, the interval by numerical derivatives."""
    n, k = table.shape
    if k < 3 or n <= k or table.var().min() == 0:
        return None
    seen = table.cov().to_numpy()

    def minus_log_likelihood(x: np.ndarray[Any, Any]) -> float:
        implied = np.outer(x[:k], x[:k]) + np.diag(np.exp(x[k:]))
        return float((n - 1) / 2 * (np.linalg.slogdet(implied)[1] + np.trace(np.linalg.solve(implied, seen))))

    spread = np.sqrt(np.diag(seen))
    values, vectors = np.linalg.eigh(seen / np.outer(spread, spread))
    first = vectors[:, -1] * np.sqrt(values[-1]) * np.sign(vectors[:, -1].sum()) * 0.8
    start = np.concatenate([first * spread, np.log(np.maximum(1 - first**2, 0.05) * spread**2)])
    low = np.concatenate([np.full(k, -np.inf), np.log(0.005 * spread**2)])
    best = optimize.minimize(
        minus_log_likelihood, start, method="L-BFGS-B", bounds=list(zip(low, [np.inf] * 2 * k, strict=True)),
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9, "maxfun": 10**6},
    )  # fmt: skip
    if (best.x[k:] < low[k:] + 0.01).any():
        return None  # a question without variance of its own
    x, step = best.x, 1e-3
    hessian = np.zeros((2 * k, 2 * k))
    for i in range(2 * k):
        for j in range(2 * k):
            moved = [x + step * (a * np.eye(2 * k)[i] + b * np.eye(2 * k)[j]) for a in (1, -1) for b in (1, -1)]
            hessian[i, j] = np.dot([1, -1, -1, 1], [minus_log_likelihood(m) for m in moved]) / (4 * step**2)
    total, unique = x[:k].sum(), np.exp(x[k:])
    gradient = np.concatenate([np.full(k, 2 / total), -unique / unique.sum()])
    half = stats.norm.ppf(0.975) * sqrt(gradient @ np.linalg.solve(hessian, gradient))
    logit = np.log(total**2 / unique.sum())
    value, low, high = (float(1 / (1 + np.exp(-end))) for end in (logit, logit - half, logit + half))
    return value, low, high, n


def item_rest(table: pd.DataFrame, column: str) -> Numbers:
    """Pearson's r of a question with the sum of the others."""
    rest = table.drop(columns=column).sum(axis=1)
    if len(table) < 4 or np.ptp(table[column]) == 0 or np.ptp(rest) == 0:
        return None
    found = stats.pearsonr(table[column], rest)
    interval = found.confidence_interval(0.95)
    return found.statistic, interval.low, interval.high, len(table)


def score(answers: pd.DataFrame, instrument: str) -> pd.Series:
    """The numbers given to a single-question instrument."""
    mine = answers[(answers["instrument"] == instrument) & (answers["question"] == "score")]
    return mine["value"].dropna().astype(float)


def wide_of(answers: pd.DataFrame, instrument: str) -> pd.DataFrame:
    """People x questions."""
    mine = answers[answers["instrument"] == instrument]
    return mine.set_index(["person", "question"])["value"].astype(float).unstack()


def sus(answers: pd.DataFrame) -> pd.Series:
    """Of those who answered all ten questions."""
    wide = wide_of(answers, "sus").reindex(columns=[f"q{n}" for n in range(1, 11)]).dropna()
    odd, even = wide[[f"q{n}" for n in range(1, 11, 2)]], wide[[f"q{n}" for n in range(2, 11, 2)]]
    return 2.5 * ((odd - 1).sum(axis=1) + (5 - even).sum(axis=1))


def umux_lite(answers: pd.DataFrame) -> pd.Series:
    """Of those who answered both questions."""
    wide = wide_of(answers, "umux_lite").reindex(columns=["q1", "q2"]).dropna()
    return 0.65 * (wide.sum(axis=1) - 2) * 100 / 12 + 22.9


def last_wave(answers: pd.DataFrame) -> pd.DataFrame:
    """Of each person and instrument the last wave."""
    return answers[answers["wave"] == answers.groupby(["person", "instrument"])["wave"].transform("max")]


def exposures(rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Impressions that somebody can have seen, with what followed; row by row."""
    shown = rows["shown"].copy()
    served = dict(zip(shown["slate"], shown["served_at"], strict=True))
    places = shown.groupby(["person", "item"])["slate"].apply(list).to_dict()

    def slate_of(row: Any) -> float:
        if pd.notna(row.slate):
            return row.slate
        fits = [s for s in places.get((row.person, row.item), []) if pd.isna(served[s]) or not served[s] > row.moment]
        return max(fits, key=lambda s: ("" if pd.isna(served[s]) else str(served[s]), s)) if fits else nan

    rated = {(slate_of(r), r.item): r.rating for r in rows["ratings"].sort_values("id").itertuples()}
    done = {(slate_of(a), a.item, a.kind) for a in rows["acts"].itertuples()}
    pairs = list(zip(shown["slate"], shown["item"], strict=True))
    shown["rating"] = pd.Series([rated.get(pair, nan) for pair in pairs], index=shown.index, dtype=float)
    shown["clicked"] = pd.Series([(*pair, "click") in done for pair in pairs], index=shown.index, dtype=bool)
    shown["purchased"] = pd.Series([(*pair, "purchase") in done for pair in pairs], index=shown.index, dtype=bool)
    seen = shown["rating"].notna() | shown["clicked"] | shown["purchased"]
    recorded = shown["shown_at"].notna().groupby(shown["slate"]).transform("any")
    out = shown["served_at"].notna() | seen.groupby(shown["slate"]).transform("any")
    if shown["served_at"].isna().all() and seen.any():
        out = pd.Series(True, index=shown.index)
    return shown[out & (seen | shown["shown_at"].notna() | ~recorded)]


def figures_in(report: Any, path: str = "") -> Iterator[tuple[str, Numbers]]:
    """Every figure of a report by its path; models and suggestions are left out."""
    if isinstance(report, Mapping) and "value" in report and ("reason" in report or "ci_low" in report):
        value = report["value"]
        yield path, None if value is None else (value, report["ci_low"], report["ci_high"], report["n"])
        return
    children: Any = report.items() if isinstance(report, Mapping) else enumerate(report)
    for name, child in children:
        if isinstance(child, Mapping | list) and (path or name not in {"models", "suggestions"}):
            yield from figures_in(child, f"{path}.{name}" if path else str(name))


def disagreements(report: Mapping[str, Any], found: Found, show: Callable[[str], None] = print) -> list[str]:
    """Paths where the report and the recomputation differ by more than 1e-6, or 1e-4 to 2e-3 behind an optimiser."""
    said, wrong = dict(figures_in(report)), []
    for path in sorted(said.keys() | found.keys()):
        one, other = said.get(path, "absent"), found.get(path, "absent")
        close = 1e-4 if "comparisons" in path else 2e-3 if "omega" in path else 1e-6
        same = one == other or (
            isinstance(one, tuple)
            and isinstance(other, tuple)
            and all(isclose(x, y, rel_tol=close, abs_tol=close) for x, y in zip(one, other, strict=True))
        )
        show(f"{'same' if same else 'DIFFERS':8} {path:60} {one} {'' if same else other}")
        wrong += [] if same else [path]
    return wrong


def main() -> int:
    """Compare and print."""
    from recux.settings import Settings

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", required=True)
    parser.add_argument("--report", type=Path, help="a report written by `recux report`; made now without it")
    asked = parser.parse_args()
    url = Settings().url
    report = json.loads(asked.report.read_text()) if asked.report else made_now(url, asked.study)
    wrong = disagreements(report, recompute(*rows_of(url, asked.study)))
    print(f"{len(dict(figures_in(report)))} figures, {len(wrong)} differ")
    return 1 if wrong else 0


def made_now(url: str, slug: str) -> dict[str, Any]:
    """The report as recux writes it now."""
    from db.engine import engine_for, read_session
    from db.queries import study_by_slug
    from recux.report import build_report

    with read_session(engine_for(url)) as session:
        study = study_by_slug(session, slug)
        if study is None:
            raise SystemExit(f"there is no study {slug!r}")
        return build_report(session, study)


if __name__ == "__main__":
    sys.exit(main())
