"""One step: from the sums of the last batch to those of this one, or from nothing where that cannot be."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Batch, Participant, Slate, Study, StudyAggregate
from recux.evaluation import data_quality, texts
from recux.evaluation.aggregates import compare, kept, read
from recux.evaluation.aggregates.calls import calls_of, new_calls, oldest, still_there
from recux.evaluation.aggregates.earlier import Earlier, with_cohorts
from recux.evaluation.aggregates.kept import Kept, items_of, matrix_of
from recux.evaluation.aggregates.parts import Parts, parts_of, surprise
from recux.evaluation.aggregates.sums import added, sums_of
from recux.evaluation.aggregates.touched import census, gone, last_rows, sharing, touched
from recux.evaluation.experiment import Comparison
from recux.evaluation.frames import among
from recux.evaluation.recommendation import K_MAX
from recux.evaluation.scope import Scope, up_to
from recux.evaluation.snapshot import Snapshot, snapshot


@dataclass(frozen=True)
class Cumulative:
    """All figures of everything up to a batch."""

    sections: Mapping[str, Mapping[str, read.Figures]]
    """By arm (empty: everyone) and section."""
    comparisons: list[Comparison]
    flags: read.Figures
    earlier: Earlier | None = None
    """The first batch, after the step to the second; None after other steps, and where lists have no times."""


@dataclass(frozen=True)
class Step:
    """From which sums to which batch."""

    session: Session
    study: Study
    batch: Batch
    before: StudyAggregate | None
    """The row of the sums that are moved on; None: from nothing."""
    exchanged: list[int] = field(default_factory=list)
    """Filled by the step: the people whose parts were exchanged."""

    @property
    def is_second(self) -> bool:
        """Whether it leads from the first batch, which is everything until then, to the second."""
        return self.before is not None and (self.before.batch, self.batch.number) == (1, 2)

    def scope(self, people: Sequence[int] | None) -> Scope:
        """Everything up to the batch, of these people (None: everybody)."""
        return replace(up_to(self.batch), people=None if people is None else tuple(people))


def cumulative(session: Session, study: Study, batch: Batch) -> Cumulative:
    """Figures of everything up to ``batch``, which must not be behind the kept sums; they move on to it."""
    row = session.get(StudyAggregate, study.id)
    found, earlier = None, None
    if row is not None and _usable(session, row, batch):
        step = Step(session, study, batch, row)
        found = advanced(step, kept.load(session, row))
        if found is not None and step.is_second and not found[0].untimed:
            earlier = Earlier(found[0].others, found[0].cohorts, step.exchanged)
    state, data = found or anew(Step(session, study, batch, None))
    kept.save(session, state, study=batch.study_id, batch=batch.number, closed_at=batch.closed_at)
    if row is not None:
        session.expire(row)
    return replace(_read(state, data), earlier=earlier)


def anew(step: Step) -> tuple[Kept, Snapshot]:
    """All sums from all rows."""
    timed, state = _timed(step), Kept()
    _, state.census, state.last["participant"] = census(step.session, step.batch.study_id, 0)
    data, comments = _data(step, None, untimed=False if timed else None)
    _settle(state, data, step.study.slate_size, timed)
    _replace(step, state, replace(data, k=state.k), comments, people=None, left=[])
    return state, replace(data, k=state.k)


def advanced(step: Step, state: Kept) -> tuple[Kept, Snapshot] | None:
    """The sums with what came since, or None where something is not as it was: then all is computed again."""
    assert step.before is not None
    if not still_there(step.session, state.oldest_call):
        return None  # calls were deleted since, the oldest first
    study = step.batch.study_id
    before, counted, newest = census(step.session, study, state.last["participant"])
    moved, left = gone(step.session, study) if before != state.census else (set[int](), list[int]())
    state.census, state.last["participant"] = counted, newest
    timed, people = _timed(step), touched(step.session, step.batch, step.before) | moved
    untimed = False if timed else state.untimed or None
    data, comments = _data(step, sorted(people), untimed=untimed)
    marks = set(_marks(comments)["mark"].tolist())
    others = sharing(step.session, study, marks | kept.marks_of(step.session, sorted(people)), people)
    if others:
        people |= others
        data, comments = _data(step, sorted(people), untimed=untimed)
    settled = state.k, state.untimed, state.instruments
    _settle(state, data, step.study.slate_size, timed)
    if settled != (state.k, state.untimed, state.instruments | settled[2]):
        return None
    data = replace(data, k=state.k)
    step.exchanged.extend(sorted(people))
    _replace(step, state, data, comments, people=sorted(people), left=left)
    return state, data


def _usable(session: Session, row: StudyAggregate, batch: Batch) -> bool:
    """Whether the kept sums are of the batch before this one (or of this one), and nobody in them was erased."""
    if row.settings.get("format") != kept.FORMAT or batch.number - row.batch not in {0, 1}:
        return False
    return bool(kept.parts_stored(session, row.study_id) == row.settings["rows"])


def _data(step: Step, people: list[int] | None, *, untimed: bool | None) -> tuple[Snapshot, pd.DataFrame]:
    """These people's rows, and their comments."""
    data = snapshot(step.session, step.study, step.scope(people), untimed=untimed)
    written = texts.comments(step.session, step.scope(people))
    return data, written[written["id"].isin(data.ratings["id"])]


