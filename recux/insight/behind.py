"""The rows behind a figure, one a rating or an answer."""

import pandas as pd

from recux.evaluation.satisfaction import last_wave
from recux.insight.cuts import Said
from recux.insight.small_groups import rows_of_enough

COLUMNS = ("person", "arm", "cohort", "language", "category", "question", "value", "at")


def rows_behind(said: Said, metric: str, least: int) -> pd.DataFrame:
    """The rows that ``metric`` is made of, newest first: the person's pseudonym, arm, cohort, language, the item's
    category or the question (``INSTRUMENT/QUESTION``), the value, and when. None for fewer than ``least`` people.
    """
    if metric == "mean_rating":
        rows = said.ratings.assign(question="", value=said.ratings["rating"])
    else:
        name = metric.partition(".")[0]
        answers = last_wave(said.answers).dropna(subset=["value"])
        answers = answers if metric == "combined" else answers[answers["instrument"] == name]
        rows = answers.assign(question=answers["instrument"] + "/" + answers["question"])
    enough = rows_of_enough(rows, least, person="person").rename(columns={"moment": "at"})
    return enough.sort_values("at", ascending=False)[list(COLUMNS)].reset_index(drop=True)
