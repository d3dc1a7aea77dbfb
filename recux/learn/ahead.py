"""The split by time: a model that served, tested on people who came after everything it had learned from."""

from recux.learn.calibration import said_of
from recux.learn.evaluation import all_measures, asked_heads, raw_of
from recux.learn.examples import Examples
from recux.learn.jobs import Job
from recux.learn.metrics import Measure
from recux.learn.predictor import Predictor
from recux.learn.splits import normalised
from recux.learn.tested import tested_rows


def ahead(served: Predictor, job: Job, model: str, *, seed: int = 0) -> dict[str, Measure]:
    """Measures of ``served`` for ``model`` (satisfaction, rating or behaviour) on what is newer than itself.

    As it served: with its calibration, cuts and sets of then. Nobody who took part in a round up to its last is among
    these people, and no comment that it learned from; people of the audit side stay untouched. Empty when nothing is
    newer, or when the model does not say which round was its last.
    """
    last = served.about.get("last_round")
    if last is None:
        return {}
    rates = served.calibration.rate
    heads = [h for h in asked_heads(served.scorer, model) if h in served.scorer.heads or h in rates]
    rows = tested_rows(came_after(job, last), heads, "train", "heldout")
    if not rows:
        return {}
    raw, known = raw_of(served.scorer, rows, rates), (served.calibration, served.calibration)
    said = {h: said_of(h, raw[h], r.classes, r.participants, known) for h, r in rows.items()}
    return dict(all_measures(model, rows, said, seed, own=served.scorer.heads))


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