def _settle(state: Kept, data: Snapshot, slate_size: int, timed: bool) -> None:
    """What holds for the whole study: k, whether lists have times, and what was ever recorded."""
    longest = int(data.exposures.groupby("slate").size().max()) if len(data.exposures) else 0
    state.longest = max(state.longest, longest)
    state.k = max(1, min(K_MAX, state.longest or slate_size))
    state.untimed = not timed and (state.untimed or len(data.exposures) > 0)
    state.recorded = sorted(data.recorded)
    state.instruments = {name: one.fingerprint for name, one in data.instruments.items()}


def _replace(
    step: Step, state: Kept, data: Snapshot, comments: pd.DataFrame, *, people: list[int] | None, left: list[int]
) -> None:
    """Put these people's new parts (None: everybody's) in the place of their old ones; who ``left`` has none."""
    session, study = step.session, step.batch.study_id
    marks = _marks(comments)
    kept.replace_marks(session, study, people, marks)
    flags = _flags(step, data, comments, people, marks)
    parts = {arm: parts_of(data, arm=arm, flags=flags) for arm in ("", *data.arms)}
    with_cohorts(parts, data, state.cohorts)
    for arm, old in kept.old_sums(session, state, people or []).items():
        state.sums(arm).add(old, -1)
    if step.is_second:
        state.others = deepcopy(state.arms)
    _add_parts(state, parts, data)
    own = _own_arms(session, study, people)
    kept.replace_people(session, state.fields, study, people, parts=parts, own=own)
    _add_calls(step, state, data.arms, left)
    newest = state.last["participant"]
    if len(parts[""].fields) and int(parts[""].fields.index.max()) > newest:
        state.census = {}  # somebody came while this ran: next time everybody is looked at
    state.last = last_rows(session, step.batch, state.last) | {"participant": newest}


def _add_parts(state: Kept, parts: dict[str, Parts], data: Snapshot) -> None:
    for arm, part in parts.items():
        sums, of_arm = state.sums(arm), data if arm == "" else data.of_arm(arm)
        if len(of_arm.exposures):
            counted = added(sums.items, items_of(part), 1)
            reacted = pd.Series(counted[:, 2], index=counted[:, 0])
            popular = reacted.reindex(data.items["item"], fill_value=0).to_numpy()
            shown = sums.people("n.shown") + int(part.fields["n.shown"].notna().sum())
            for name, values in surprise(of_arm, popular, shown).items():
                part.fields[name] = values
        state.fields += [name for name in part.fields.columns if name not in state.fields]
    for arm, part in parts.items():
        state.sums(arm).add(sums_of(matrix_of(part, state.fields), state.fields, items_of(part)), 1)


