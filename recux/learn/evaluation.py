"""How well a model predicts people it has not seen."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import Calibration, Halves, Said, crossed, said_of, taught
from recux.learn.examples import MODEL_OF_HEAD, Examples, Pair
from recux.learn.metrics import Groups, Measure, binary_measures, log_loss_rows, measure, ordinal_measures
from recux.learn.predictor import Scorer
from recux.learn.scaling import classes_of
from recux.learn.splits import Split
from recux.learn.tested import Tested, rating_rows, tested_rows

Array = NDArray[np.float64]
PRIMARY = {"satisfaction": ("satisfaction",), "rating": ("rating",), "behaviour": ("click", "purchase")}
"""The heads whose log-loss decides about a model; without one of them it is none. ``recommend`` is auxiliary."""
RECOMMEND_AUC = (
    "probability that a random comment of someone who would recommend is scored above one of someone who would not"
)
COVERED = "share of rows whose 90 % set holds the star"
COLD_START = {"0 earlier": (0, 0), "1-4 earlier": (1, 4), "5+ earlier": (5, 10**9)}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of one model for one of satisfaction, rating and behaviour."""

    model: str
    metrics: dict[str, Measure]
    """``log_loss`` (summed over the primary heads), the primary head's measures, and ``HEAD_NAME`` for other heads."""
    n_test: int
    by_round: dict[int, Measure] = field(default_factory=dict)
    """Log-loss on the rows of each round: rising figures for old rounds are forgetting."""
    cold_start: dict[str, dict[str, Measure]] = field(default_factory=dict)
    """For ratings: measures by how many ratings of the person were known, and for items never rated in training."""
    calibration: Calibration = field(default_factory=Calibration)
    """Fitted on all these rows, for serving."""
    known: Halves = field(default_factory=lambda: (Calibration(), Calibration()))
    """What the two halves of the participants were measured with."""
    rows: dict[str, Tested] = field(default_factory=dict)
    """By head, what was asked."""
    said: dict[str, Said] = field(default_factory=dict)
    """By head, what was answered."""


def evaluate(
    scorer: Scorer,
    examples: Examples,
    model: str,
    *,
    split: Split = "heldout",
    seed: int = 0,
    known: Halves | None = None,
    rates: Mapping[str, float] | None = None,
) -> Evaluation:
    """Test ``scorer`` on one side of the participants for ``model`` (satisfaction, rating or behaviour).

    Probabilities are calibrated, cross-fitted (see ``calibration.crossed``), or as ``known`` has it. For a head of yes
    or no that the model lacks, its base rate (from ``rates``) counts in the log-loss, so that all models answer for the
    same heads. Measures that cannot be computed have no value and a reason.
    """
    rows = tested_rows(examples, asked_heads(scorer, model), split)
    everyone = rating_rows(examples.of(split).rating) if "rating" in rows else None
    raw = raw_of(scorer, rows | ({"rating": everyone} if everyone else {}), rates or {})
    from_start = raw.get("rating", np.zeros((0, 5)))  # history, too: cold start is about it
    if everyone:
        place = {key: i for i, key in enumerate(everyone.keys)}
        raw["rating"] = from_start[[place[key] for key in rows["rating"].keys]]
    known = known or crossed_heads(rows, raw)
    said = {h: said_of(h, raw[h], r.classes, r.participants, known) for h, r in rows.items()}
    trained = {e.pair.item for e in examples.of("train").rating}
    return Evaluation(
        model,
        dict(all_measures(model, rows, said, seed, own=scorer.heads)),
        max((len(r.labels) for r in rows.values()), default=0),
        by_round(model, rows, {h: one.p for h, one in said.items()}, seed),
        cold_start(everyone, from_start, known, trained, seed) if everyone else {},
        calibration(scorer, rows, raw),
        known,
        rows,
        said,
    )


def asked_heads(scorer: Scorer, model: str) -> list[str]:
    """The heads of ``model`` that ``scorer`` has; of behaviour all, because both decide."""
    return [h for h, m in MODEL_OF_HEAD.items() if m == model and (h in scorer.heads or model == "behaviour")]


def raw_of(scorer: Scorer, rows: Mapping[str, Tested], rates: Mapping[str, float]) -> dict[str, Array]:
    """Raw probabilities by head; an input that several heads are asked about is scored once.

    A head that the model lacks gets its rate, or even odds when nobody was ever seen to do it.
    """
    own = {h: r for h, r in rows.items() if h in scorer.heads}
    places: dict[str | Pair, int] = {}
    for r in own.values():
        for one in r.inputs:
            places.setdefault(one, len(places))
    scores = scorer.raw(list(places)) if places else {}
    found = {h: scores[h][[places[one] for one in r.inputs]] for h, r in own.items()}
    return {h: found[h] if h in own else np.full(len(r.labels), rates.get(h, 0.5)) for h, r in rows.items()}


