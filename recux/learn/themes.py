"""What comments are about: clusters of their embeddings, named by the words that set each apart.

The embedding is that of the base model before fine-tuning: the fine-tuned one sorts by satisfaction, not by subject.
Where the base model does not know the words (see ``UNKNOWN_SHARE_LIMIT``), character n-grams stand in for it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recux.learn.encode import UNKNOWN_SHARE_LIMIT

MOST_THEMES = 8
PER_THEME = 12
"""Comments that a theme needs on average; fewer comments get fewer themes."""
FEWEST_PEOPLE = 3
"""People who must use a word before it may name a theme, so that no name is one person's."""
MAX_TOKENS = 64
SAMPLE = 800
"""Comments that the number of themes is chosen on."""
LABEL_WORDS = 3
LATIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
CJK = re.compile(r"[\u3400-\u9fff]+")
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Themes:
    """What was found."""

    labels: list[list[str]]
    """Words by theme; the theme with the most comments first."""
    theme: NDArray[np.int64]  # (n,) number of each comment's theme, from 0; -1 when there are none
    nearness: Array  # (n,) cosine with the middle of its theme


def find_themes(texts: Sequence[str], people: Sequence[str], base_model: str, device: str, *, seed: int = 0) -> Themes:
    """Themes of comments; none when they are too few for two."""
    most = min(MOST_THEMES, len(texts) // PER_THEME)
    if most < 2:
        return Themes([], np.full(len(texts), -1), np.zeros(len(texts)))
    found, near = clustered(embedded(texts, base_model, device), most, seed)
    said = [terms(text) for text in texts]
    return Themes(names(said, people, found), found, near)


def embedded(texts: Sequence[str], base_model: str, device: str) -> Array:
    """Unit vectors (n, width)."""
    import torch

    from recux.learn.device import autocast, resolve_device, resolve_precision
    from recux.learn.encode import encode
    from recux.learn.network import Network
    from recux.learn.scoring import pieces
    from recux.learn.weights import load_encoder, load_tokenizer

    tokenizer = load_tokenizer(base_model)
    tokens = encode(tokenizer, texts, [None] * len(texts), MAX_TOKENS)
    if tokens.unknown_share > UNKNOWN_SHARE_LIMIT:
        return by_characters(texts)
    where = resolve_device(device)
    network = Network(load_encoder(base_model), (), ordinal="", dropout=0.0).to(where).eval()
    out: Array = np.zeros((len(texts), int(network.encoder.config.hidden_size)))
    with torch.no_grad(), autocast(where, resolve_precision("auto", where)):
        for rows, vectors in pieces(lambda _rows, *seen: network.pooled(*seen), tokens, tokenizer, where):
            out[rows] = vectors.float().cpu().numpy()
    return units(out)


def by_characters(texts: Sequence[str]) -> Array:
    """Unit vectors from character n-grams."""
    from sklearn.decomposition import TruncatedSVD

    from recux.learn.tfidf import make_vectoriser

    matrix = make_vectoriser("char", min_df=2, max_features=20_000).fit_transform(texts)
    width = min(50, min(matrix.shape) - 1)
    return units(np.asarray(TruncatedSVD(width, random_state=0).fit_transform(matrix)))


def units(rows: Array) -> Array:
    """Rows of length 1; a row of zeros stays."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def clustered(rows: Array, most: int, seed: int) -> tuple[NDArray[np.int64], Array]:
    """Cluster of each row, the largest numbered 0, and its cosine with the middle.

    K-means; the number of clusters is the one with the best silhouette (Rousseeuw 1987) on a sample.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    sample = np.random.default_rng(seed).permutation(len(rows))[:SAMPLE]

    def score(k: int) -> float:
        labels = KMeans(k, n_init=1, random_state=seed).fit_predict(rows[sample])
        return float(silhouette_score(rows[sample], labels)) if len(set(labels)) > 1 else -1.0

    best = max(range(2, most + 1), key=score)
    labels = KMeans(best, n_init=3, random_state=seed).fit_predict(rows)
    order = [cluster for cluster, _ in Counter(labels.tolist()).most_common()]
    number = np.array([order.index(cluster) for cluster in labels], dtype=np.int64)
    middles = units(np.stack([rows[number == k].mean(0) for k in range(len(order))]))
    return number, np.asarray((rows * middles[number]).sum(1))


def terms(text: str) -> set[str]:
    """The words and pairs of neighbours in a text; of Chinese, runs of two and three characters."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = [word.lower() for word in LATIN.findall(CJK.sub(" ", text))]
    kept = {word for word in words if len(word) > 1 and word not in ENGLISH_STOP_WORDS}
    pairs = {f"{a} {b}" for a, b in pairwise(words) if a in kept and b in kept}
    runs = {run[i : i + n] for run in CJK.findall(text) for n in (2, 3) for i in range(len(run) - n + 1)}
    return kept | pairs | runs


def names(said: Sequence[set[str]], people: Sequence[str], theme: NDArray[np.int64]) -> list[list[str]]:
    """For each theme the terms that its comments use and the others do not."""
    return [_name(said, people, theme == number) for number in range(int(theme.max()) + 1)]


def _name(said: Sequence[set[str]], people: Sequence[str], inside: NDArray[np.bool_]) -> list[str]:
    here = Counter(term for one, mine in zip(said, inside, strict=True) if mine for term in one)
    there = Counter(term for one, mine in zip(said, inside, strict=True) if not mine for term in one)
    n_here, n_there = int(inside.sum()), int((~inside).sum())

    def weight(term: str) -> float:
        a, b = (here[term] + 0.5) / (n_here + 1), (there[term] + 0.5) / (n_there + 1)
        return float(a * np.log(a / b) * (1.15 if " " in term else 1.0))  # of equals, the pair says more

    users: dict[str, set[str]] = {term: set() for term in here}
    for who, one, mine in zip(people, said, inside, strict=True):
        for term in one if mine else ():
            users[term].add(who)
    chosen: list[str] = []
    for term in sorted(here, key=lambda term: (-weight(term), term)):
        if len(users[term]) >= FEWEST_PEOPLE and not any(term in other or other in term for other in chosen):
            chosen.append(term)
        if len(chosen) == LABEL_WORDS:
            break
    return chosen
