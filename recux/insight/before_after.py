"""Each round against the round before it, as the rounds have stored it."""

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.report.history import before_after_of

COLUMNS = (
    "round", "metric", "arm", "value", "ci_low", "ci_high", "n", "reason", "definition", "method",
    "p", "p_adjusted", "paired", "n_before", "n_after", "mix_p", "mix_p_adjusted", "against", "within_cohorts",
)  # fmt: skip


def table(session: Session, study: Study) -> pd.DataFrame:
    """One row for each round but the first, metric and arm (empty: everyone), the newest round first.

    ``value`` is the round minus the one before, with its interval; ``paired`` says that the same people were compared
    with themselves. Where other people came and the mix of cohorts moved, ``against`` says so in words, ``mix_p`` how
    sure that is (``mix_p_adjusted``: among all changes of the round), and ``within_cohorts`` is the difference at an
    equal mix, as a figure of the report.
    """
    rows = [one | one["difference"] for one in before_after_of(session, study)]
    return pd.DataFrame(rows, columns=list(COLUMNS))
