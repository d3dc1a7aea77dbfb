"""Attention in bf16 on a CPU against PyTorch's own in fp32."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recux.learn import attention, packing
from recux.learn.attention import Attend, fits
from recux.learn.examples import HEADS
from recux.learn.heads import minibatch_loss
from recux.learn.network import Network
from recux.learn.packing import layout_of
from recux.learn.rows import PAIR_FEATURES
from recux.learn.weights import load_encoder


def relative(found: Tensor, wanted: Tensor) -> float:
    """The largest distance as a share of the largest value."""
    return float((found.detach().float() - wanted.detach()).abs().max() / wanted.detach().abs().max())


@pytest.mark.parametrize("hide", [False, True])
def test_values_and_gradients_are_those_of_exact_attention_up_to_bf16(hide: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    texts, heads, tokens, width = 3, 4, 17, 32
    q, k, v, towards = (torch.randn(texts * heads, tokens, width, generator=generator) for _ in range(4))
    mask = torch.ones(texts, 1, tokens, tokens, dtype=torch.bool)
    mask[1, :, :, 9:] = not hide
    hidden = torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(~mask, torch.finfo(torch.bfloat16).min)
    short = [x.bfloat16().requires_grad_() for x in (q, k, v)]
    exact = [x.detach().float().requires_grad_() for x in short]
    found = Attend.apply(*short, hidden if hide else None, width**-0.5)
    shaped = [x.view(texts, heads, tokens, width) for x in exact]
    wanted = functional.scaled_dot_product_attention(*shaped, attn_mask=mask).view_as(q)
    assert relative(found, wanted) < 0.03
    own = torch.autograd.grad(found, short, towards.bfloat16())
    reference = torch.autograd.grad(wanted, exact, towards)
    assert max(relative(a, b) for a, b in zip(own, reference, strict=True)) < 0.03


@pytest.mark.parametrize("hide", ["nothing", "keys", "pairs"])
@pytest.mark.parametrize("cached", [1, 5 * 17 * 17, 10**6])
def test_where_nothing_learns_pieces_give_the_same_values(
    hide: str, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "CACHED", cached)
    generator = torch.Generator().manual_seed(0)
    texts, heads, tokens, width = 3, 4, 17, 32
    q, k, v = (torch.randn(texts, heads, tokens, width, generator=generator).bfloat16() for _ in range(3))
    mask = torch.ones(texts, 1, tokens if hide == "pairs" else 1, tokens, dtype=torch.bool)
    if hide != "nothing":
        mask[0, ..., 3:] = mask[1, ..., 9:] = False
    if hide == "pairs":
        mask[2, 0] = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    hidden = torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(~mask, torch.finfo(torch.bfloat16).min)
    slices = (x.view(texts * heads, tokens, width) for x in (q, k, v))
    found = Attend.apply(*slices, None if hide == "nothing" else hidden, width**-0.5)
    wanted = functional.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask)
    assert relative(found, wanted.view_as(found)) < 0.01


def test_padding_changes_nothing_and_the_pieces_are_used() -> None:
    encoder = load_encoder("embedded").eval()
    ids = torch.randint(1000, 2000, (1, 9), generator=torch.Generator().manual_seed(0))
    padded = torch.cat([ids, torch.zeros(1, 5, dtype=torch.long)], 1)
    real = (padded > 0).long()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        bare = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        beside = encoder(input_ids=padded, attention_mask=real).last_hidden_state[:, :9]
    with torch.no_grad():
        exact = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    assert encoder.config._attn_implementation == attention.NAME
    assert relative(beside, bare.float()) < 0.03
    assert relative(bare, exact) < 0.05


def test_texts_end_to_end_give_what_padded_ones_give_and_the_same_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(load_encoder("embedded"), ["satisfaction"], ordinal="corn", dropout=0.0)
    ids = torch.randint(1000, 2000, (4, 19), generator=torch.Generator().manual_seed(0))
    real = torch.arange(19) < torch.tensor([19, 11, 3, 2])[:, None]
    types = torch.zeros_like(ids)
    types[0, 9:] = 1
    towards = torch.linspace(-1, 1, 4 * 384).view(4, 384)

    def found() -> tuple[Tensor, Tensor]:
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            pooled = network.pooled(ids * real, real, types)
        torch.autograd.backward((pooled * towards).sum())
        gradients = [p.grad.flatten() for p in network.encoder.parameters() if p.grad is not None]
        return pooled, torch.cat(gradients)

    laid = []
    monkeypatch.setattr(packing, "layout_of", lambda real: laid.append(layout_of(real)) or laid[-1])
    packed, own = found()
    assert laid[0].tokens == 35
    monkeypatch.setattr(packing, "packs", lambda *_: False)
    padded, reference = found()
    assert relative(packed, padded) < 0.02
    assert float((own - reference).norm() / reference.norm()) < 0.02


def test_only_a_plain_bert_in_bf16_is_packed() -> None:
    encoder, ids = load_encoder("embedded"), torch.ones(2, 5, dtype=torch.long)
    assert not packing.packs(encoder, ids)
    with torch.autocast("cpu", torch.bfloat16):
        assert packing.packs(encoder, ids)
        assert not packing.packs(torch.nn.Identity(), ids)
        assert not packing.packs(encoder, torch.ones(1, attention.LONGEST + 1, dtype=torch.long))


def test_anything_but_masked_bf16_is_left_to_pytorch() -> None:
    both_ways, causal = torch.nn.Module(), torch.nn.Module()
    both_ways.is_causal, causal.is_causal = False, True  # type: ignore[assignment]
    short = torch.zeros(2, 4, 6, 8, dtype=torch.bfloat16)
    mask = torch.ones(2, 1, 6, 6, dtype=torch.bool)
    assert fits(both_ways, short, short, mask, {})
    assert fits(causal, short, short, mask, {})  # the mask says what may be seen
    assert not fits(causal, short, short, None, {})
    assert not fits(both_ways, short.float(), short.float(), mask, {})
    assert not fits(both_ways, short, short[:, :, :3], mask, {})
    assert not fits(both_ways, short, short, mask.float(), {})
    assert not fits(both_ways, short, short, mask, {"dropout": 0.1})
    assert not fits(both_ways, short, short, mask, {"position_bias": short})


def test_off_the_cpu_a_pass_looks_at_no_values(tiny_model: Path) -> None:
    """A look would wait for a GPU. Tensors on the device ``meta`` have no values, and refuse every look."""
    network = Network(load_encoder(str(tiny_model)), ["rating", "click"], ordinal="corn", dropout=0.1).to("meta")
    ids, real = torch.zeros(3, 9, dtype=torch.long, device="meta"), torch.ones(3, 9, dtype=torch.bool, device="meta")
    logits = network(ids, real, ids, torch.zeros(3, PAIR_FEATURES, device="meta"))
    labels = torch.zeros(3, len(HEADS), device="meta")
    minibatch_loss(logits, labels, {"rating": 1.0, "click": 1.0}, "corn", 0.1).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    assert all(p.grad is not None for p in network.parameters())


def test_a_saved_encoder_names_no_attention_of_ours(tmp_path) -> None:
    load_encoder("embedded").save_pretrained(tmp_path)
    assert attention.NAME not in json.dumps(json.loads((tmp_path / "config.json").read_text())).split('"')
