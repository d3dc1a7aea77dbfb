"""Encoders of other families than the embedded one: what fits them, and what is refused before any training."""

from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoTokenizer, BertConfig, BertModel

from recux.learn.adapters import adapted
from recux.learn.errors import MethodUnfit, WeightsCorrupt, WeightsMissing
from recux.learn.examples import Examples
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.training import build, train
from recux.learn.weights import load_encoder, load_tokenizer
from tests.learn.conftest import comments, everything

PLAIN = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
OWN = {
    "DistilBert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64},
    "Albert": PLAIN | {"embedding_size": 16},
    "DebertaV2": PLAIN | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "ModernBert": PLAIN | {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3},
}


def saved(family: str, folder: Path, tokenizer: Path, **more: object) -> Path:
    """A tiny encoder of ``family`` with random weights beside a copy of the tokenizer."""
    spoken = AutoTokenizer.from_pretrained(tokenizer)
    spoken.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {**OWN.get(family, PLAIN), **more}
    config = getattr(transformers, f"{family}Config")(vocab_size=len(spoken) + 1, **shape)
    getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
    return folder


def recipe_for(folder: Path, **more: object) -> Recipe:
    return Recipe(base_model=str(folder), device="cpu", precision="fp32", epochs=1, max_tokens=32).but(**more)


@pytest.mark.parametrize("family", ["Bert", "DistilBert", "XLMRoberta", "ModernBert", "Electra", "Albert", "MPNet"])
def test_ia3_finds_what_to_rescale_and_works_its_change_into_the_weights(
    family: str, tmp_path: Path, tiny_model: Path
) -> None:
    encoder = load_encoder(str(saved(family, tmp_path, tiny_model)))
    given = {"input_ids": torch.randint(5, 60, (2, 9)), "attention_mask": torch.ones(2, 9, dtype=torch.long)}
    changed = adapted(encoder, recipe_for(tmp_path, method="ia3"))
    learning = {name: p for name, p in changed.named_parameters() if p.requires_grad}
    assert {p.numel() for p in learning.values()} >= {64}  # what goes into the end of a feed-forward block
    with torch.no_grad():
        before = changed(**given).last_hidden_state
        for parameter in learning.values():
            parameter.add_(0.2 * torch.randn_like(parameter))
        after = changed(**given).last_hidden_state
        merged = changed.merge_and_unload()(**given).last_hidden_state
    assert not torch.allclose(before, after, atol=1e-3)
    assert torch.allclose(after, merged, atol=1e-5)


@pytest.mark.parametrize("family", ["DistilBert", "ModernBert", "Albert", "DebertaV2", "MPNet"])
def test_a_prefix_is_refused_before_training_where_the_encoder_has_no_place_for_it(
    family: str, tmp_path: Path, tiny_model: Path
) -> None:
    recipe = recipe_for(saved(family, tmp_path / "base", tiny_model), method="prefix", adapter_rank=4)
    with pytest.raises(MethodUnfit, match=r"'prefix' does not go with .*; take one of full, lora, adalora"):
        train(everything(60), recipe, out_dir=tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_a_prefix_is_taken_where_the_encoder_heeds_it(family: str, tmp_path: Path, tiny_model: Path) -> None:
    recipe = recipe_for(saved(family, tmp_path / "base", tiny_model), method="prefix", adapter_rank=4)
    folder = train(everything(60), recipe, out_dir=tmp_path / "out").folder
    assert load(folder, device="cpu").satisfaction(["lovely"])[0]["predicted"] in range(1, 6)


@pytest.mark.parametrize(
    ("family", "method", "room"),
    [("Bert", "full", 64), ("Roberta", "full", 62), ("MPNet", "full", 62), ("Bert", "prefix", 60)],
)
def test_texts_are_cut_to_the_places_that_the_encoder_has(
    family: str, method: str, room: int, tmp_path: Path, tiny_model: Path
) -> None:
    base = saved(family, tmp_path / "base", tiny_model)
    recipe = recipe_for(base, method=method, adapter_rank=4, max_tokens=256)
    long = tuple(
        type(e)(e.key, e.participant, e.split, f"{e.text} " * 20, e.satisfaction, e.recommend) for e in comments(60)
    )
    result = train(Examples(long), recipe, out_dir=tmp_path / "out")
    assert result.recipe.max_tokens == room
    assert load(result.folder, device="cpu").satisfaction(["lovely " * 500])[0]["predicted"] in range(1, 6)


def test_a_prefix_must_leave_room_for_text(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(MethodUnfit, match=r"a prefix of 60 tokens .* that takes 64; lower adapter_rank"):
        build(["satisfaction"], recipe_for(tiny_model, method="prefix", adapter_rank=60))


def test_a_bert_with_one_kind_of_text_reads_pairs_in_bf16(tmp_path: Path, tiny_model: Path) -> None:
    base = saved("Bert", tmp_path / "base", tiny_model, type_vocab_size=1)
    result = train(everything(60), recipe_for(base, precision="bf16"), out_dir=tmp_path / "out")
    assert "rating" in result.heads


@pytest.mark.parametrize("family", ["Bert", "Roberta", "MPNet"])
def test_a_folder_without_a_tokenizer_is_refused(family: str, tmp_path: Path, tiny_model: Path) -> None:
    whole = saved(family, tmp_path / "whole", tiny_model)
    (tmp_path / "bare").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "bare" / name).write_bytes((whole / name).read_bytes())
    with pytest.raises((WeightsMissing, WeightsCorrupt), match="tokenizer"):
        train(everything(60), recipe_for(tmp_path / "bare"), out_dir=tmp_path / "out")


def test_a_tokenizer_that_knows_more_than_the_encoder_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path)
    BertModel(BertConfig(vocab_size=40, **PLAIN)).save_pretrained(tmp_path)
    known = len(load_tokenizer(str(tmp_path)))
    with pytest.raises(WeightsCorrupt, match=f"knows {known} tokens, but its encoder has embeddings of only 40"):
        build(["satisfaction"], recipe_for(tmp_path))
