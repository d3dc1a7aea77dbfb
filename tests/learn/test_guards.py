"""What training survives, and what it refuses."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recux.learn import checkpoint, loop
from recux.learn.checkpoint import load_checkpoint, save_checkpoint
from recux.learn.device import resolve_precision
from recux.learn.errors import OutOfMemory, TooFewExamples, TrainingDiverged
from recux.learn.examples import HEADS, Examples
from recux.learn.heads import log_probabilities
from recux.learn.minibatches import by_area, plan_epoch
from recux.learn.network import Network
from recux.learn.predictor import load
from recux.learn.recipe import Method, Recipe
from recux.learn.training import train
from tests.learn.conftest import comments, everything, impressions

TEXTS = ["a lovely dress", "an awful, torn shirt", ""]


def answers(folder: Path) -> list[list[float]]:
    return [row["probabilities"] for row in load(folder / "model", device="cpu").satisfaction(TEXTS)]


class Killed(Exception):
    """Stands for a kill: the step's checkpoint is not written yet."""


def kill_after(steps: int):
    left = [steps]

    def tell(_: loop.Progress) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return tell


def test_all_heads_learn_and_training_is_deterministic_by_seed(tmp_path: Path, tiny_recipe: Recipe):
    first = train(everything(), tiny_recipe, out_dir=tmp_path / "a")
    train(everything(), tiny_recipe, out_dir=tmp_path / "b")
    assert set(first.heads) == {"satisfaction", "recommend", "rating", "click"}
    assert first.left_out == {"purchase": "0 labelled examples, at least 20 needed; collect more"}
    assert first.history[-1]["loss"] < first.history[0]["loss"]
    assert answers(tmp_path / "a") == answers(tmp_path / "b")
    train(everything(), tiny_recipe.but(seed=1), out_dir=tmp_path / "c")
    assert answers(tmp_path / "a") != answers(tmp_path / "c")


@pytest.mark.parametrize(("method", "precision"), [("full", "fp32"), ("full", "bf16"), ("adalora", "fp32")])
def test_a_killed_run_goes_on_to_the_very_same_weights(
    method: Method, precision: str, tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loop, "TELL_SECONDS", -1.0)
    recipe = tiny_recipe.but(
        tuning_share=0.3, min_tuning_rows=5, method=method, precision=precision, checkpoint_seconds=0.0
    )
    whole = train(everything(), recipe, out_dir=tmp_path / "whole")
    for steps in (1, 2, 5):
        with pytest.raises(Killed):
            train(everything(), recipe, out_dir=tmp_path / "parts", progress=kill_after(steps))
    parts = train(everything(), recipe, out_dir=tmp_path / "parts")
    assert parts.history == whole.history
    assert answers(tmp_path / "parts") == answers(tmp_path / "whole")


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


def test_a_finished_run_is_not_repeated(tmp_path: Path, tiny_recipe: Recipe):
    result = train(everything(), tiny_recipe, out_dir=tmp_path)
    steps = []
    assert train(everything(), tiny_recipe, out_dir=tmp_path, progress=steps.append) == result
    assert steps == []


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path):
    save_checkpoint(tmp_path, {"step": 1}, fingerprint="f", step=1)
    save_checkpoint(tmp_path, {"step": 2}, fingerprint="f", step=2)
    newest = tmp_path / "checkpoint-00000002.pt"
    newest.write_bytes(newest.read_bytes()[:-20] + b"\0" * 20)
    assert load_checkpoint(tmp_path, "f") == {"step": 1}
    (tmp_path / "checkpoint-00000001.pt").unlink()
    assert load_checkpoint(tmp_path, "f") is None


def test_a_checkpoint_of_another_job_is_not_used(tmp_path: Path):
    save_checkpoint(tmp_path, {"step": 1}, fingerprint="f", step=1)
    assert load_checkpoint(tmp_path, "g") is None


FULL = """
import resource, sys
from pathlib import Path
import torch
from recux.learn.checkpoint import save_checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # PyTorch meets what it meets on a full disk
try:
    save_checkpoint(Path(sys.argv[1]), {"step": torch.ones(100_000)}, fingerprint="f", step=2)
except OSError:
    print("refused", end="")
"""


