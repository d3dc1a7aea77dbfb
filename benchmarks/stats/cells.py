"""One cell of a table: many pilots from one population, how often the interval held the truth and the test rejected."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

LOWEST, HIGHEST = 0.935, 0.965
TYPE_ONE = (0.035, 0.06)


@dataclass(frozen=True)
class Cell:
    """Result of one cell."""

    method: str
    population: str
    sizes: str
    pilots: int
    refused: int
    covered: int | None
    rejected: int | None
    continuous: bool = False
    exact: bool = False
    monitored: bool = False
    large: bool = False
    degenerate: bool = False
    """Listed as one in which no method can answer, so that refusing is right."""

    @property
    def answered(self) -> int:
        """Pilots with an answer."""
        return self.pilots - self.refused

    @property
    def coverage(self) -> float | None:
        """Share of answered pilots whose interval held the truth."""
        return None if self.covered is None or not self.answered else self.covered / self.answered

    @property
    def type_one(self) -> float | None:
        """Share of all pilots in which a true hypothesis was rejected."""
        return None if self.rejected is None else self.rejected / self.pilots

    def faults(self) -> list[str]:
        """What misses its target by more than two standard errors of the simulation."""
        found = []
        if self.coverage is not None:
            slack = 2 * sqrt(0.05 * 0.95 / self.answered)
            if self.coverage + slack < LOWEST:
                found.append("coverage low")
            if self.continuous and not self.exact and self.large and self.coverage - slack > HIGHEST:
                found.append("coverage high")
        if self.type_one is not None:
            slack = 2 * sqrt(0.05 * 0.95 / self.pilots)
            if self.type_one - slack > (0.05 if self.monitored else TYPE_ONE[1]):
                found.append("type I high")
            if not (self.exact or self.monitored) and self.type_one + slack < TYPE_ONE[0]:
                found.append("type I low")
        if self.refused > 0.05 * self.pilots and not self.degenerate:
            found.append("refused")
        return found


def tally(
    method: str,
    population: str,
    sizes: tuple[int, ...],
    results: Iterable[tuple[float | None, float | None, float | None]],
    truth: float | None,
    *,
    null: bool = False,
    **marks: bool,
) -> Cell:
    """Cell from each pilot's (ci_low, ci_high, p); `null` says that the hypothesis tested is true."""
    pilots = refused = covered = rejected = 0
    intervals = tests = False
    for low, high, p in results:
        pilots += 1
        if low is None and p is None:
            refused += 1
            continue
        if low is not None and high is not None and truth is not None:
            intervals = True
            covered += low - 1e-9 <= truth <= high + 1e-9
        if p is not None:
            tests = True
            rejected += p < 0.05
    label = " : ".join(str(n) for n in sizes)
    return Cell(
        method,
        population,
        label,
        pilots,
        refused,
        covered if intervals else None,
        rejected if tests and null else None,
        large=min(sizes) >= 50,
        **marks,
    )