def _add_calls(step: Step, state: Kept, arms: Sequence[str], left: list[int]) -> None:
    """Put new calls in, and take those of people who left out."""
    scope, last = up_to(step.batch), state.last.get("request", 0)
    since = step.before.closed_at if step.before else None
    new = new_calls(step.session, scope, since=since, last=last)
    old = calls_of(step.session, scope, left, last=last, until=since) if since and left else new.iloc[:0]
    for arm in ("", *arms):
        mine, theirs = (rows if arm == "" else rows[rows["arm"] == arm] for rows in (new, old))
        for rows, sign in ((theirs, -1), (mine, 1)):
            if len(rows):
                state.durations(arm).add(rows["duration_ms"].to_numpy(), sign)
        loose = mine[mine["participant"] == 0]
        calls, failed = state.unknown.get(arm, [0, 0])
        state.unknown[arm] = [calls + len(loose), failed + int(loose["failed"].sum())]
    state.oldest_call = oldest(step.session, step.batch.study_id)


def _read(state: Kept, data: Snapshot) -> Cumulative:
    recorded, items = set(state.recorded), len(data.items)
    sections = {
        arm: read.sections(
            state.sums(arm),
            state.durations(arm),
            state.unknown.get(arm, [0, 0]),
            k=state.k,
            recorded=recorded,
            items=items,
            instruments=data.instruments,
        )
        for arm in ("", *data.arms)
    }
    split = data.sample_ratio()
    found = compare.comparisons(
        state,
        data.arms,
        data.primary_metric,
        split_ok=split.ok,
        crossover=data.crossover,
        instruments=data.instruments,
    )
    return Cumulative(sections, found, read.of_flags(state.sums("")))


def _marks(comments: pd.DataFrame) -> pd.DataFrame:
    rows = data_quality.long_comments(comments)
    marks = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True) for text in rows["text"]]
    return pd.DataFrame({"participant": rows["participant"], "mark": pd.Series(marks, dtype="int64")}).drop_duplicates()


def _flags(
    step: Step, data: Snapshot, comments: pd.DataFrame, people: list[int] | None, marks: pd.DataFrame
) -> pd.DataFrame:
    """Who answered without care, among these people; a shared comment is found by its mark, whoever else wrote it."""
    timed = texts.timings(step.session, step.scope(people))
    timed = timed[timed["response"].isin(data.answers["response"])]
    found = data_quality.flags(data.ratings, data.answers, comments, timed, instruments=data.instruments)
    if not people:
        return found
    others = kept.marks_of_others(step.session, step.batch.study_id, marks["mark"].tolist(), people)
    shared = marks[marks["mark"].isin(others) | marks["mark"].duplicated(keep=False)]
    copied = [(int(one), data_quality.DUPLICATE) for one in shared["participant"].unique()]
    more = pd.DataFrame(copied, columns=["participant", "reason"]).astype({"participant": "int64", "reason": "str"})
    return pd.concat([found, more]).drop_duplicates(ignore_index=True)


def _timed(step: Step) -> bool:
    """Whether any list of the study has a time."""
    here = col(Slate.study_id) == step.batch.study_id, col(Slate.served_at).is_not(None)
    return step.session.connection().execute(sa.select(sa.literal(1)).where(*here).limit(1)).first() is not None


def _own_arms(session: Session, study: int, people: list[int] | None) -> dict[int, int]:
    """Row id of each person's arm, 0 for none."""
    here = col(Participant.study_id) == study if people is None else among(session, col(Participant.id), people)
    statement = sa.select(col(Participant.id), sa.func.coalesce(col(Participant.arm_id), 0)).where(here)
    return {int(row[0] or 0): int(row[1]) for row in session.connection().execute(statement)}
