"""The arms against the control, as everything that was collected so far has it."""

from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation.experiment import Comparison, Split
from recux.evaluation.scope import live
from recux.evaluation.snapshot import snapshot


class Experiment(NamedTuple):
    """What an experiment says now."""

    split: Split
    comparisons: list[Comparison]
    """The primary metric first, then by metric and arm."""

    @property
    def primary(self) -> list[Comparison]:
        """Those that decide."""
        return [one for one in self.comparisons if one.primary]


def now(session: Session, study: Study) -> Experiment:
    """Every arm against the first, over all that counts at this moment, batched or not."""
    data = snapshot(session, study, live(study))
    return Experiment(data.sample_ratio(), data.comparisons())


def table(found: list[Comparison]) -> pd.DataFrame:
    """Comparisons as rows: ``metric``, ``arm``, ``value``, ``ci_low``, ``ci_high``, ``n``, ``p_adjusted``, ``margin``,
    ``verdict``, ``because``, and for verdicts that are open ``more_people`` an arm that would tell, with
    ``more_people_low`` and ``more_people_high`` (missing: not known, or not needed).
    """
    return pd.DataFrame(
        [
            {
                "metric": one.metric,
                "arm": one.arm,
                "value": one.difference.value,
                "ci_low": one.difference.ci_low,
                "ci_high": one.difference.ci_high,
                "n": one.difference.n,
                "p_adjusted": one.p_adjusted,
                "margin": one.margin,
                "verdict": one.verdict,
                "because": one.because,
                "more_people": one.further.n_per_arm if one.further else None,
                "more_people_low": one.further.low if one.further else None,
                "more_people_high": one.further.high if one.further else None,
            }
            for one in found
        ]
    )
