"""All rows that a study's figures are made of, read once, for everyone together and by arm."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Arm, Interaction, Study
from recux.evaluation import data_quality, experiment, recommendation, rows, satisfaction, stability, texts
from recux.evaluation.exposure import exposures
from recux.evaluation.figure import FigureValue
from recux.evaluation.scope import Scope
from recux.instruments import Instruments
from recux.questionnaires import instruments_of

Figures = dict[str, FigureValue]


@dataclass(frozen=True)
class Snapshot:
    """The rows of one study in one scope."""

    primary_metric: str
    objectives: dict[str, float]
    weights: dict[str, float]
    """Planned share of each arm by key; the control first."""
    recorded: set[str]
    """Kinds of interaction that the study has ever recorded."""
    k: int
    people: pd.DataFrame
    items: pd.DataFrame
    ratings: pd.DataFrame
    answers: pd.DataFrame
    exposures: pd.DataFrame
    requests: pd.DataFrame
    first_arms: "pd.Series[str]"
    """The arm that each person met first, of those who met several."""
    counts: dict[str, int]
    """People who count and came while all arms were open, by arm; also those who have not said or seen anything."""
    instruments: Instruments
    """The study's, as it was launched with them."""
    crossover: bool = False
    """Whether people were meant to meet both arms."""

    @property
    def arms(self) -> list[str]:
        """Keys; the control first."""
        return list(self.weights)

    def of_arm(self, arm: str) -> "Snapshot":
        """The rows of one arm."""
        return self._where(lambda frame: frame[frame["arm"] == arm])

    def without(self, flagged: pd.DataFrame) -> "Snapshot":
        """The rows of the people whom no rule of data quality flagged; requests stay."""
        kept = self._where(lambda frame: data_quality.without(frame, flagged))
        return replace(kept, requests=self.requests)  # the system's doing, not theirs

    def _where(self, keep: Callable[[pd.DataFrame], pd.DataFrame]) -> "Snapshot":
        return replace(
            self,
            people=keep(self.people),
            ratings=keep(self.ratings),
            answers=keep(self.answers),
            exposures=keep(self.exposures),
            requests=keep(self.requests),
        )

    def satisfaction(self) -> Figures:
        """NPS, CSAT, mean rating and what else was asked."""
        return satisfaction.figures(self.ratings, self.answers)

    def recommendation(self) -> Figures:
        """Rates, ranking figures at ``k``, and what the slates are like."""
        return recommendation.figures(self.exposures, self.items, k=self.k, recorded=self.recorded)

    def stability(self) -> Figures:
        """Response times, failures, availability."""
        return stability.figures(self.requests)

    def sample_ratio(self) -> experiment.Split:
        """Whether people are split between the arms as planned."""
        return experiment.split_of({arm: self.counts.get(arm, 0) for arm in self.weights}, self.weights)

    def comparisons(self) -> list[experiment.Comparison]:
        """Every arm against the control."""
        data = experiment.Data(self.ratings, self.answers, self.exposures, self.instruments)
        split = self.sample_ratio()
        return experiment.comparisons(
            data,
            self.arms,
            self.primary_metric,
            recorded=self.recorded,
            split_ok=split.ok,
            first=self.first_arms,
            crossover=self.crossover,
            cohorts=self.people.drop_duplicates("participant").set_index("participant")["cohort"],
        )


def snapshot(session: Session, study: Study, scope: Scope, *, untimed: bool | None = None) -> Snapshot:
    """Read a study's rows, each table once; ``untimed`` as for ``exposures``."""
    ratings = rows.ratings(session, scope)
    listed = rows.impressions(session, scope)
    shown = exposures(listed, ratings, rows.interactions(session, _those(scope, listed)), untimed=untimed)
    said = rows.answers(session, scope)
    return Snapshot(
        primary_metric=study.primary_metric,
        objectives=dict(study.objectives),
        weights=weights(session, scope),
        recorded=recorded(session, scope),
        k=recommendation.cut_off(shown, study.slate_size),
        people=rows.people(session, _those(scope, ratings, said, shown)),
        items=rows.items(session, scope),
        ratings=ratings,
        answers=said,
        exposures=shown,
        requests=rows.requests(session, scope),
        first_arms=first_arms(listed, shown),
        crossover=study.design == "crossover",
        counts=rows.people_by_arm(session, scope),
        instruments=instruments_of(session, study),
    )


def _those(scope: Scope, *frames: pd.DataFrame) -> Scope:
    """For one batch alone these people of it, else everybody."""
    if scope.last is None or scope.first != scope.last:
        return scope
    return replace(scope, people=tuple(sorted(set().union(*(frame["participant"] for frame in frames)))))


def first_arms(listed: pd.DataFrame, shown: pd.DataFrame) -> "pd.Series[str]":
    """The arm of the first list of each person who was shown lists of several arms, by person."""
    met = shown.loc[shown["arm"] != "", ["participant", "arm", "slate"]].drop_duplicates()
    several = met.groupby("participant")["arm"].nunique()
    met = met[met["participant"].isin(several.index[several > 1])]
    timed = met.merge(listed[["slate", "served_at"]].drop_duplicates("slate"), on="slate")
    ordered = timed.sort_values(["participant", "served_at", "slate"]).drop_duplicates("participant")
    return ordered.set_index("participant")["arm"]


def flags(session: Session, scope: Scope, data: Snapshot) -> pd.DataFrame:
    """Columns ``participant`` and ``reason``: who answered without care."""
    written, timed = texts.comments(session, scope), texts.timings(session, scope)
    mine = written[written["id"].isin(data.ratings["id"])], timed[timed["response"].isin(data.answers["response"])]
    return data_quality.flags(data.ratings, data.answers, *mine, instruments=data.instruments)


def weights(session: Session, scope: Scope) -> dict[str, float]:
    """Planned share of each arm by key; the control first."""
    statement = sa.select(col(Arm.key), col(Arm.weight)).where(col(Arm.study_id) == scope.study).order_by(col(Arm.id))
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def recorded(session: Session, scope: Scope) -> set[str]:
    """Kinds of interaction that the study has ever recorded; each is looked up, so that none are read."""
    here = sa.select(sa.literal(1)).where(col(Interaction.study_id) == scope.study)
    found = (
        (kind, session.connection().execute(here.where(col(Interaction.kind) == kind).limit(1)).first())
        for kind in ("view", "click", "purchase", "dismiss", "like", "know")
    )
    return {kind for kind, row in found if row is not None}
