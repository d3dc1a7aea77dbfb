"""The second batch against the first one from kept sums, so that its round does not read a large first batch again.

After the step from the first batch to the second the sums still say what the first one was: everything until then. Only
the people whose parts were exchanged are read again; all others are in the sums as they were.
"""

from dataclasses import dataclass, replace

import pandas as pd
from sqlmodel import Session

from db.tables import Batch, Study
from recux.evaluation.aggregates.compare import between_sums, measured_in, mix_of_sums
from recux.evaluation.aggregates.fields import COHORT, PAIRS, range_of
from recux.evaluation.aggregates.kept import items_of
from recux.evaluation.aggregates.parts import Parts, parts_of
from recux.evaluation.aggregates.sums import Sums, sums_of
from recux.evaluation.before_after import Change, adjusted, changed, come_back, data_of, with_notes
from recux.evaluation.mix import MixCheck
from recux.evaluation.scope import alone
from recux.evaluation.snapshot import Snapshot, snapshot
from recux.evaluation.values import Data, values_of

NOBODY = pd.DataFrame({"participant": pd.Series(dtype="int64"), "reason": pd.Series(dtype="str")})


@dataclass(frozen=True)
class Earlier:
    """The first batch."""

    others: dict[str, Sums]
    """By arm, the sums of everybody but ``people``."""
    cohorts: list[str]
    people: list[int]


def changes_from(session: Session, study: Study, first: Batch, earlier: Earlier, after: Snapshot) -> list[Change]:
    """What ``before_after.changes`` says of the first batch and the second, whose rows are ``after``."""
    scope = alone(session, first)
    before = snapshot(session, study, replace(scope, people=tuple(earlier.people)))
    arms, cohorts = ("", *after.arms), list(earlier.cohorts)
    old, new = ({arm: parts_of(data, arm=arm, flags=NOBODY) for arm in arms} for data in (before, after))
    for parts, data in ((old, before), (new, after)):
        with_cohorts(parts, data, cohorts)
    found: list[Change] = []
    for arm in arms:
        one = _Arm(arm, earlier.others.get(arm, Sums()), old[arm], new[arm], cohorts, after)
        whole = _together(one.others, one.old)
        later = measured_in(_together(Sums(), one.new), after.recorded)
        metrics = [metric for metric in measured_in(whole, before.recorded) if metric in later]
        pair = data_of(before, arm), data_of(after, arm)
        found += adjusted([_change(metric, one, pair, first.number + 1) for metric in metrics])
    return with_notes(found)


def with_cohorts(parts: dict[str, Parts], data: Snapshot, cohorts: list[str]) -> None:
    """Give people their cohort's place in ``cohorts``, to which new ones are added."""
    names = data.people.drop_duplicates("participant").set_index("participant")["cohort"]
    cohorts += sorted({"", *names} - set(cohorts))
    codes = {name: float(code) for code, name in enumerate(cohorts)}
    for part in parts.values():
        part.fields[COHORT] = [codes[name] for name in names.reindex(part.fields.index).fillna("")]


@dataclass(frozen=True)
class _Arm:
    arm: str
    others: Sums
    old: Parts
    new: Parts
    cohorts: list[str]
    after: Snapshot


def _change(metric: str, one: _Arm, pair: tuple[Data, Data], number: int) -> Change:
    x, y = (values_of(metric, data) for data in pair)
    back = come_back(x, y, len(x) + one.others.people(PAIRS[metric][1] if metric in PAIRS else metric))
    if back is not None:
        return changed(metric, one.arm, number, paired=(x[back], y[back]))
    shared = x.index.intersection(y.index)
    rest = Parts(one.old.fields.drop(shared, errors="ignore"), one.old.items)
    a, b, of = _together(one.others, rest), _together(Sums(), one.new), range_of(metric, one.after.instruments)
    result = between_sums(metric, a, b, of)

    def mix(what: str) -> MixCheck | None:
        return mix_of_sums(metric, (a, b), one.cohorts, result, width=of[1], what=what)

    return changed(metric, one.arm, number, others=(result, mix))


def _together(sums: Sums, parts: Parts) -> Sums:
    names = list(parts.fields.columns)
    both = Sums()
    both.add(sums, 1)
    both.add(sums_of(parts.fields.to_numpy(dtype="float64"), names, items_of(parts)), 1)
    return both
