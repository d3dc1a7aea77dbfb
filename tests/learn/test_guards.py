"""What training survives, and what it refuses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recux.learn import checkpoint, loop
from recux.learn.checkpoint import load_checkpoint, save_checkpoint
from recux.learn.device import resolve_precision
from recux.learn.errors import OutOfMemory, TrainingDiverged
from recux.learn.network import Network
from recux.learn.predictor import load
from recux.learn.recipe import Method, Recipe
from recux.learn.training import train
from tests.learn.conftest import comments, everything

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
