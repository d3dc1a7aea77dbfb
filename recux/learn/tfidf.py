"""TF-IDF of words and characters with logistic regressions: a simple model of comments, or of the words of a pair."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from recux.learn.examples import ORDINAL_HEADS, BehaviourExample, Pair, RatingExample, SatisfactionExample, star
from recux.learn.files import read_json, write_json

log = logging.getLogger(__name__)
Array = NDArray[np.float64]
Labels = dict[str, list[int | None]]
INVERSE_REGULARISATION = 4.0
MIN_LABELS = 3
MOST_PAIRS = 4000
"""Pairs that are learned from, drawn by chance where there are more: their texts are long, and much alike."""
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

    def raw(self, inputs: Sequence[str] | Sequence[Pair]) -> dict[str, Array]:
        """Probabilities by head."""
        matrix = self.matrix([words_in(one) for one in inputs])
        return {head: self.head(matrix, head) for head in self.heads}

    def head(self, matrix: Any, head: str) -> Array:
        """P(1..5) (n, 5) or P(yes) (n,)."""
        weights = self.weights[head]
        scores = np.asarray(matrix @ weights[:, :-1].T) + weights[:, -1]
        if head not in ORDINAL_HEADS:
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


def fit_comments(examples: Sequence[SatisfactionExample]) -> TfidfLogistic | None:
    """Fit on comments with text (see ``fit_texts``)."""
    texts = [e for e in examples if e.text.strip()]
    labels: Labels = {
        "satisfaction": [None if e.satisfaction is None else star(e.satisfaction) for e in texts],
        "recommend": [None if e.recommend is None else int(e.recommend) for e in texts],
    }
    return fit_texts([e.text for e in texts], labels)


def fit_ratings(examples: Sequence[RatingExample]) -> TfidfLogistic | None:
    """Fit on the words of rated pairs (see ``fit_texts``)."""
    some = [examples[i] for i in drawn(len(examples))]
    return fit_texts([words_in(e.pair) for e in some], {"rating": [star(e.rating) for e in some]})


def fit_behaviour(examples: Sequence[BehaviourExample]) -> TfidfLogistic | None:
    """Fit on the words of impressions (see ``fit_texts``)."""
    some = [examples[i] for i in drawn(len(examples))]
    seen = {head: [getattr(e, head) for e in some] for head in ("click", "purchase")}
    labels: Labels = {head: [None if one is None else int(one) for one in ones] for head, ones in seen.items()}
    return fit_texts([words_in(e.pair) for e in some], labels)


def drawn(n: int) -> list[int]:
    """Which of ``n`` pairs are learned from: at most ``MOST_PAIRS``, always the same."""
    return [int(i) for i in np.sort(np.random.default_rng(0).permutation(n)[:MOST_PAIRS])]


def words_in(one: str | Pair) -> str:
    """A comment, or what is said of participant and item."""
    return one if isinstance(one, str) else f"{one.participant_text} {one.item_text}"


def fit_texts(texts: list[str], labels: Labels) -> TfidfLogistic | None:
    """One logistic regression a head; None when no head has two classes, or nothing can be counted in the texts."""
    from scipy.sparse import hstack
    from sklearn.linear_model import LogisticRegression

    usable = {h: v for h, v in labels.items() if len({x for x in v if x is not None}) > 1}
    if not usable or len(texts) < MIN_LABELS:
        return None
    fitted, parts = fit_vectorisers(texts)
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
    return [float(share) for share in (spread(found, classes) if head in ORDINAL_HEADS else found)[0]]


def whole_weights(model: Any, head: str) -> tuple[Array, list[int]]:
    """Coefficients with intercepts; two ordinal classes get a row each, as more classes have."""
    weights = np.hstack([model.coef_, model.intercept_[:, None]])
    if head in ORDINAL_HEADS and len(weights) == 1:
        weights = np.vstack([np.zeros_like(weights), weights])
    return weights, [int(c) for c in model.classes_]


def spread(p: Array, classes: Sequence[int], floor: float = 1e-4) -> Array:
    """Probabilities of the classes that were seen as probabilities of 1..5; unseen ones get ``floor``."""
    out = np.full((len(p), 5), floor)
    out[:, [c - 1 for c in classes]] += p
    return np.asarray(out / out.sum(1, keepdims=True))
