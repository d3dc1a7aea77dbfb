"""Are the suggestions right? Simulated pilots with known truth, judged on the statistics path (no database, no model).

    .venv/bin/python -m benchmarks.suggest            200 pilots a cell, some minutes
    .venv/bin/python -m benchmarks.suggest --full     1,000 pilots a cell; prints the tables of docs/suggestions.md

What the pilots are like, and what is planted in them, stands in `benchmarks.pilots`.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.admin import large
from benchmarks.pilots import CENTRE, HUNDRED, LARGE, TRUTHS, Design, Effect, Planted, expected, pilot, shift_for
from db.engine import build_engine, write_session
from db.migrate import upgrade
from db.tables import Round
from recux.stats import proportion
from recux.suggest import propose
from recux.suggest.draft import Draft, practical
from recux.suggest.drafting import draft
from recux.suggest.frames import Evidence
from recux.suggest.judge import judge_before_after
from recux.suggest.outcomes import outcome
from recux.suggest.verdicts import Promise, judge_beside_control


def false_alarms(pilots: int) -> None:
    """Count suggestions in pilots where arms and cohorts are shuffled labels."""
    print("\n| no truth: shuffled arms and cohorts (limit 6.4 %) | pilots with any suggestion | CPU a pilot |")
    print("|---|---|---|")
    rules: Counter[str] = Counter()
    for design in (Design(60, 8), Design(100), Design(400), HUNDRED):
        alarms, spent = 0, []
        for seed in range(pilots):
            drafts, seconds = timed(pilot(design, np.random.default_rng([1, design.people, seed])))
            rules.update({d.rule for d in drafts})
            alarms += bool(drafts)
            spent.append(seconds)
        name = f"{design.people:,} people, {design.cohorts} cohorts x {design.categories} categories"
        print(f"| {name} | {share(alarms, pilots)} | {milliseconds(spent)} |")
    print(f"\nFalse alarms by rule, all rows together: {dict(rules.most_common())}")


def planted(pilots: int, truths: tuple[Planted, ...]) -> None:
    """Count how often a segment that differs is found, and how often the predicted interval holds the truth."""
    print("\n| planted, twice the smallest detectable size, 50 people an arm in the segment | effect |",
          "found with segment, sign and category (90 %) | truth in the interval (93.5 %) | others too |",
          "CPU a pilot |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for truth in truths:
        found = covered = others = 0
        spent = []
        for seed in range(pilots):
            sign = 1.0 if truth.both_signs and seed % 2 else -1.0
            signed = sign * truth.size
            drafts, seconds = timed(pilot(truth.design, np.random.default_rng([2, seed]), truth.effect(signed)))
            spent.append(seconds)
            hits = [d for d in drafts if is_it(d, truth, sign)]
            found += bool(hits)
            others += any(d.finding.p_adjusted is not None and d not in hits for d in drafts)
            actual = truth_of(signed)
            covered += any(hit.predicted.low <= abs(actual) <= hit.predicted.high for hit in hits)
        print(f"| {truth.name} | {truth.size:.2f} | {share(found, pilots)} | {share(covered, found)} |"
              f" {others / pilots:.1%} | {milliseconds(spent)} |")  # fmt: skip


def timed(e: Evidence) -> tuple[list[Draft], float]:
    """The drafts of a pilot, and how many seconds of CPU they took, without the simulation."""
    clock = time.process_time()
    return draft(e), time.process_time() - clock


def milliseconds(spent: list[float]) -> str:
    """Mean and 95th percentile of times that are given in seconds."""
    return f"{1000 * np.mean(spent):.0f} ms, 95 % within {1000 * np.quantile(spent, 0.95):.0f} ms"


def is_it(d: Draft, truth: Planted, sign: float) -> bool:
    """Whether a draft names the planted segment with the right sign and category."""
    rule = truth.rules[0 if sign < 0 else 1]
    same = dict(d.finding.where) == dict(truth.where)
    return d.rule == rule and same and d.finding.value * sign > 0 and d.category == "algorithm"


def truth_of(signed: float) -> float:
    """The true difference on the observed scale."""
    return expected(CENTRE + shift_for(signed)) - expected(CENTRE)


def worst_picks(pilots: int) -> None:
    """Judge the lowest segment of a pilot without any truth after nothing was done about it."""
    print("\n| nothing changed, worst segment picked | beside a control (confirmed at most 5 %) |",
          "without a control (never) | its plain mean rose by itself |\n|---|---|---|---|")  # fmt: skip
    for design in (Design(200), HUNDRED):
        beside: Counter[str] = Counter()
        alone: Counter[str] = Counter()
        naive = 0
        for seed in range(pilots):
            before, after = (pilot(design, np.random.default_rng([3, part, seed])) for part in (0, 1))
            where, gap = worst_segment(before)
            promise = Promise("mean_rating", where, gap, practical("mean_rating"), "b", "a")
            judged = judge_beside_control(after, promise)
            beside[judged.verdict if judged else "none"] += 1
            uncontrolled = replace(promise, arm=None, control=None)
            alone[judge_before_after(before, after, uncontrolled, segment_found=True).verdict] += 1
            naive += np.nanmean(outcome(after, "mean_rating", where)) > np.nanmean(
                outcome(before, "mean_rating", where)
            )
        print(
            f"| {design.people:,} people | {shares(beside, pilots)} | {shares(alone, pilots)} | {naive / pilots:.0%} |"
        )


def worst_segment(e: Evidence) -> tuple[dict[str, str], float]:
    """The cohort x category with the lowest mean rating, and how far it is below the mean."""
    category = e.items["category"].to_numpy()[e.item]
    table = pd.DataFrame({"cohort": e.people["cohort"].to_numpy()[e.person], "category": category, "r": e.rating})
    means = table.groupby(["cohort", "category"])["r"].mean()
    cohort, category = means.idxmin()
    return {"cohort": cohort, "category": category}, float(e.rating.mean() - means.min())


def after_a_change(pilots: int, truths: tuple[Planted, ...]) -> None:
    """Judge a planted segment that was fixed, or made worse, in arm b of the next round."""
    print("\n| a real change of that size in the next round | fixed (confirmed 85 %) | harmed (refuted 80 %) |"
          " fixed without a control (never confirmed) |\n|---|---|---|---|")  # fmt: skip
    for truth in truths:
        where = {key: value for key, value in truth.where.items() if key in ("cohort", "category")}
        promise = Promise("mean_rating", where, truth.size, practical("mean_rating"), "b", "a")
        fixed, harmed, alone = Counter[str](), Counter[str](), Counter[str]()
        for seed in range(pilots):
            low = low_everywhere(truth, -truth.size)
            before = pilot(truth.design, np.random.default_rng([4, 0, seed]), low)
            better = pilot(truth.design, np.random.default_rng([4, 1, seed]), not_in_arm_b(low))
            worse = pilot(truth.design, np.random.default_rng([4, 2, seed]), truth.effect(-truth.size, only_arm=1))
            for e, verdicts in ((better, fixed), (worse, harmed)):
                judged = judge_beside_control(e, promise)
                verdicts[judged.verdict if judged else "none"] += 1
            cured = pilot(truth.design, np.random.default_rng([4, 3, seed]))
            open_ended = replace(promise, arm=None, control=None)
            alone[judge_before_after(before, cured, open_ended, segment_found=True).verdict] += 1
        print(f"| {truth.name} | {shares(fixed, pilots)} | {shares(harmed, pilots)} | {shares(alone, pilots)} |")


def low_everywhere(truth: Planted, signed: float) -> Effect:
    """The segment is low in all arms."""
    plain = replace(truth, where={k: v for k, v in truth.where.items() if k in ("cohort", "category")})
    return plain.effect(signed)


def not_in_arm_b(low: Effect) -> Effect:
    """The effect in arm a only: arm b was fixed."""
    return lambda rows: np.where(rows["arm"] == 1, 0.0, low(rows))


def a_million() -> None:
    """1,000,000 ratings: findings and suggestions, from frames and from a database."""
    design = Design(people=100_000, each=10, cohorts=12, categories=20, spread_categories=False)
    truth = replace(TRUTHS[2], design=design)
    e = pilot(design, np.random.default_rng(5), truth.effect(-0.8))
    started, clock = time.perf_counter(), time.process_time()
    rules = sorted({d.rule for d in draft(e)})
    spent, cpu = time.perf_counter() - started, time.process_time() - clock
    print(f"\n1,000,000 ratings of 100,000 people, from frames: {spent:.1f} s, {cpu:.1f} s of CPU, {rules}")


def a_million_stored() -> None:
    """The same size from a SQLite file with as many interactions and requests: reading and all."""
    with tempfile.TemporaryDirectory() as folder:
        url, size = f"sqlite:///{folder}/recux.db", large.Size()
        upgrade(url)
        large.build(url, size)
        engine = build_engine(url)
        with write_session(engine) as session:
            started, clock = time.perf_counter(), time.process_time()
            found = propose(session, session.get_one(Round, size.rounds))
            spent, cpu = time.perf_counter() - started, time.process_time() - clock
        engine.dispose()
    rules = sorted({one.rule for one in found})
    print(f"the same from SQLite, stored: {spent:.1f} s, {cpu:.1f} s of CPU (limit 30 s), {rules}")


def share(part: int, whole: int) -> str:
    """A share with its interval."""
    if not whole:
        return "-"
    found = proportion(part, whole)
    return f"{part / whole:.1%} [{found.ci_low:.1%}, {found.ci_high:.1%}]"


def shares(verdicts: Counter[str], pilots: int) -> str:
    """Verdicts with their shares."""
    return ", ".join(f"{verdict} {number / pilots:.1%}" for verdict, number in sorted(verdicts.items()))


TABLES: dict[str, Callable[[int], None]] = {
    "silent": false_alarms,
    "planted": lambda pilots: planted(pilots, TRUTHS),
    "large": lambda pilots: planted(pilots, (LARGE,)),
    "picks": worst_picks,
    "changes": lambda pilots: after_a_change(pilots, TRUTHS),
    "million": lambda _: a_million(),
    "million_stored": lambda _: a_million_stored(),
}


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="1,000 pilots a cell")
    parser.add_argument("--pilots", type=int, help="pilots a cell")
    parser.add_argument("--only", choices=TABLES, help="one table, printed from the same seeds as among all")
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    pilots = asked.pilots or (1000 if asked.full else 200)
    print(f"Suggestions: {pilots} pilots a cell, Python {platform.python_version()}, numpy {np.__version__}")
    for name in [asked.only] if asked.only else TABLES:
        TABLES[name](pilots)


if __name__ == "__main__":
    main()
