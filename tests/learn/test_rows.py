"""What becomes a training row, what its labels are, and what is said when there are too few."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recux.learn.errors import TooFewExamples
from recux.learn.examples import HEADS, BehaviourExample, Examples, Pair, RatingExample, SatisfactionExample
from recux.learn.means import item_means
from recux.learn.recipe import Recipe
from recux.learn.rows import training_rows
from recux.learn.training import train

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


def said_of(examples: Examples, folder: Path, recipe: Recipe) -> str:
    with pytest.raises(TooFewExamples) as problem:
        train(examples, recipe, out_dir=folder)
    return str(problem.value)


def test_what_nearly_all_did_is_said_as_yes_or_no_and_in_stars(tmp_path: Path, tiny_recipe: Recipe):
    pairs = [replace(PAIR, item=f"i{n}", position=1) for n in range(40)]
    done = tuple(BehaviourExample(f"b{n}", "train", p, click=n > 0, purchase=n == 0) for n, p in enumerate(pairs))
    rated = tuple(RatingExample(f"r{n}", "train", p, 4.0) for n, p in enumerate(pairs))
    said = said_of(Examples(rating=rated, behaviour=done), tmp_path, tiny_recipe)
    assert "purchase: nearly all 40 examples are labelled no, so" in said
    assert "click: nearly all 40 examples are labelled yes, so" in said
    assert "rating: nearly all 40 examples are labelled 4, so" in said


def test_comments_that_are_left_out_for_their_words_are_counted(tmp_path: Path, tiny_recipe: Recipe):
    told = tuple(
        SatisfactionExample(f"c{n}", f"p{n}", "heldout" if n % 6 < 2 else "train", ("bad", "good")[n % 2], 1.0 + n % 2)
        for n in range(120)
    )
    extra = SatisfactionExample("own", "p3", "train", "in my own words", 5.0)
    said = said_of(Examples((*told, extra)), tmp_path, tiny_recipe)
    assert "satisfaction: 81 labelled comments, 80 left out because the same words stand on a testing side" in said
    assert "rating: 0 labelled examples, at least 20 needed; collect more" in said
