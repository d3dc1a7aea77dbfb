"""The clothing reviews as examples, with test rows that never change."""

import csv
import gzip
import hashlib

import numpy as np

from benchmarks.data import data_set
from recux.learn.examples import Examples, SatisfactionExample

REVIEWS = "womens_clothing/reviews.csv.gz"
TEST_SHARE = 0.2


def read_reviews() -> list[SatisfactionExample]:
    """All reviews with text; 20 % of the ids, by hash, are held out for ever."""
    with gzip.open(data_set(REVIEWS), "rt", encoding="utf-8", newline="") as stream:
        rows = [(r, f"{r['Title']} {r['Review Text']}".strip()) for r in csv.DictReader(stream)]
    return [
        SatisfactionExample(
            r["review_id"],
            r["review_id"],
            "heldout" if tested(r["review_id"]) else "train",
            text,
            float(r["Rating"]),
            r["Recommended IND"] == "1",
        )
        for r, text in rows
        if text
    ]


def tested(review_id: str) -> bool:
    """Whether a review is held out."""
    return int.from_bytes(hashlib.sha256(review_id.encode()).digest()[:4]) / 2**32 < TEST_SHARE


def sample(n_train: int, seed: int, n_test: int) -> Examples:
    """``n_train`` reviews drawn by ``seed`` and the first ``n_test`` held-out ones."""
    reviews = read_reviews()
    pool = [r for r in reviews if r.split == "train"]
    drawn = np.random.default_rng(seed).permutation(len(pool))[:n_train]
    held_out = [r for r in reviews if r.split == "heldout"][:n_test]
    return Examples((*(pool[i] for i in drawn), *held_out))