def test_a_full_disk_while_writing_leaves_the_last_checkpoint(tmp_path: Path):
    save_checkpoint(tmp_path, {"step": 1}, fingerprint="f", step=1)
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=False, capture_output=True, text=True)
    assert done.stdout == "refused"
    assert load_checkpoint(tmp_path, "f") == {"step": 1}
    assert not list(tmp_path.glob(".*tmp"))


def test_a_kill_in_the_middle_of_writing_leaves_the_last_checkpoint(tmp_path: Path):
    save_checkpoint(tmp_path, {"step": 1}, fingerprint="f", step=1)
    if (child := os.fork()) == 0:

        def killed(_: object, file: Path) -> None:
            file.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

        checkpoint.torch.save = killed
        save_checkpoint(tmp_path, {"step": 2}, fingerprint="f", step=2)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert [file.read_bytes() for file in tmp_path.glob(".*tmp")] == [b"half"]
    assert load_checkpoint(tmp_path, "f") == {"step": 1}
    save_checkpoint(tmp_path, {"step": 2}, fingerprint="f", step=2)
    assert load_checkpoint(tmp_path, "f") == {"step": 2}


def test_training_goes_on_where_no_checkpoint_can_be_written(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    train(everything(), tiny_recipe, out_dir=tmp_path / "whole")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop, "save_checkpoint", full)
    train(everything(), tiny_recipe.but(checkpoint_seconds=0.0), out_dir=tmp_path / "full")
    assert answers(tmp_path / "full") == answers(tmp_path / "whole")
    assert "No space left on device" in caplog.text


def test_a_nan_without_any_checkpoint_to_go_back_to_says_so(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop, "save_checkpoint", full)
    spoil_loss(monkeypatch, {4})
    with pytest.raises(TrainingDiverged, match="no checkpoint to go back to; free disk space"):
        train(everything(), tiny_recipe, out_dir=tmp_path)


def test_slow_disks_get_fewer_checkpoints(tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch):
    written, real = [], loop.save_checkpoint

    def slow(*arguments: Any, step: int, **options: Any) -> None:
        written.append(step)
        time.sleep(0.2)  # a fiftieth of ten seconds, more than this training takes
        real(*arguments, step=step, **options)

    monkeypatch.setattr(loop, "save_checkpoint", slow)
    train(everything(), tiny_recipe.but(checkpoint_seconds=0.001), out_dir=tmp_path)
    assert written == [0]


