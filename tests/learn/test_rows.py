"""What becomes a training row, and what its labels are."""

from dataclasses import replace

import numpy as np

from recux.learn.examples import HEADS, BehaviourExample, Examples, Pair, RatingExample
from recux.learn.means import item_means
from recux.learn.rows import training_rows

PAIR = Pair("ann", "i1", "for me", "a dress")


def rows_of(ratings=(), behaviours=()):
    """(position, rating, click) of each training row; None for no label."""
    rated = tuple(RatingExample(f"r{n}", "train", PAIR, stars) for n, stars in enumerate(ratings))
    done = tuple(
        BehaviourExample(f"b{n}", "train", replace(PAIR, position=position), click=click)
        for n, (position, click) in enumerate(behaviours)
    )
    rows = training_rows(Examples(rating=rated, behaviour=done), item_means(()))
    places = [round(1 / x) if x else None for x in rows.features[:, 2].tolist()]
    labels = rows.labels[:, [HEADS.index("rating"), HEADS.index("click")]]
    told = [[None if np.isnan(one) else float(one) for one in row] for row in labels]
    return [(place, *row) for place, row in zip(places, told, strict=True)]


def test_a_rating_and_an_impression_of_the_same_texts_share_a_row():
    assert rows_of([4.0], [(2, True)]) == [(2, 4.0, 1.0)]


def test_an_item_that_is_shown_again_is_a_row_each_time():
    assert rows_of([4.0], [(1, True), (5, False)]) == [(1, 4.0, 1.0), (5, None, 0.0)]
    assert rows_of([], [(1, True), (1, False)]) == [(1, None, 1.0), (1, None, 0.0)]


def test_two_ratings_of_the_same_texts_are_two_rows():
    assert rows_of([1.0, 5.0], [(3, False)]) == [(3, 1.0, 0.0), (None, 5.0, None)]
