"""How well a model predicts people it has not seen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import (
    Calibration,
    conformal_quantile,
    cross_called,
    cross_covered,
    cross_fitted,
    fit,
    predicted_stars,
    star_cuts,
)
from recux.learn.curves import curved
from recux.learn.examples import MODEL_OF_HEAD, ORDINAL_HEADS, Examples, Pair, scored_ratings, star
from recux.learn.metrics import Groups, Measure, binary_measures, log_loss_rows, measure, ordinal_measures
from recux.learn.predictor import Scorer
from recux.learn.scaling import scaled
from recux.learn.splits import Split

Array = NDArray[np.float64]
PRIMARY = {"satisfaction": ("satisfaction",), "rating": ("rating",), "behaviour": ("click", "purchase")}
"""The heads whose log-loss decides about a model; ``recommend`` is auxiliary."""
RECOMMEND_AUC = (
    "probability that a random comment of someone who would recommend is scored above one of someone who would not"
)
COVERED = "share of rows whose 90 % set holds the star"
COLD_START = {"0 earlier": (0, 0), "1-4 earlier": (1, 4), "5+ earlier": (5, 10**9)}


@dataclass(frozen=True, slots=True)
class Tested:
    """The rows of one head that a model is tested on."""

    inputs: list[str] | list[Pair]
    labels: NDArray[np.int64]
    """1..5 for an ordinal head, else 0 or 1."""
    participants: list[str]
    rounds: NDArray[np.int64]
    stars: bool = False
    """Whether the labels are stars."""
    keys: list[str] = field(default_factory=list)
    """Key of the example of each row."""

    @property
    def classes(self) -> NDArray[np.int64]:
        """Labels counted from 0."""
        return self.labels - int(self.stars)

    def take(self, rows: NDArray[np.bool_]) -> "Tested":
        """Only these rows."""
        where = np.flatnonzero(rows)
        inputs: Any = [self.inputs[i] for i in where]
        people = [self.participants[i] for i in where]
        keys = [self.keys[i] for i in where]
        return Tested(inputs, self.labels[where], people, self.rounds[where], self.stars, keys)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of the rows of one head."""

    p: Array
    """Calibrated probabilities, (n, 5) of stars or (n,) of yes."""
    raw: Array
    """What AUC ranks by; the same shape."""
    called: NDArray[np.int64]
    """Predicted stars, or 0 and 1."""
    inside: Array | None = None
    """1 where the 90 % set held the star; None for yes or no."""


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


def labelled_rows(examples: Examples, head: str, *splits: Split) -> Tested:
    """The rows of ``head`` on the named sides; of ratings only the scored ones (see ``scored_ratings``)."""
    part = examples.of(*splits)
    found: list[tuple[Any, int, str, int, str]] = []
    if head == "satisfaction":
        found = [
            (e.text, star(e.satisfaction), e.participant, e.round, e.key)
            for e in part.satisfaction
            if e.satisfaction is not None and e.text.strip()
        ]
    elif head == "recommend":
        found = [
            (e.text, int(e.recommend), e.participant, e.round, e.key)
            for e in part.satisfaction
            if e.recommend is not None and e.text.strip()
        ]
    elif head == "rating":
        found = [(e.pair, star(e.rating), e.pair.participant, e.round, e.key) for e in scored_ratings(part.rating)]
    else:
        seen = [(e, getattr(e, head)) for e in part.behaviour]
        found = [(e.pair, int(y), e.pair.participant, e.round, e.key) for e, y in seen if y is not None]
    return rows_of(found, stars=head in ORDINAL_HEADS)


def rows_of(found: Sequence[tuple[Any, int, str, int, str]], *, stars: bool) -> Tested:
    """(input, label, participant, round, key) as columns."""
    return Tested(
        [f[0] for f in found],
        np.array([f[1] for f in found], dtype=np.int64),
        [f[2] for f in found],
        np.array([f[3] for f in found], dtype=np.int64),
        stars,
        [f[4] for f in found],
    )


def evaluate(scorer: Scorer, examples: Examples, model: str, *, split: Split = "heldout", seed: int = 0) -> Evaluation:
    """Test ``scorer`` on one side of the participants for ``model`` (satisfaction, rating or behaviour).

    Probabilities are calibrated, cross-fitted (see ``calibration.cross_fitted``). Measures that cannot
    be computed have no value and a reason.
    """
    heads = [h for h, m in MODEL_OF_HEAD.items() if m == model and h in scorer.heads]
    rows = {h: labelled_rows(examples, h, split) for h in heads}
    rows = {h: r for h, r in rows.items() if len(r.labels)}
    raw = raw_of(scorer, rows)
    said = {h: cross_said(h, r, raw[h]) for h, r in rows.items()}
    return Evaluation(
        model,
        dict(all_measures(model, rows, said, seed)),
        max((len(r.labels) for r in rows.values()), default=0),
        by_round(model, rows, {h: one.p for h, one in said.items()}, seed),
        cold_start(scorer, examples, split, seed) if model == "rating" and "rating" in rows else {},
        calibration(rows, raw),
    )


