"""A tiny encoder with random weights, and examples whose labels can be learned from single words."""

import random
from pathlib import Path

import pytest

from recux.learn.examples import BehaviourExample, Examples, Pair, RatingExample, SatisfactionExample
from recux.learn.recipe import Recipe
from recux.learn.splits import split_of

GOOD = ["lovely", "great", "soft", "warm"]
BAD = ["awful", "torn", "cold", "cheap"]
FILLER = ["the", "dress", "shirt", "was", "and", "very", "it", "quite", "for", "me"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789.,:()"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *FILLER, *LETTERS, *(f"##{c}" for c in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(shape).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        base_model=str(tiny_model),
        device="cpu",
        precision="fp32",
        epochs=3,
        minibatch_tokens=256,
        lr=1e-3,
        tuning_share=0.0,
        max_tokens=32,
        freeze_embeddings=False,
    )


def comments(n: int, seed: int = 0) -> tuple[SatisfactionExample, ...]:
    rng = random.Random(seed)
    found = []
    for i in range(n):
        stars = rng.randint(1, 5)
        words = rng.sample(GOOD, stars - 1) + rng.sample(BAD, 5 - stars) + rng.choices(FILLER, k=rng.randint(2, 12))
        rng.shuffle(words)
        person = f"p{i // 3}"
        found.append(
            SatisfactionExample(f"c{i}", person, split_of(person, "salt"), " ".join(words), float(stars), stars >= 4)
        )
    return tuple(found)


def impressions(
    people: int, each: int = 6, seed: int = 0
) -> tuple[tuple[RatingExample, ...], tuple[BehaviourExample, ...]]:
    rng = random.Random(seed)
    ratings, behaviours = [], []
    for p in range(people):
        person, earlier = f"p{p}", ()
        for k in range(each):
            item = rng.randrange(12)
            stars = min(5, max(1, (4 if item % 2 else 2) + rng.randint(-1, 1)))
            word = GOOD[item % 4] if item % 2 else BAD[item % 4]
            pair = Pair(person, f"i{item}", "for me", f"dress {word}", earlier, k + 1)
            split = split_of(person, "salt")
            ratings.append(RatingExample(f"r{p}-{k}", split, pair, float(stars)))
            behaviours.append(BehaviourExample(f"b{p}-{k}", split, pair, click=stars >= 4 or rng.random() < 0.1))
            earlier = (*earlier, float(stars))
    return tuple(ratings), tuple(behaviours)


def everything(n: int = 150, people: int = 40) -> Examples:
    return Examples(comments(n), *impressions(people))
