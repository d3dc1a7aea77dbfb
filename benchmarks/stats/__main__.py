"""Prints coverage and type I error of every interval and test: `python -m benchmarks.stats [--full] [--only NAME]`."""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby

import numpy as np

from benchmarks.stats.cells import Cell
from benchmarks.stats.closed_forms import Job, jobs
from benchmarks.stats.resampled import bootstrap_jobs, model_jobs

# pilots a cell: closed forms, resampling, models
QUICK, FULL = (1200, 250, 80), (10_000, 2000, 500)
SEED = 20261123


def main() -> None:
    """Run the cells on two processes and print one table a method, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000, 2,000 and 500 pilots a cell instead of an eighth")
    parser.add_argument("--only", default="", help="methods whose job names contain this")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    work = [w for w in all_work(FULL if options.full else QUICK) if options.only in w[0].func.__name__]
    with ProcessPoolExecutor(options.processes) as pool:
        cells = list(pool.map(run, work, chunksize=2))
    report(cells)
    print(f"\n{len(cells)} cells, seed {SEED}, {time.perf_counter() - started:.0f} s on {options.processes} processes")


def all_work(pilots: tuple[int, int, int]) -> Iterator[tuple[Job, int, int]]:
    """Every cell with its seed and number of pilots."""
    kinds: list[Callable[[], Iterable[Job]]] = [jobs, bootstrap_jobs, model_jobs]
    for kind, (make, size) in enumerate(zip(kinds, pilots, strict=True)):
        for index, job in enumerate(make()):
            yield job, 1000 * kind + index, size


def run(work: tuple[Job, int, int]) -> Cell:
    """One cell; its random numbers depend on its place alone."""
    job, index, pilots = work
    return job(np.random.default_rng([SEED, index]), pilots)


def report(cells: list[Cell]) -> None:
    """All cells, then for each method the range over its cells and what misses its target."""
    cells = sorted(cells, key=lambda cell: cell.method)
    for method, group in groupby(cells, key=lambda cell: cell.method):
        print(f"\n### {method}\n\n| population | n | pilots | refused | coverage | type I | |\n|{'---|' * 7}")
        for c in group:
            row = (c.population, c.sizes, c.pilots, share(c.refused / c.pilots), share(c.coverage), share(c.type_one))
            print("| " + " | ".join(str(x) for x in row) + f" | {', '.join(c.faults())} |")
    print(f"\n### Summary\n\n| method | cells | coverage | type I | most refused | cells off target |\n|{'---|' * 6}")
    for method, group in groupby(cells, key=lambda cell: cell.method):
        rows = list(group)
        off = sum(bool(c.faults()) for c in rows)
        refused = max(c.refused / c.pilots for c in rows)
        print(
            f"| {method} | {len(rows)} | {span(c.coverage for c in rows)} | {span(c.type_one for c in rows)} "
            f"| {share(refused)} | {off} |"
        )


def span(values: Iterable[float | None]) -> str:
    """Smallest and largest value."""
    known = [v for v in values if v is not None]
    return f"{share(min(known))} - {share(max(known))}" if known else ""


def share(value: float | None) -> str:
    """Three decimals, or nothing."""
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