def raw_of(scorer: Scorer, rows: Mapping[str, Tested]) -> dict[str, Array]:
    """Raw probabilities by head; an input that several heads are asked about is scored once."""
    places: dict[str | Pair, int] = {}
    for r in rows.values():
        for one in r.inputs:
            places.setdefault(one, len(places))
    scores = scorer.raw(list(places)) if places else {}
    return {h: scores[h][[places[one] for one in r.inputs]] for h, r in rows.items()}


def cross_said(head: str, rows: Tested, raw: Array) -> Said:
    """Calibrated, called and enclosed for each half of the participants by what the other half taught."""
    p = cross_fitted(raw, rows.classes, rows.participants)
    if head not in ORDINAL_HEADS:
        return Said(p, raw, (p >= 0.5).astype(np.int64))
    called = cross_called(p, rows.participants)
    return Said(p, raw, called, cross_covered(p, rows.classes, rows.participants, called))


def all_measures(
    model: str, rows: Mapping[str, Tested], said: Mapping[str, Said], seed: int
) -> Iterator[tuple[str, Measure]]:
    """Every measure by name."""
    primary = [h for h in PRIMARY[model] if h in rows] or list(rows)
    for head, r in rows.items():
        measures = head_measures(r, said[head], seed)
        for name, value in measures.items():
            yield f"{head}_{name}", value
            if head == primary[0] and name != "log_loss":
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
    primary = [h for h in PRIMARY[model] if h in rows] or list(rows)
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
        losses[at : at + len(p[head])] = log_loss_rows(two_or_five(p[head]), rows[head].classes)
        with np.errstate(invalid="ignore", divide="ignore"):
            total += groups.total(losses) / groups.total(here)
        at += len(p[head])
    definition = "mean of -log of the probability given to what happened, summed over " + ", ".join(primary)
    return measure(total, len(people), groups.draws.shape[1], definition)


def two_or_five(p: Array) -> Array:
    """P(yes) (n,) as (n, 2); stars as they are."""
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p


def by_round(model: str, rows: Mapping[str, Tested], p: Mapping[str, Array], seed: int) -> dict[int, Measure]:
    """The log-loss on the rows of each round."""
    found = {}
    for number in sorted({int(n) for r in rows.values() for n in r.rounds}):
        part = {h: r.take(r.rounds == number) for h, r in rows.items()}
        part = {h: r for h, r in part.items() if len(r.labels)}
        if any(h in part for h in PRIMARY[model]):
            found[number] = log_loss(model, part, {h: p[h][rows[h].rounds == number] for h in part}, seed)
    return found


def cold_start(scorer: Scorer, examples: Examples, split: Split, seed: int) -> dict[str, dict[str, Measure]]:
    """Rating measures by what was known: 0, 1-4, 5+ earlier ratings of the person, and items new to the model."""
    ratings = examples.of(split).rating
    if not ratings:
        return {}
    trained = {e.pair.item for e in examples.of("train").rating}
    raw = scorer.raw([e.pair for e in ratings])["rating"]
    called = cross_called(raw, [e.pair.participant for e in ratings])
    known = np.array([len(e.pair.earlier) for e in ratings])
    strata = {name: (known >= low) & (known <= high) for name, (low, high) in COLD_START.items()}
    strata["new item"] = np.array([e.pair.item not in trained for e in ratings])
    found = {}
    for name, where in strata.items():
        if where.any():
            labels = np.array([star(e.rating) for e in ratings], dtype=float)[where]
            people = [e.pair.participant for e, inside in zip(ratings, where, strict=True) if inside]
            measures = ordinal_measures(raw[where], labels, people, called[where], seed=seed)
            found[name] = {k: measures[k] for k in ("log_loss", "mae", "qwk")}
    return found


def calibration(rows: Mapping[str, Tested], raw: Mapping[str, Array]) -> Calibration:
    """Scales, curves, conformal quantiles and cuts fitted on all rows, for serving."""
    fitted = {h: fit(raw[h], r.classes) for h, r in rows.items()}
    stars = {h: curved(scaled(raw[h], scale), curve) for h, (scale, curve) in fitted.items() if h in ORDINAL_HEADS}
    cuts = {h: star_cuts(p) for h, p in stars.items()}
    return Calibration(
        {h: scale.temperature for h, (scale, _) in fitted.items()},
        {h: list(scale.slope) for h, (scale, _) in fitted.items()},
        {h: list(scale.shift) for h, (scale, _) in fitted.items()},
        {h: curve for h, (_, curve) in fitted.items()},
        {h: conformal_quantile(p, rows[h].classes, predicted_stars(p, cuts[h])) for h, p in stars.items()},
        {h: len(r.labels) for h, r in rows.items()},
        cuts,
    )
