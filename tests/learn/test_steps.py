"""What a step of training sees, and that it is the step of plain PyTorch."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recux.learn import loop
from recux.learn.errors import TooFewExamples
from recux.learn.examples import HEADS, Examples
from recux.learn.heads import log_probabilities
from recux.learn.minibatches import by_area, plan_epoch
from recux.learn.recipe import Recipe
from recux.learn.training import train
from tests.learn.conftest import comments, everything, impressions
from tests.learn.test_guards import answers


def test_adalora_keeps_its_factors_orthogonal_as_peft_does_once_a_step(tmp_path: Path, tiny_recipe: Recipe) -> None:
    from recux.learn.means import item_means
    from recux.learn.rows import training_rows
    from recux.learn.training import build, data_of

    recipe = tiny_recipe.but(method="adalora", minibatch_tokens=10**6, minibatch_rows=10**6, dropout=0.0, clip=1e9)
    rows = training_rows(Examples(comments(30)).of("train"), item_means(()))

    def gradients(forward_tokens: int, weight: float) -> dict[str, torch.Tensor]:
        network, tokenizer, resolved = build(["satisfaction"], recipe.but(forward_tokens=forward_tokens))
        network.encoder.active_peft_config.orth_reg_weight = weight
        run = loop.Loop(network, data_of(rows, tokenizer, resolved), resolved, folder=tmp_path, fingerprint="f")
        run.gradients(run.plans[0][0])
        return {name: p.grad for name, p in run.learning()}

    whole, pieces, without = gradients(10**6, 0.5), gradients(40, 0.5), gradients(10**6, 0.0)
    network, _, _ = build(["satisfaction"], recipe)
    network.encoder.active_peft_config.orth_reg_weight = 0.5
    theirs = network.encoder.base_model
    theirs.model.forward = lambda: SimpleNamespace(loss=torch.zeros(()))  # peft adds to the loss of what it adapts
    theirs.forward().loss.backward()
    for name, parameter in network.named_parameters():
        if name in whole:
            added = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            assert torch.allclose(whole[name] - without[name], added, atol=1e-5), name
            assert torch.allclose(whole[name], pieces[name], atol=1e-5), name


def test_three_ratings_are_too_few_and_the_message_says_how_many_are_needed(tmp_path: Path, tiny_recipe: Recipe):
    few = Examples(comments(4)[:3])
    with pytest.raises(TooFewExamples, match="at least 20 needed; collect more"):
        train(few, tiny_recipe, out_dir=tmp_path)


def test_a_head_with_one_class_is_left_out_and_the_others_learn(tmp_path: Path, tiny_recipe: Recipe):
    ratings, behaviours = impressions(40)
    always = tuple(b.__class__(b.key, b.split, b.pair, click=True) for b in behaviours)
    result = train(Examples((), ratings, always), tiny_recipe.but(epochs=1), out_dir=tmp_path)
    assert list(result.heads) == ["rating"]
    assert "nothing to tell apart" in result.left_out["click"]


def test_held_out_people_teach_nothing(tmp_path: Path, tiny_recipe: Recipe):
    from dataclasses import replace

    given = everything()
    lied = tuple(e if e.split == "train" else replace(e, satisfaction=1.0, text="awful") for e in given.satisfaction)
    train(given, tiny_recipe, out_dir=tmp_path / "a")
    train(replace(given, satisfaction=lied), tiny_recipe, out_dir=tmp_path / "b")
    assert answers(tmp_path / "a") == answers(tmp_path / "b")


def test_every_row_is_in_one_minibatch_of_about_the_budget():
    lengths = np.array([random.Random(i).randint(2, 60) for i in range(700)])
    comments_only = np.zeros(700, dtype=bool)
    plan = plan_epoch(lengths, comments_only, budget=500, most=100, seed=0, epoch=3)
    assert sorted(np.concatenate(plan).tolist()) == list(range(700))
    sizes = np.array([lengths[m].sum() for m in plan])
    assert sizes.mean() == pytest.approx(500, rel=0.1)
    assert sizes.max() <= 500 + 2 * 60
    padded = sum(len(m) * lengths[m].max() for m in plan)
    assert lengths.sum() / padded > 0.9
    other = plan_epoch(lengths, comments_only, budget=500, most=100, seed=0, epoch=4)
    assert any(not np.array_equal(a, b) for a, b in zip(plan, other, strict=False))


def test_every_minibatch_has_its_share_of_comments_and_pairs():
    pairs = np.arange(600) >= 150
    lengths = np.where(pairs, 55, 12)
    plan = plan_epoch(lengths, pairs, budget=1000, most=32, seed=0, epoch=0)
    assert sorted(np.concatenate(plan).tolist()) == list(range(600))
    shares = [(~pairs[m]).sum() for m in plan]
    assert min(shares) >= 4
    assert max(shares) <= 8


def test_short_texts_still_give_enough_steps():
    lengths, pairs = np.full(300, 6), np.zeros(300, dtype=bool)
    assert len(plan_epoch(lengths, pairs, budget=2048, most=32, seed=0, epoch=0)) == 10


def test_pieces_of_a_minibatch_keep_to_the_area_and_part_long_from_short():
    lengths = np.array([50, 3, 20, 7, 31])
    pieces = list(by_area(np.arange(5), lengths, 60))
    assert sorted(np.concatenate(pieces).tolist()) == [0, 1, 2, 3, 4]
    assert all(len(p) == 1 or len(p) * lengths[p].max() <= 60 for p in pieces)
    mixed = list(by_area(np.arange(30), np.array([55] * 10 + [12] * 20), 8192))
    assert [len(p) for p in mixed] == [10, 20]


def test_heads_start_from_the_base_rates():
    from recux.learn.start import fitted_to

    stars = torch.tensor([1.0] * 10 + [2.0] * 20 + [4.0] * 30 + [5.0] * 40)
    _, bias = fitted_to("rating", torch.zeros(100, 0), stars, "corn")
    p = log_probabilities(bias[None], "corn").exp()[0]
    assert p.tolist() == pytest.approx([0.1, 0.2, 0.0, 0.3, 0.4], abs=0.02)


def test_heads_start_from_what_the_features_tell():
    from recux.learn.start import fitted_to

    torch.manual_seed(0)
    features = torch.randn(500, 3)
    clicks = (torch.rand(500) < torch.sigmoid(2 * features[:, 1] - 1)).float()
    weight, bias = fitted_to("click", features, clicks, "corn")
    assert weight[0].tolist() == pytest.approx([0, 2, 0], abs=0.5)
    assert float(bias) == pytest.approx(-1, abs=0.3)


def test_one_step_is_a_plain_pytorch_step(tmp_path: Path, tiny_recipe: Recipe):
    """The loop's gradient and update against AdamW written out by hand, on one minibatch with everything in it."""
    from recux.learn.means import item_means
    from recux.learn.rows import training_rows
    from recux.learn.training import build, data_of

    recipe = tiny_recipe.but(
        minibatch_tokens=10**6, minibatch_rows=10**6, epochs=1, dropout=0.0, warmup=0.0, clip=1e9, layer_decay=1.0
    )
    rows = training_rows(Examples(comments(30)).of("train"), item_means(()))
    network, tokenizer, resolved = build(["satisfaction"], recipe)
    plain, _, _ = build(["satisfaction"], recipe)
    run = loop.Loop(network, data_of(rows, tokenizer, resolved), resolved, folder=tmp_path, fingerprint="f")
    run.advance()
    coded = tokenizer(rows.texts, padding=True, return_tensors="pt")
    mask = coded["attention_mask"]
    states = plain.encoder(**coded).last_hidden_state
    pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    logits = plain.heads["satisfaction"](pooled)
    stars = torch.from_numpy(rows.labels[:, HEADS.index("satisfaction")])
    row_loss = torch.zeros(len(stars))
    for k in range(4):
        reached = stars >= k + 1
        climbed = (stars > k + 1).float()
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, k], climbed, reduction="none")
        row_loss = row_loss + each * reached
    row_loss.mean().backward()
    for (name, mine), (_, parameter) in zip(network.named_parameters(), plain.named_parameters(), strict=True):
        if parameter.grad is None:
            continue
        lr = recipe.head_lr if name.startswith("heads") else recipe.lr
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        g = parameter.grad
        expected = parameter.detach() * (1 - lr * decay) - lr * g / (g.abs() + 1e-8)  # first step of Adam
        settled = g.abs() > 1e-6  # below, rounding decides the sign
        assert torch.allclose(mine.detach()[settled], expected[settled], atol=2e-5), name
