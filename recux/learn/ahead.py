"""The split by time: a model that served, tested on people who came after everything it had learned from."""

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import covered, predicted_stars
from recux.learn.evaluation import Said, Tested, all_measures, labelled_rows, raw_of
from recux.learn.examples import MODEL_OF_HEAD, ORDINAL_HEADS, Examples
from recux.learn.jobs import Job
from recux.learn.metrics import Measure
from recux.learn.predictor import Predictor
from recux.learn.splits import normalised


def ahead(served: Predictor, job: Job, model: str, *, seed: int = 0) -> dict[str, Measure]:
    """Measures of ``served`` for ``model`` (satisfaction, rating or behaviour) on what is newer than itself.

    As it served: with its calibration, cuts and sets of then. Nobody who took part in a round up to its last is among
    these people, and no comment that it learned from; people of the audit side stay untouched. Empty when nothing is
    newer, or when the model does not say which round was its last.
    """
    last = served.about.get("last_round")
    if last is None:
        return {}
    later = came_after(job, last)
    heads = [h for h, m in MODEL_OF_HEAD.items() if m == model and h in served.scorer.heads]
    rows = {h: labelled_rows(later, h, "train", "heldout") for h in heads}
    rows = {h: r for h, r in rows.items() if len(r.labels)}
    if not rows:
        return {}
    raw = raw_of(served.scorer, rows)
    return dict(all_measures(model, rows, {h: as_served(served, h, r, raw[h]) for h, r in rows.items()}, seed))


def as_served(served: Predictor, head: str, rows: Tested, raw: NDArray[np.float64]) -> Said:
    """What ``served`` answered, or would have answered, for these rows."""
    known = served.calibration
    p = known.served(head, raw)
    if head not in ORDINAL_HEADS:
        return Said(p, raw, (p >= 0.5).astype(np.int64))
    called = predicted_stars(p, known.cuts.get(head))
    return Said(p, raw, called, covered(p, rows.classes, known.quantile.get(head, 1.0), called))


def came_after(job: Job, last: int) -> Examples:
    """The examples by people of whom there was nothing up to round ``last``, without texts of until then."""
    examples = job.examples
    rated = [(e.pair.participant, e.round) for part in (examples.rating, examples.behaviour) for e in part]
    told = [(e.participant, e.round) for e in examples.satisfaction]
    known = {person for person, number in (*rated, *told, *job.first_rounds.items()) if number <= last}
    old = {normalised(e.text) for e in examples.satisfaction if e.round <= last}
    return Examples(
        tuple(e for e in examples.satisfaction if e.participant not in known and normalised(e.text) not in old),
        tuple(e for e in examples.rating if e.pair.participant not in known),
        tuple(e for e in examples.behaviour if e.pair.participant not in known),
    )
