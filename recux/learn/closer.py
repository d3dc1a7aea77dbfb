"""A closer look at the models of a run, for people: where each errs, for whom, and whether its words can be trusted.

Held-out people only, and bounded in number, so that a round stays quick. What is quoted is named by its key, so that
erasing the row erases the quote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import Calibration, expected_stars
from recux.learn.evaluation import PRIMARY, Evaluation
from recux.learn.examples import ORDINAL_HEADS
from recux.learn.metrics import Measure
from recux.learn.predictor import Scorer
from recux.learn.tested import Tested
from recux.learn.trust import errors_by_cohort, stability

MOST_ROWS = 2000
MOST_CHANGED = 150
"""Texts that are changed to see whether predictions flip."""
WORST = {"satisfaction": 6, "rating": 3}
"""Rows that are explained, by head; the long texts of ratings cost most of the time that a look takes."""
BINS = 10
Array = NDArray[np.float64]
Json = dict[str, Any]


def closer_look(scorer: Scorer, found: Evaluation, cohorts: Mapping[str, str]) -> Json:
    """What a reader of the figures in ``found`` asks next about one model; ``cohorts`` is participant -> cohort.

    Keys: ``head`` (the head looked at), ``n``, ``reliability`` (bins: ``low``, ``high``, ``predicted``, ``observed``,
    ``n``), ``confusion`` (rows: true class, columns: predicted), ``cohorts`` (``errors`` by cohort, ``gap``),
    ``changes`` (share of predictions that flip) and ``worst`` (``key``, ``label``, ``expected``, ``words``,
    ``weights``). Empty when there is no labelled row of a held-out person.
    """
    head = next((h for h in PRIMARY[found.model] if h in scorer.heads and h in found.rows), None)
    if head is None:
        return {}
    rows = found.rows[head].take(np.arange(len(found.rows[head].labels)) < MOST_ROWS)
    p, called = found.said[head].p[:MOST_ROWS], found.said[head].called[:MOST_ROWS]
    value = expected_stars(p) if rows.stars else p
    distance = np.abs(value - rows.labels) if rows.stars else (value - rows.labels) ** 2
    errors = errors_by_cohort(rows.participants, distance, cohorts, stars=rows.stars)
    return {
        "head": head,
        "n": len(rows.labels),
        "reliability": reliability(p, rows),
        "confusion": confusion(called, rows),
        "cohorts": {"errors": {c: stored(m) for c, m in errors.errors.items()}, "gap": stored(errors.gap)},
        "changes": changes(scorer, found.calibration, rows, head),
        "worst": worst(scorer, rows, head, value, distance),
    }


def reliability(p: Array, rows: Tested) -> list[Json]:
    """Bins of equal width: of stars, the probability of the likeliest star against how often it was right; of yes or
    no, P(yes) against how often it was yes.
    """
    said = p.max(1) if rows.stars else p
    true = (p.argmax(1) == rows.classes) if rows.stars else rows.labels == 1
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "predicted": float(said[bins == number].mean()),
            "observed": float(true[bins == number].mean()),
            "n": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def confusion(called: NDArray[np.int64], rows: Tested) -> list[list[int]]:
    """How many rows of each true class (row) were called each class (column)."""
    size = 5 if rows.stars else 2
    table = np.zeros((size, size), dtype=int)
    np.add.at(table, (rows.classes, called - int(rows.stars)), 1)
    return [[int(cell) for cell in row] for row in table]


def changes(scorer: Scorer, serves: Calibration, rows: Tested, head: str) -> list[Json]:
    """Typos, case and synonyms; only stars are called, so clicks have none."""
    if head not in ORDINAL_HEADS:
        return []
    inputs, people = rows.inputs[:MOST_CHANGED], rows.participants[:MOST_CHANGED]
    found = stability(scorer, serves, inputs, people, head=head)
    return [{"change": one.change, **stored(one.flipped)} for one in found]


def worst(scorer: Scorer, rows: Tested, head: str, value: Array, distance: Array) -> list[Json]:
    """The rows with the largest errors, with what each word did where the model can be asked."""
    if head not in ORDINAL_HEADS:
        return []
    order = np.argsort(-distance, kind="stable")[: WORST[head]]
    told = attributed(scorer, [rows.inputs[i] for i in order], head)
    return [
        {"key": rows.keys[i], "label": int(rows.labels[i]), "expected": float(value[i]), **words}
        for i, words in zip(order, told, strict=True)
    ]


def attributed(scorer: Scorer, inputs: Sequence[Any], head: str) -> list[Json]:
    """``words`` and ``weights`` of each input; None for a baseline."""
    from recux.learn.explain import attribution
    from recux.learn.scoring import EncoderScorer

    if not isinstance(scorer, EncoderScorer):
        return [{"words": None, "weights": None} for _ in inputs]
    found = [attribution(scorer, one, head) for one in inputs]
    return [{"words": one.words, "weights": [round(w, 4) for w in one.weights]} for one in found]


def stored(measure: Measure) -> Json:
    """A measure as plain JSON values."""
    return asdict(measure)
