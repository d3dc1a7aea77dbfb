"""Key drivers: constructs of the questionnaires that go with satisfaction, and how they score."""

from math import sqrt

import numpy as np
from scipy import stats

from recux.suggest import family
from recux.suggest.finding import Finding
from recux.suggest.frames import Construct, Evidence
from recux.suggest.outcomes import construct_score

FEWEST = 20


def drivers(e: Evidence) -> list[Finding]:
    """Slope of the mean rating on each construct's score, between people; sharing their part of the budget."""
    found = [finding for construct in e.constructs if (finding := _driver(e, construct)) is not None]
    return family.equal_shares(found, family.OTHERS / 6)


def _driver(e: Evidence, construct: Construct) -> Finding | None:
    name = f"{construct.instrument}.{construct.name}"
    score = construct_score(e, {}, name)
    known = ~np.isnan(score) & ~np.isnan(e.person_mean)
    x, y = score[known], e.person_mean[known]
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    fit = stats.linregress(x, y)
    if not fit.stderr > 0:
        return None
    half = float(stats.t.ppf(0.975, len(x) - 2)) * float(fit.stderr)
    middle = (construct.low + construct.high) / 2
    spread = float(stats.t.ppf(0.975, len(x) - 1)) * float(x.std(ddof=1)) / sqrt(len(x))
    return Finding(
        kind="driver",
        metric="mean_rating",
        value=float(fit.slope),
        low=float(fit.slope) - half,
        high=float(fit.slope) + half,
        n=len(x),
        definition=f"difference of the mean rating between people one point apart on {name}",
        method="least squares between people",
        where={"construct": name},
        p=float(fit.pvalue),
        facts={"score": float(x.mean()), "score_high": float(x.mean()) + spread, "middle": middle},
    )