def test_progress_tells_how_many_tokens_are_left(tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "TELL_SECONDS", -1.0)
    told: list[loop.Progress] = []
    result = train(everything(), tiny_recipe, out_dir=tmp_path, progress=told.append)
    left = [p.seconds_left * p.tokens_per_second for p in told]
    assert left[-1] == 0
    assert left[result.steps // 3 - 1] == pytest.approx(2 / 3 * result.tokens_seen)  # after the first of three epochs
    assert left == sorted(left, reverse=True)


def spoil_loss(monkeypatch: pytest.MonkeyPatch, calls: set[int]):
    real, count = loop.minibatch_loss, [0]

    def spoiled(*arguments: object) -> torch.Tensor:
        count[0] += 1
        return real(*arguments) * (float("nan") if count[0] in calls else 1.0)

    monkeypatch.setattr(loop, "minibatch_loss", spoiled)


def test_a_nan_sends_training_back_at_half_the_learning_rate(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    spoil_loss(monkeypatch, {4})
    told = []
    monkeypatch.setattr(loop, "TELL_SECONDS", 0.0)
    result = train(everything(), tiny_recipe, out_dir=tmp_path, progress=told.append)
    assert [p.loss for p in told].count(None) == 1  # progress never shows a number that is none
    assert result.restarts == 1
    assert np.isfinite([e["loss"] for e in result.history]).all()
    assert np.isfinite(answers(tmp_path)).all()


def test_a_nan_between_two_looks_is_in_no_checkpoint_and_not_in_the_model(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    """On a GPU a look waits for the device, so there are steps that nobody looks at."""
    spoil_loss(monkeypatch, {5})
    real = loop.Loop.__init__

    def seldom(self: loop.Loop, *arguments: object, **options: object) -> None:
        real(self, *arguments, **options)
        self.look_every = 1000

    monkeypatch.setattr(loop.Loop, "__init__", seldom)
    result = train(everything(), tiny_recipe.but(checkpoint_seconds=0.0), out_dir=tmp_path)
    assert result.restarts == 1
    assert np.isfinite([e["loss"] for e in result.history]).all()
    assert np.isfinite(answers(tmp_path)).all()


def test_endless_nan_is_an_error_that_names_the_remedy(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    spoil_loss(monkeypatch, set(range(1, 100)))
    with pytest.raises(TrainingDiverged, match="lower `lr`"):
        train(everything(), tiny_recipe, out_dir=tmp_path)


def limit_memory(monkeypatch: pytest.MonkeyPatch, rows: int):
    real = loop.Loop.logits

    def limited(self: loop.Loop, minibatch: np.ndarray) -> dict[str, torch.Tensor]:
        if len(minibatch) > rows:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return real(self, minibatch)

    monkeypatch.setattr(loop.Loop, "logits", limited)


def test_out_of_memory_halves_the_pass_and_keeps_the_minibatch(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    recipe = tiny_recipe.but(dropout=0.0, epochs=1)
    whole = train(everything(), recipe, out_dir=tmp_path / "whole")
    limit_memory(monkeypatch, 6)
    parts = train(everything(), recipe, out_dir=tmp_path / "parts")
    assert parts.steps == whole.steps
    assert np.allclose(answers(tmp_path / "parts"), answers(tmp_path / "whole"), atol=1e-4)


def test_one_text_that_does_not_fit_is_an_error(tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch):
    limit_memory(monkeypatch, 0)
    with pytest.raises(OutOfMemory, match="lower max_tokens"):
        train(everything(), tiny_recipe, out_dir=tmp_path)


def test_an_optimiser_that_does_not_fit_says_what_to_change(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")

    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(OutOfMemory, match=r"numbers need to learn does not fit .* set freeze_layers or method"):
        train(everything(), tiny_recipe, out_dir=tmp_path)


def test_out_of_memory_halves_what_is_scored_and_what_tunes(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    recipe = tiny_recipe.but(epochs=1, tuning_share=0.3, min_tuning_rows=5)
    whole = train(everything(), recipe, out_dir=tmp_path / "whole")
    texts = [c.text for c in comments(50)]
    expected = load(tmp_path / "whole" / "model", device="cpu").scorer.raw(texts)["satisfaction"]
    real = Network.forward

    def limited(self: Network, ids: torch.Tensor, *others: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(ids) > 3 and not self.training:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 99 bytes")
        return real(self, ids, *others)

    monkeypatch.setattr(Network, "forward", limited)
    parts = train(everything(), recipe, out_dir=tmp_path / "parts")
    assert parts.history[0]["tuning_loss"] == pytest.approx(whole.history[0]["tuning_loss"], rel=1e-5)
    found = load(tmp_path / "parts" / "model", device="cpu").scorer.raw(texts)["satisfaction"]
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_single_text_that_cannot_be_scored_is_an_error(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
):
    train(everything(60), tiny_recipe.but(epochs=1), out_dir=tmp_path)
    scorer = load(tmp_path / "model", device="cpu").scorer

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Network, "forward", full)
    with pytest.raises(OutOfMemory, match="one text does not fit into memory"):
        scorer.raw(TEXTS)


def test_only_a_gpu_that_has_bf16_computes_in_it(monkeypatch: pytest.MonkeyPatch):
    """Older ones emulate it, slower than fp32."""
    for has in (True, False):
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation=True, has=has: has or including_emulation
        )
        assert resolve_precision("auto", torch.device("cuda")) == ("bf16" if has else "fp32")


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
