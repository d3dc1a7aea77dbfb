"""The simple models that a fine-tuned encoder must beat. Saved as numbers and words, never as pickles."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from recux.learn.examples import BehaviourExample, Examples, Pair, RatingExample, SatisfactionExample, star
from recux.learn.files import read_json, write_json
from recux.learn.means import ItemMeans, item_means

log = logging.getLogger(__name__)
Array = NDArray[np.float64]
INVERSE_REGULARISATION = 4.0
MIN_LABELS = 3
KINDS: dict[str, dict[str, Any]] = {
    "word": {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
    "char": {"analyzer": "char_wb", "ngram_range": (1, 4)},
}
"""Word 1-2-grams, and character 1-4-grams inside words (which also read Chinese)."""


@dataclass(frozen=True)
class TfidfLogistic:
    """TF-IDF of word 1-2-grams and character 1-4-grams with one logistic regression a head."""

    vocabularies: dict[str, list[str]]
    idf: dict[str, Array]
    weights: dict[str, Array]
    """Head -> (classes, features + 1); the last column is the intercept."""
    classes: dict[str, list[int]]
    shares: dict[str, list[float]] = field(default_factory=dict)
    """Head -> share of each class among the texts it learned from: what it would say of a text without a word."""
    name: str = "tfidf_logistic"

    @property
    def heads(self) -> list[str]:
        """What it predicts."""
        return list(self.weights)

    def raw(self, inputs: Sequence[str]) -> dict[str, Array]:
        """Probabilities by head."""
        matrix = self.matrix(inputs)
        return {head: self.head(matrix, head) for head in self.heads}

    def head(self, matrix: Any, head: str) -> Array:
        """P(1..5) (n, 5) or P(yes) (n,)."""
        weights = self.weights[head]
        scores = np.asarray(matrix @ weights[:, :-1].T) + weights[:, -1]
        if head == "recommend":
            return np.asarray(1 / (1 + np.exp(-scores[:, 0])))
        return spread(softmax(scores, axis=1), self.classes[head])

    def matrix(self, texts: Sequence[str]) -> Any:
        """The sparse TF-IDF matrix."""
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfTransformer

        parts = []
        for kind, counter in self.counters.items():
            weighting = TfidfTransformer(sublinear_tf=True)
            weighting.idf_ = self.idf[kind]
            parts.append(weighting.transform(gram_counts(counter, texts)))
        return hstack(parts, format="csr")

    @cached_property
    def counters(self) -> dict[str, Any]:
        """What counts the n-grams of each kind, kept: looking through a vocabulary costs more than scoring a text."""
        return {kind: make_counter(kind, grams) for kind, grams in self.vocabularies.items()}

    def save(self, folder: Path) -> None:
        """Write arrays and vocabularies."""
        arrays = {f"idf.{k}": v for k, v in self.idf.items()} | {f"weights.{k}": v for k, v in self.weights.items()}
        np.savez(folder / "arrays.npz", allow_pickle=False, **{k: v.astype(np.float32) for k, v in arrays.items()})
        words = {"vocabularies": self.vocabularies, "classes": self.classes, "shares": self.shares}
        write_json(folder / "vocabulary.json", words)

    @classmethod
    def load(cls, folder: Path) -> "TfidfLogistic":
        """From ``save``."""
        with np.load(folder / "arrays.npz", allow_pickle=False) as saved:
            arrays = {k: saved[k].astype(float) for k in saved.files}
        words = read_json(folder / "vocabulary.json")
        idf = {k.removeprefix("idf."): v for k, v in arrays.items() if k.startswith("idf.")}
        weights = {k.removeprefix("weights."): v for k, v in arrays.items() if k.startswith("weights.")}
        return cls(words["vocabularies"], idf, weights, words["classes"], words.get("shares", {}))


def make_vectoriser(kind: str, **more: Any) -> Any:
    """TF-IDF of the n-grams of ``KINDS[kind]``."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, **KINDS[kind], **more)


def make_counter(kind: str, vocabulary: list[str]) -> Any:
    """Counts of the n-grams of ``KINDS[kind]`` that are in ``vocabulary``."""
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(vocabulary=vocabulary, **KINDS[kind])


