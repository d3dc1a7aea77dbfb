"""A round against the one before it, by the same definitions: the same people with themselves where they came back."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from recux.evaluation.contrasts import Contrast, as_figure, between
from recux.evaluation.figure import FigureValue
from recux.evaluation.mix import MixCheck, mix_check, noted
from recux.evaluation.satisfaction import last_wave
from recux.evaluation.snapshot import Snapshot
from recux.evaluation.values import Data, measured, values_of
from recux.stats import compare_paired, holm

FEWEST_PAIRS = 10
SAME_PEOPLE = 0.5
"""Share of the smaller round's people who must have come back for the comparison to be of them alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """One metric in a round minus the same in the round before, each of its own batch alone."""

    metric: str
    arm: str
    """Empty: everyone."""
    difference: FigureValue
    p: float | None
    p_adjusted: float | None
    """Adjusted over the metrics of this arm (Holm)."""
    paired: bool
    """Whether the same people were compared with themselves."""
    n_before: int
    n_after: int
    mix: MixCheck | None
    """Where other people came and the mix of cohorts moved, by a test that is adjusted over all changes of the round:
    what that does to the difference."""

    def details(self) -> dict[str, Any]:
        """What is stored and reported beside the difference."""
        found = {
            "p": self.p,
            "p_adjusted": self.p_adjusted,
            "paired": self.paired,
            "n_before": self.n_before,
            "n_after": self.n_after,
        }
        return found if self.mix is None else found | self.mix.details()


def changes(before: Snapshot, after: Snapshot, *, number: int) -> list[Change]:
    """Every metric that both rounds measured, for everyone and by arm; ``number`` is the later round's.

    The people who came back are compared with themselves where there are at least ten of them, and half of the
    smaller round. Otherwise different people are compared: who was in both counts in the later round alone.
    """
    cohorts = pd.concat([before.people, after.people]).drop_duplicates("participant").set_index("participant")["cohort"]
    found = []
    for arm in ("", *after.arms):
        pair = _data(before, arm), _data(after, arm)
        metrics = _both(*pair, before.recorded & after.recorded)
        found += _adjusted([_change(metric, arm, pair, cohorts, number) for metric in metrics])
    checks = noted([one.mix for one in found])
    return [replace(one, mix=check) for one, check in zip(found, checks, strict=True)]


def _data(all_arms: Snapshot, arm: str) -> Data:
    part = all_arms if arm == "" else all_arms.of_arm(arm)
    return Data(part.ratings, last_wave(part.answers), part.exposures, part.instruments)


def _both(a: Data, b: Data, recorded: set[str]) -> list[str]:
    """The metrics that both rounds measured."""
    later = measured(b, recorded)
    return [metric for metric in measured(a, recorded) if metric in later]


def _change(metric: str, arm: str, pair: tuple[Data, Data], cohorts: "pd.Series[str]", number: int) -> Change:
    values = values_of(metric, pair[0]), values_of(metric, pair[1])
    (result, paired), (x, y) = _contrast(metric, *pair, *values)
    who = "the same people in both" if paired else "different people"
    definition = f"Change in {metric} from round {number - 1} to round {number}, {who}"
    difference = as_figure(result, definition, paired=paired)
    check = None if paired else mix_check(x, y, cohorts, difference.value, definition)
    return Change(metric, arm, difference, result.p, None, paired, result.n_a, result.n_b, check)


def _contrast(
    metric: str, a: Data, b: Data, before: "pd.Series[float]", after: "pd.Series[float]"
) -> tuple[Contrast, tuple["pd.Series[float]", "pd.Series[float]"]]:
    back = before.index.intersection(after.index)
    if len(back) >= max(FEWEST_PAIRS, SAME_PEOPLE * min(len(before), len(after))):
        x, y = before[back], after[back]
        return Contrast(compare_paired(x.to_numpy(), y.to_numpy()), paired=True), (x, y)
    others = a.where(lambda rows: rows[~rows["participant"].isin(back)])
    return Contrast(between(metric, others, b), paired=False), (before.drop(back), after)


def _adjusted(found: list[Change]) -> list[Change]:
    tested = [one.p for one in found if one.p is not None]
    adjusted = iter(holm(tested))
    return [replace(one, p_adjusted=next(adjusted)) if one.p is not None else one for one in found]
