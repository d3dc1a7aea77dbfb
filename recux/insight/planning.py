"""Before a launch: the smallest difference that the planned pilot can see, and how many people a relevant one needs."""

from typing import Literal, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import Participant, Study
from recux.evaluation import rows, values
from recux.evaluation.exposure import exposures
from recux.evaluation.recommendation import RATES
from recux.evaluation.satisfaction import construct_range, last_wave
from recux.evaluation.scope import arm_keys, live, study_id
from recux.insight.kept import kept
from recux.instruments import Instruments
from recux.questionnaires import instruments_of
from recux.stats import minimum_detectable_effect, required_n

ENOUGH = 20
"""People from whom a spread is taken seriously."""
TYPICAL = {
    "mean_rating": 0.6, "nps": 75.0, "csat": 0.45, "ces": 1.5, "sus": 18.0, "umux_lite": 16.0, "ctr": 0.12,
    "purchase_rate": 0.06,
}  # fmt: skip
"""Standard deviation between people where nothing is known yet: NPS of a quarter detractors and half promoters, CSAT of
70 %, SUS and UMUX-Lite of single products (Sauro and Lewis 2016), means of eight ratings, rates of 10 and 3 % of eight
items."""
TYPICAL_RATE = {"ctr": 0.1, "purchase_rate": 0.03}
SHARE_OF_RANGE = 0.2
"""The same for constructs, as a share of their range."""


class Plan(NamedTuple):
    """What the planned pilot can see of its primary metric."""

    metric: str
    n_per_arm: int
    n_from: Literal["planned", "invited"]
    """Whether that many are planned, or are just the people who are there, split over the arms."""
    sd: float
    """Standard deviation between people, in the metric's unit."""
    sd_from: str
    """``own`` (this study's people so far), ``typical``, or the slug of the earlier study it is taken from."""
    sd_n: int
    """People behind it; 0 for a typical value."""
    detectable: float
    """Smallest difference found with a probability of 80 % (two-sided, 5 %), in the metric's unit."""
    margin: float
    """The smallest difference that matters."""
    needed: int
    """People an arm who would show that."""


def plan(session: Session, study: Study) -> Plan | None:
    """The plan of a study with two arms or more; None when nobody is planned or invited, or nothing is compared.

    The spread is that of the study's own people where :data:`ENOUGH` answered, else that of the newest other study of
    the domain where enough did, else a typical value.
    """
    assert study.id is not None
    arms = [arm for arm in arms_of(session, study.id) if arm.weight > 0]
    n, source = _n_per_arm(session, study, len(arms))
    if len(arms) < 2 or n < 2:
        return None
    sd, sd_from, sd_n = _spread(session, study)
    margin = margin_of(study.primary_metric, instruments_of(session, study))
    seen = minimum_detectable_effect(n, sd=sd).value
    return Plan(study.primary_metric, n, source, sd, sd_from, sd_n, seen, margin, required_n(margin, sd=sd).n_per_arm)


def margin_of(metric: str, instruments: Instruments) -> float:
    """Differences smaller than this do not matter, in the metric's unit."""
    if metric in values.MARGINS:
        return values.MARGINS[metric]
    return values.RELATIVE_MARGIN * (TYPICAL_RATE[metric] if metric in RATES else _range(metric, instruments))


def _n_per_arm(session: Session, study: Study, arms: int) -> tuple[int, Literal["planned", "invited"]]:
    if study.planned_n is not None:
        return study.planned_n, "planned"
    mine = (Participant.study_id == study.id, ~col(Participant.test), col(Participant.withdrawn_at).is_(None))
    people = session.exec(select(sa.func.count()).select_from(Participant).where(*mine)).one()
    return people // max(arms, 1), "invited"


def _spread(session: Session, study: Study) -> tuple[float, str, int]:
    others = select(Study).where(
        Study.domain == study.domain, Study.id != study.id, col(Study.launched_at).is_not(None)
    )
    earlier = session.exec(others.order_by(col(Study.launched_at).desc()).limit(3)).all()
    for one in [study, *earlier]:
        sd, n = kept(session, one, spread_of, study.primary_metric).value
        if n >= ENOUGH and sd > 0:
            return sd, "own" if one is study else one.slug, n
    typical = TYPICAL.get(study.primary_metric)
    return typical or SHARE_OF_RANGE * _range(study.primary_metric, instruments_of(session, study)), "typical", 0


def spread_of(session: Session, study: Study, metric: str) -> tuple[float, int]:
    """Standard deviation between a study's people within their arms, and how many they are."""
    known = within_arms(session, study, metric)
    return float(known.std()) if len(known) > 1 else 0.0, len(known)


def within_arms(session: Session, study: Study, metric: str) -> "pd.Series[float]":
    """People's values of a metric around their arm's mean: a difference of arms does not count as spread."""
    data, arms = read_data(session, study, metric), arm_keys(session, study_id(study)).values()
    parts = [values.values_of(metric, data.of_arm(arm)) for arm in arms]
    return pd.concat([part - part.mean() for part in parts if not part.empty] or [pd.Series(dtype="float64")])


def read_data(session: Session, study: Study, metric: str) -> values.Data:
    """The rows that a metric is made of, of everything that counts now."""
    scope = live(study)
    ratings, answers, shown = pd.DataFrame({"arm": []}), pd.DataFrame({"arm": [], "instrument": []}), pd.DataFrame()
    if metric == "mean_rating" or metric in RATES:
        ratings = rows.ratings(session, scope)
    else:
        answers = last_wave(rows.answers(session, scope))
    if metric in RATES:
        shown = exposures(rows.impressions(session, scope), ratings, rows.interactions(session, scope))
    return values.Data(ratings, answers, shown if metric in RATES else ratings, instruments_of(session, study))


def _range(metric: str, instruments: Instruments) -> float:
    instrument, construct = values.construct_of(metric, instruments)
    if instrument is None or construct is None:
        return 1.0
    low, high = construct_range(instrument, construct)
    return high - low
