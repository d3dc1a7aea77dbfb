"""A round against the one before it, by the same definitions: the same people with themselves where they came back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from recux.evaluation.contrasts import as_figure, between
from recux.evaluation.figure import FigureValue
from recux.evaluation.mix import MixCheck, mix_check, noted
from recux.evaluation.satisfaction import last_wave
from recux.evaluation.snapshot import Snapshot
from recux.evaluation.values import Data, measured, values_of
from recux.stats import Difference, compare_paired, holm

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
        pair = data_of(before, arm), data_of(after, arm)
        metrics = _both(*pair, before.recorded & after.recorded)
        found += adjusted([_change(metric, arm, pair, cohorts, number) for metric in metrics])
    return with_notes(found)


def with_notes(found: list[Change]) -> list[Change]:
    """The changes of a round with notes about the mix of cohorts, adjusted over all of them."""
    checks = noted([one.mix for one in found])
    return [replace(one, mix=check) for one, check in zip(found, checks, strict=True)]


def data_of(all_arms: Snapshot, arm: str) -> Data:
    """The rows of one arm (empty: everyone) of each person's last wave."""
    part = all_arms if arm == "" else all_arms.of_arm(arm)
    return Data(part.ratings, last_wave(part.answers), part.exposures, part.instruments)


def _both(a: Data, b: Data, recorded: set[str]) -> list[str]:
    """The metrics that both rounds measured."""
    later = measured(b, recorded)
    return [metric for metric in measured(a, recorded) if metric in later]


def _change(metric: str, arm: str, pair: tuple[Data, Data], cohorts: "pd.Series[str]", number: int) -> Change:
    (a, b), (x, y) = pair, (values_of(metric, one) for one in pair)
    back = come_back(x, y, len(x))
    if back is not None:
        return changed(metric, arm, number, paired=(x[back], y[back]))
    both = x.index.intersection(y.index)
    result = between(metric, a.where(lambda rows: rows[~rows["participant"].isin(both)]), b)

    def mix(what: str) -> MixCheck | None:
        return mix_check(x.drop(both), y, cohorts, result.difference, what)

    return changed(metric, arm, number, others=(result, mix))


def come_back(before: "pd.Series[float]", after: "pd.Series[float]", size: int) -> "pd.Index[int] | None":
    """Who came back, where these are compared with themselves, else None; ``size`` is the number of people before."""
    back = before.index.intersection(after.index)
    return back if len(back) >= max(FEWEST_PAIRS, SAME_PEOPLE * min(size, len(after))) else None


def changed(
    metric: str,
    arm: str,
    number: int,
    *,
    paired: tuple["pd.Series[float]", "pd.Series[float]"] | None = None,
    others: tuple[Difference, Callable[[str], MixCheck | None]] | None = None,
) -> Change:
    """The change of ``paired`` people's values, or the difference of other people and the check of their mix."""
    who = "the same people in both" if paired else "different people"
    definition = f"Change in {metric} from round {number - 1} to round {number}, {who}"
    if paired is not None:
        result, check = compare_paired(*(values.to_numpy() for values in paired)), None
    else:
        assert others is not None
        result, mix = others
        check = mix(definition)
    difference = as_figure(result, definition, paired=paired is not None)
    return Change(metric, arm, difference, result.p, None, paired is not None, result.n_a, result.n_b, check)


def adjusted(found: list[Change]) -> list[Change]:
    """The changes of one arm with p-values adjusted over its metrics (Holm)."""
    tested = [one.p for one in found if one.p is not None]
    together = iter(holm(tested))
    return [replace(one, p_adjusted=next(together)) if one.p is not None else one for one in found]