def crossed_heads(rows: Mapping[str, Tested], raw: Mapping[str, Array]) -> Halves:
    """What each half of the participants teaches the other, of every head."""
    first, second = Calibration(), Calibration()
    for head, r in rows.items():
        more = crossed(head, raw[head], r.classes, r.participants)
        first, second = first.joined(more[0]), second.joined(more[1])
    return first, second


def all_measures(
    model: str, rows: Mapping[str, Tested], said: Mapping[str, Said], seed: int, *, own: Iterable[str]
) -> Iterator[tuple[str, Measure]]:
    """Every measure by name; of heads that are not the model's ``own`` only their part in the log-loss."""
    primary = next((h for h in PRIMARY[model] if h in rows), None)
    for head, r in ((h, r) for h, r in rows.items() if h in own):
        measures = head_measures(r, said[head], seed)
        for name, value in measures.items():
            yield f"{head}_{name}", value
            if head == primary and name != "log_loss":
                yield name, value
    if model == "satisfaction" and "recommend" in rows:  # the flag is the label that AUC is about
        flagged = head_measures(rows["recommend"], said["recommend"], seed)["auc"]
        yield "auc", replace(flagged, definition=RECOMMEND_AUC)
    yield "log_loss", log_loss(model, rows, {h: one.p for h, one in said.items()}, seed)


def head_measures(rows: Tested, said: Said, seed: int) -> dict[str, Measure]:
    """The measures of one head; for stars also the coverage of the 90 % sets."""
    labels, people = rows.labels.astype(float), rows.participants
    if said.inside is None:
        return binary_measures(said.p, labels, people, rank=said.raw, seed=seed)
    measures = ordinal_measures(said.p, labels, people, said.called, rank=said.raw, seed=seed)
    groups = Groups.of(people, seed)
    held = measure(groups.mean(said.inside), len(labels), groups.draws.shape[1], COVERED)
    return measures | {"coverage_90": held}


def log_loss(model: str, rows: Mapping[str, Tested], p: Mapping[str, Array], seed: int) -> Measure:
    """The sum of the mean log-losses of the model's primary heads."""
    primary = [h for h in PRIMARY[model] if h in rows]
    if not primary:
        return Measure(None, reason="no labelled rows of held-out participants yet")
    people = [person for h in primary for person in rows[h].participants]
    groups = Groups.of(people, seed)
    total = np.zeros(len(groups.draws))
    at = 0
    for head in primary:
        here = np.zeros(len(people))
        here[at : at + len(p[head])] = 1
        losses = np.zeros(len(people))
        losses[at : at + len(p[head])] = log_loss_rows(classes_of(p[head]), rows[head].classes)
        with np.errstate(invalid="ignore", divide="ignore"):
            total += groups.total(losses) / groups.total(here)
        at += len(p[head])
    definition = "mean of -log of the probability given to what happened, summed over " + ", ".join(primary)
    return measure(total, len(people), groups.draws.shape[1], definition)


def by_round(model: str, rows: Mapping[str, Tested], p: Mapping[str, Array], seed: int) -> dict[int, Measure]:
    """The log-loss on the rows of each round."""
    found = {}
    for number in sorted({int(n) for r in rows.values() for n in r.rounds}):
        part = {h: r.take(r.rounds == number) for h, r in rows.items()}
        part = {h: r for h, r in part.items() if len(r.labels)}
        if any(h in part for h in PRIMARY[model]):
            found[number] = log_loss(model, part, {h: p[h][rows[h].rounds == number] for h in part}, seed)
    return found


def cold_start(
    rows: Tested, raw: Array, known: Halves, trained: Container[str], seed: int
) -> dict[str, dict[str, Measure]]:
    """Rating measures by what was known: 0, 1-4, 5+ earlier ratings of the person, and items new to the model.

    ``rows`` hold the history, too; what is said of them is calibrated and called as in every other figure.
    """
    said = said_of("rating", raw, rows.classes, rows.participants, known)
    pairs = [one for one in rows.inputs if isinstance(one, Pair)]
    earlier = np.array([len(pair.earlier) for pair in pairs])
    strata = {name: (earlier >= low) & (earlier <= high) for name, (low, high) in COLD_START.items()}
    strata["new item"] = np.array([pair.item not in trained for pair in pairs])
    found = {}
    for name, where in strata.items():
        if where.any():
            part = rows.take(where)
            labels = part.labels.astype(float)
            measures = ordinal_measures(said.p[where], labels, part.participants, said.called[where], seed=seed)
            found[name] = {k: measures[k] for k in ("log_loss", "mae", "qwk")}
    return found


def calibration(scorer: Scorer, rows: Mapping[str, Tested], raw: Mapping[str, Array]) -> Calibration:
    """What all rows teach, for serving; with the rates that stand in for heads that the model lacks."""
    found = Calibration(rate={h: float(raw[h][0]) for h in rows if h not in scorer.heads})
    for head, r in rows.items():
        found = found.joined(taught(head, raw[head], r.classes))
    return found
