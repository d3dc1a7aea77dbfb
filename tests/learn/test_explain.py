"""Which words moved a prediction: with weights that add up, and as they were written, whatever the tokenizer."""

from pathlib import Path

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import BertJapaneseTokenizer, RobertaTokenizer

from recux.learn.examples import Examples
from recux.learn.explain import Attribution, attribution
from recux.learn.jobs import write_job
from recux.learn.predictor import load
from recux.learn.run import run_job
from recux.learn.training import train
from recux.learn.weights import load_tokenizer
from tests.learn.conftest import BAD, FILLER, GOOD, comments
from tests.learn.test_encoders import recipe_for, saved


def explained(folder: Path, text: str) -> Attribution:
    return attribution(load(folder, device="cpu").scorer, text, "satisfaction")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    recipe = recipe_for(tiny_model, epochs=8, minibatch_tokens=256, lr=1e-3, freeze_embeddings=False)
    return train(Examples(comments(300)), recipe, out_dir=tmp_path_factory.mktemp("words")).folder


def test_good_words_raise_and_bad_words_lower_and_the_weights_add_up(folder: Path) -> None:
    found = explained(folder, "the lovely dress was great")
    assert found.words == ["the", "lovely", "dress", "was", "great"]
    for one in (found, explained(folder, "an awful dress")):
        assert sum(one.weights) == pytest.approx(one.value - one.baseline, abs=0.1)
        for word, weight in zip(one.words, one.weights, strict=True):
            if word in GOOD + BAD:
                assert (weight > 0) == (word in GOOD), word


def test_words_that_the_encoder_does_not_know_are_shown_as_they_were_written(folder: Path) -> None:
    chinese = explained(folder, "太慢了")
    assert chinese.words == ["太", "慢", "了"]
    assert all(weight != 0 for weight in chinese.weights)
    mixed = explained(folder, "Lovely 裙子, Ünbekannt हिन्दी \ud800")
    assert mixed.words == ["Lovely", "裙", "子", ",", "Ünbekannt", "हिन्दी"]


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa whose tokenizer has seen too little to know whole words, and no Chinese at all."""
    folder = tmp_path_factory.mktemp("bytes")
    learned = ByteLevelBPETokenizer()
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    learned.train_from_iterator(
        [" ".join(FILLER)] * 3, vocab_size=280, special_tokens=marks, min_frequency=2, show_progress=False
    )
    learned.save_model(str(folder))
    RobertaTokenizer.from_pretrained(folder).save_pretrained(folder / "base")
    base = saved("Roberta", folder / "base", folder / "base")
    recipe = recipe_for(base, epochs=4, lr=1e-3, minibatch_tokens=256, max_tokens=62, freeze_embeddings=False)
    return train(Examples(comments(150)), recipe, out_dir=folder / "out").folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A lovely dress, wasn't it?", ["A", "lovely", "dress", ",", "wasn", "'", "t", "it", "?"]),
        ("质量很好 awful", ["质", "量", "很", "好", "awful"]),
        (" naïve  🙂 ", ["naïve", "🙂"]),
    ],
)
def test_words_that_bytes_make_up_are_shown_as_they_were_written(byte_level: Path, text: str, words: list[str]) -> None:
    assert explained(byte_level, text).words == words


def test_weights_add_up_where_places_are_counted_from_behind_padding(byte_level: Path) -> None:
    scorer = load(byte_level, device="cpu").scorer
    with torch.no_grad():
        scorer.network.heads["satisfaction"].weight *= 30  # so much that where a word stands matters
    found = attribution(scorer, "the lovely dress was great", "satisfaction")
    assert abs(found.value - found.baseline) > 0.1
    assert sum(found.weights) == pytest.approx(found.value - found.baseline, rel=0.02)


def test_a_tokenizer_that_does_not_tell_places_shows_its_tokens(tmp_path: Path, tiny_model: Path) -> None:
    base = saved("Bert", tmp_path / "base", tiny_model)
    spoken = BertJapaneseTokenizer(str(tiny_model / "vocab.txt"), word_tokenizer_type="basic")
    for file in base.glob("tokenizer*"):
        file.unlink()
    spoken.save_pretrained(base)
    assert not load_tokenizer(str(base)).is_fast
    write_job(tmp_path / "job", Examples(comments(120)), recipe_for(base))
    run_job(tmp_path / "job")
    found = explained(tmp_path / "job" / "models" / "encoder" / "model", "lovely dresses 裙")
    assert found.words == ["lovely", "dresses", "[UNK]"]
    assert len(found.weights) == 3
