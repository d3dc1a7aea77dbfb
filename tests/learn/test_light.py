"""What callers use without paying for torch: imports, splits, templates, recipes, examples."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recux.errors import InvalidInput
from recux.learn.examples import Examples, Pair, RatingExample, SatisfactionExample, scored_ratings, star
from recux.learn.recipe import Recipe, default_recipe
from recux.learn.splits import duplicates_to_drop, split_of
from recux.learn.templates import PastRating, item_text, participant_text


def test_light_modules_import_nothing_heavy():
    code = (
        "import sys, recux.learn, recux.learn.recipe, recux.learn.examples, recux.learn.jobs, recux.learn.predictor,"
        " recux.learn.champion, recux.learn.splits, recux.learn.templates;"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'streamlit', 'sqlmodel', 'dbos') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_split_never_changes_and_has_the_stated_shares():
    sides = [split_of(f"person {i}", "salt") for i in range(20_000)]
    assert sides == [split_of(f"person {i}", "salt") for i in range(20_000)]
    assert sides.count("train") / 20_000 == pytest.approx(0.70, abs=0.015)
    assert sides.count("heldout") / 20_000 == pytest.approx(0.15, abs=0.01)
    # The very first ids, so that no later version moves anybody.
    assert [split_of(p, "s") for p in ("ann", "bob", "cy", "dee", "eve")] == [
        "train",
        "train",
        "train",
        "audit",
        "train",
    ]


def test_another_salt_gives_another_split():
    assert [split_of(f"{i}", "a") for i in range(50)] != [split_of(f"{i}", "b") for i in range(50)]


def test_a_training_copy_of_a_tested_text_is_dropped():
    rows = [("1", "train", "Too  SMALL"), ("2", "heldout", "too small"), ("3", "train", "fine"), ("4", "audit", "")]
    assert duplicates_to_drop([*rows, ("5", "train", " ")]) == {"1"}


def test_a_model_learns_from_no_text_that_it_is_tested_on():
    told = [
        ("1", "train", "Too  SMALL"),
        ("2", "heldout", "too small"),
        ("3", "train", "fine"),
        ("4", "audit", "fine!"),
    ]
    given = Examples(tuple(SatisfactionExample(key, key, split, text, 4.0) for key, split, text in told))
    assert [e.key for e in given.taught().satisfaction] == ["3"]


MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def past(title: str, rating: float, days: float) -> PastRating:
    return PastRating(title, "Dresses", rating, MOMENT + timedelta(days=days))


def test_a_participants_text_knows_only_what_came_strictly_before():
    history = [past("Old", 5, -2), past("Newer", 1, -1), past("Same moment", 5, 0), past("Later", 5, 1)]
    text = participant_text(cohort="new", interests=["jazz"], history=history, moment=MOMENT)
    expected = (
        "Mean rating 3.0 of 5 from 2. Group: new. Interests: jazz. Liked: Old (Dresses). Disliked: Newer (Dresses)."
    )
    assert text == expected


def test_newest_ratings_come_first():
    history = [past("first", 5, -3), past("second", 5, -2), past("third", 4, -1)]
    text = participant_text(history=history, moment=MOMENT)
    assert text.index("third") < text.index("second") < text.index("first")


def test_chinese_has_its_own_words_and_an_unknown_language_gets_english():
    assert participant_text(language="zh_CN", interests=["电影"]) == "兴趣:电影。"
    assert participant_text(language="fr", interests=["film"]) == "Interests: film."
    assert participant_text(language="en") == "Nothing known yet."


def test_an_items_text_puts_its_title_first():
    text = item_text(title="Blue dress.", category="Dresses", tags=["soft"], price=19.5, description="Long.")
    assert text == "Blue dress. Category: Dresses. Tags: soft. Price: 19.5. Long."


def test_a_recipe_survives_its_dictionary_and_refuses_unknown_settings():
    recipe = default_recipe(300, "cpu", seed=7)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    with pytest.raises(InvalidInput, match="unknown setting 'learning_rate'"):
        Recipe.from_dict({"learning_rate": 1})
    with pytest.raises(InvalidInput, match="method is 'magic'"):
        Recipe(method="magic")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"seed": -1}, "seed is -1, must be from 0 to 4294967295"),
        ({"epochs": 0}, "epochs is 0, must be at least 1"),
        ({"dropout": 2}, "dropout is 2, must be from 0 to 1"),
        ({"lr": float("nan")}, "lr is nan, must be from 0 to 1"),
        ({"clip": float("inf")}, "clip is inf, must be from 0.001 to"),
        ({"epochs": 2.5}, "epochs is 2.5, must be of type int"),
        ({"freeze_embeddings": 1}, "freeze_embeddings is 1, must be of type bool"),
        ({"ordinal": "coral"}, "ordinal is 'coral', must be one of corn, cross_entropy"),
        ({"device": "gpu"}, "device is 'gpu', must be auto, cpu, cuda, cuda:N or mps"),
        ({"head_weights": {"satisfied": 1.0}}, "for some of satisfaction, recommend, rating, click, purchase"),
        ({"head_weights": {"rating": float("nan")}}, "head_weights is {'rating': nan}, must be numbers from 0 on"),
    ],
)
def test_a_recipe_refuses_what_cannot_be_meant_with_the_setting_its_value_and_what_may_stand_there(
    setting: dict[str, Any], said: str
):
    for made in (Recipe.from_dict, lambda values: default_recipe(100).but(**values)):
        with pytest.raises(InvalidInput, match=re.escape(said)):
            made(setting)


def test_a_gpu_learns_in_the_minibatches_of_a_cpu():
    for n in (300, 5000):
        cpu, gpu = default_recipe(n, "cpu"), default_recipe(n, "cuda")
        assert gpu.but(device="cpu", forward_tokens=cpu.forward_tokens, max_rows=cpu.max_rows) == cpu


def test_stars_round_half_up():
    assert [star(v) for v in (1.0, 1.49, 1.5, 2.5, 4.5, 5.0)] == [1, 1, 2, 3, 5, 5]


def test_first_ratings_of_a_person_are_history_and_only_later_ones_are_scored():
    def rating(person: str, k: int) -> RatingExample:
        return RatingExample(f"{person}{k}", "heldout", Pair(person, f"i{k}", "", "", (3.0,) * k), 4.0)

    rows = (*(rating("a", k) for k in range(8)), *(rating("b", k) for k in range(3)), rating("c", 0))
    assert {e.key for e in scored_ratings(rows)} == {"a3", "a4", "a5", "a6", "a7", "b1", "b2", "c0"}