def gram_counts(counter: Any, texts: Sequence[str]) -> Any:
    """How often each n-gram that ``counter`` knows occurs in each text, sparse (texts, n-grams).

    Characters are counted inside words, so each different word is taken apart once, however often it occurs.
    """
    from scipy.sparse import csr_array

    if counter.analyzer == "word":
        return counter.transform(texts)
    parts = [text.lower().split() for text in texts]
    place = {word: i for i, word in enumerate(dict.fromkeys(chain.from_iterable(parts)))}
    words = [place[word] for part in parts for word in part]
    starts = np.cumsum([0, *map(len, parts)])
    in_texts = csr_array((np.ones(len(words), dtype=np.int64), words, starts), shape=(len(texts), len(place)))
    return in_texts @ csr_array(counter.transform(list(place)))


def fit_tfidf(examples: Sequence[SatisfactionExample]) -> TfidfLogistic | None:
    """Fit on comments with text; None when no head has two classes, or nothing can be counted in the texts."""
    from scipy.sparse import hstack
    from sklearn.linear_model import LogisticRegression

    texts = [e for e in examples if e.text.strip()]
    labels: dict[str, list[int | None]] = {
        "satisfaction": [None if e.satisfaction is None else star(e.satisfaction) for e in texts],
        "recommend": [None if e.recommend is None else int(e.recommend) for e in texts],
    }
    usable = {h: v for h, v in labels.items() if len({x for x in v if x is not None}) > 1}
    if not usable or len(texts) < MIN_LABELS:
        return None
    fitted, parts = fit_vectorisers([e.text for e in texts])
    if not fitted:
        return None
    matrix = hstack(parts, format="csr")
    weights, classes, shares = {}, {}, {}
    for head, values in usable.items():
        rows = [i for i, v in enumerate(values) if v is not None]
        model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=300, tol=1e-3)
        model.fit(matrix[rows], [values[i] for i in rows])
        weights[head], classes[head] = whole_weights(model, head)
        shares[head] = class_shares([values[i] for i in rows], classes[head], head)
    vocabularies = {k: list(v.get_feature_names_out()) for k, v in fitted.items()}
    return TfidfLogistic(vocabularies, {k: v.idf_ for k, v in fitted.items()}, weights, classes, shares)


def fit_vectorisers(texts: list[str]) -> tuple[dict[str, Any], list[Any]]:
    """The vectoriser of each kind with the matrix of ``texts``; without a kind of n-gram of which there is none.

    Emoji and punctuation hold no word. From 100 texts on an n-gram counts only if it recurs, and none may.
    """
    least = 2 if len(texts) >= 100 else 1
    fitted, parts = {}, []
    for kind in KINDS:
        vectoriser = make_vectoriser(kind, min_df=least, max_features=60_000)
        try:
            parts.append(vectoriser.fit_transform(texts))
        except ValueError as problem:
            log.info("no n-grams of the kind %s among %d texts: %s", kind, len(texts), problem)
        else:
            fitted[kind] = vectoriser
    return fitted, parts


def class_shares(labels: Sequence[int | None], classes: Sequence[int], head: str) -> list[float]:
    """The share of each of 1..5, or of no and yes, among ``labels``; a star that never occurs gets what it is given."""
    found = np.array([[labels.count(c) / len(labels) for c in classes]])
    return [float(share) for share in (found if head == "recommend" else spread(found, classes))[0]]


def whole_weights(model: Any, head: str) -> tuple[Array, list[int]]:
    """Coefficients with intercepts; two ordinal classes get a row each, as more classes have."""
    weights = np.hstack([model.coef_, model.intercept_[:, None]])
    if head != "recommend" and len(weights) == 1:
        weights = np.vstack([np.zeros_like(weights), weights])
    return weights, [int(c) for c in model.classes_]


def spread(p: Array, classes: Sequence[int], floor: float = 1e-4) -> Array:
    """Probabilities of the classes that were seen as probabilities of 1..5; unseen ones get ``floor``."""
    out = np.full((len(p), 5), floor)
    out[:, [c - 1 for c in classes]] += p
    return np.asarray(out / out.sum(1, keepdims=True))


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


def fit_baselines(examples: Examples) -> dict[str, Any]:
    """The baseline of each model (satisfaction, rating, behaviour) that the training part can teach."""
    taught = examples.taught()
    fitted = {
        "satisfaction": fit_tfidf(taught.satisfaction),
        "rating": fit_means(taught.rating),
        "behaviour": fit_base_rate(taught.behaviour),
    }
    return {model: baseline for model, baseline in fitted.items() if baseline is not None}
