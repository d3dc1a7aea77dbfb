"""The simple models that a fine-tuned encoder must beat. Saved as numbers and words, never as pickles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from recux.learn.examples import BehaviourExample, Examples, Pair, RatingExample, star
from recux.learn.files import read_json, write_json
from recux.learn.means import ItemMeans, item_means
from recux.learn.tfidf import (
    INVERSE_REGULARISATION,
    MIN_LABELS,
    TfidfLogistic,
    fit_behaviour,
    fit_comments,
    fit_ratings,
    spread,
    whole_weights,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Means:
    """Shrunken means of participant and item, turned into P(1..5) by a multinomial logistic regression on them."""

    means: ItemMeans
    weights: Array
    classes: list[int]
    name: str = "participant_item_means"
    heads: tuple[str, ...] = ("rating",)

    def raw(self, inputs: Sequence[Pair]) -> dict[str, Array]:
        """P(1..5) of each pair."""
        design = np.array([means_row(p, self.means) for p in inputs]).reshape(len(inputs), -1)
        return {"rating": spread(softmax(design @ self.weights[:, :-1].T + self.weights[:, -1], axis=1), self.classes)}

    def save(self, folder: Path) -> None:
        """Write the means and the weights."""
        values = {"means": self.means.to_dict(), "weights": self.weights.tolist(), "classes": self.classes}
        write_json(folder / "means.json", values)

    @classmethod
    def load(cls, folder: Path) -> "Means":
        """From ``save``."""
        values = read_json(folder / "means.json")
        return cls(ItemMeans.from_dict(values["means"]), np.array(values["weights"]), values["classes"])


def means_row(pair: Pair, means: ItemMeans, *, others: bool = False) -> list[float]:
    """Person, item and how much is known of the person, centred."""
    item = means.of_item(pair.item, pair.participant if others else None)
    return [means.of_person(pair.earlier) - means.grand, item - means.grand, float(np.log1p(len(pair.earlier)))]


def fit_means(examples: Sequence[RatingExample]) -> Means | None:
    """Fit on ratings; None when they are all of one class or fewer than three."""
    from sklearn.linear_model import LogisticRegression

    labels = [star(e.rating) for e in examples]
    if len(examples) < MIN_LABELS or len(set(labels)) < 2:
        return None
    means = item_means(examples)
    design = np.array([means_row(e.pair, means, others=True) for e in examples])
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=300).fit(design, labels)
    weights, classes = whole_weights(model, "rating")
    return Means(means, weights, classes)


@dataclass(frozen=True)
class BaseRate:
    """The same probability for everyone: the share among the training rows, with one yes and one no added."""

    rates: dict[str, float]
    name: str = "base_rate"

    @property
    def heads(self) -> list[str]:
        """What it predicts."""
        return list(self.rates)

    def raw(self, inputs: Sequence[Pair]) -> dict[str, Array]:
        """The rate of each head, for every pair."""
        return {head: np.full(len(inputs), rate) for head, rate in self.rates.items()}

    def save(self, folder: Path) -> None:
        """Write the rates."""
        write_json(folder / "rates.json", self.rates)

    @classmethod
    def load(cls, folder: Path) -> "BaseRate":
        """From ``save``."""
        return cls(read_json(folder / "rates.json"))


def fit_base_rate(examples: Sequence[BehaviourExample]) -> BaseRate | None:
    """Fit on impressions; None when nothing was observed."""
    rates = {}
    for head in ("click", "purchase"):
        seen = [getattr(e, head) for e in examples if getattr(e, head) is not None]
        if seen:
            rates[head] = (sum(seen) + 1) / (len(seen) + 2)
    return BaseRate(rates) if rates else None


LOADERS: dict[str, Callable[[Path], Any]] = {
    "tfidf_logistic": TfidfLogistic.load,
    "participant_item_means": Means.load,
    "base_rate": BaseRate.load,
}


def fit_baselines(examples: Examples) -> dict[str, list[Any]]:
    """The baselines of each model (satisfaction, rating, behaviour) that the training part can teach."""
    taught = examples.taught()
    fitted: dict[str, list[Any]] = {
        "satisfaction": [fit_comments(taught.satisfaction)],
        "rating": [fit_means(taught.rating), fit_ratings(taught.rating)],
        "behaviour": [fit_base_rate(taught.behaviour), fit_behaviour(taught.behaviour)],
    }
    return {model: [one for one in baselines if one is not None] for model, baselines in fitted.items()}
