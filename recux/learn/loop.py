"""The training loop with its guards: resume, out-of-memory back-off, non-finite values, early stopping."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recux.learn.adapters import adapter_state, add_orthogonality, after_step, restore_adapter
from recux.learn.checkpoint import load_checkpoint, save_checkpoint
from recux.learn.device import autocast, in_parts, is_out_of_memory, moved
from recux.learn.encode import Tokens, padded
from recux.learn.errors import OutOfMemory, TrainingDiverged
from recux.learn.examples import HEADS
from recux.learn.heads import minibatch_loss
from recux.learn.minibatches import Rows, by_area, plan_epoch
from recux.learn.network import Network
from recux.learn.optimise import make_optimiser, schedule, set_rates
from recux.learn.recipe import Recipe
from recux.learn.together import ALONE, Team

MAX_RESTARTS = 3
SAVING_SHARE = 0.02
"""Share of the time that writing checkpoints may take."""
TELL_SECONDS = 0.5
"""Time between two reports of progress."""
GPU_CHECK_EVERY = 20
"""Steps between looks at the loss on a GPU: each look waits for the device."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is."""

    stage: str
    step: int
    of: int
    loss: float | None = None
    held_out: float | None = None
    """The last tuning loss."""
    tokens_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """Tokenised rows and their labels."""

    tokens: Tokens
    labels: Tensor  # (n, heads)
    features: Tensor  # (n, PAIR_FEATURES)
    pairs: NDArray[np.bool_]  # (n,) True for a participant with an item, False for a comment
    learn: NDArray[np.int64]
    tune: NDArray[np.int64]
    pad: int
    """Token id that fills up short rows; it is masked, so any will do."""


class Loop:
    """One training run and its state; ``state`` and ``restore`` are what a checkpoint holds."""

    def __init__(
        self,
        network: Network,
        data: Data,
        recipe: Recipe,
        *,
        folder: Path,
        fingerprint: str,
        team: Team = ALONE,
    ) -> None:
        self.network, self.data, self.recipe, self.team = network, data, recipe, team
        self.folder, self.fingerprint = folder, fingerprint
        self.device = next(network.parameters()).device
        self.optimiser = make_optimiser(network, recipe)
        self.plans = [self.plan(epoch) for epoch in range(recipe.epochs)]
        self.steps = sum(map(len, self.plans))
        self.tokens = recipe.epochs * int(data.tokens.lengths[data.learn].sum())
        self.scale = {h: self.head_scale(h) for h in network.heads}
        self.forward_tokens = recipe.forward_tokens
        self.look_every = 1 if self.device.type == "cpu" else GPU_CHECK_EVERY
        self.step = self.epoch = self.tokens_seen = self.restarts = self.stale = 0
        self.lr_share = 1.0
        self.seconds_before = self.saving = 0.0
        self.best_loss = float("inf")
        self.best: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []
        self.tokens_per_second = 0.0
        self.epoch_loss = torch.zeros((), device=self.device)

    def plan(self, epoch: int) -> list[Rows]:
        """The minibatches of one epoch."""
        rows = self.data.learn
        planned = plan_epoch(
            self.data.tokens.lengths[rows],
            self.data.pairs[rows],
            budget=self.recipe.minibatch_tokens,
            most=self.recipe.minibatch_rows,
            seed=self.recipe.seed,
            epoch=epoch,
        )
        return [rows[minibatch] for minibatch in planned]

    def head_scale(self, head: str) -> float:
        """The head's weight divided by the labelled rows of an average minibatch."""
        labels = self.data.labels[self.data.learn, HEADS.index(head)]
        per_minibatch = float((~torch.isnan(labels)).sum()) / max(1, len(self.plans[0]))
        return self.recipe.head_weights.get(head, 1.0) / max(per_minibatch, 1.0)

    def learning(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The parameters that learn, by name."""
        return [(name, p) for name, p in self.network.named_parameters() if p.requires_grad]

    def run(self, progress: Callable[[Progress], None] | None) -> None:
        """Train to the end, from the last checkpoint when there is one; else the state before the first step is one."""
        if state := self.last_state():
            self.restore(state)
        elif self.team.leads:
            self.save(0.0)
        saved_at = told_at = time.monotonic()
        began, seen = time.monotonic(), self.tokens_seen
        while self.step < self.steps and self.stale <= self.recipe.patience:
            loss = self.advance()
            now = time.monotonic()
            self.tokens_per_second = (self.tokens_seen - seen) / (now - began)
            if progress and (now - told_at > TELL_SECONDS or self.step == self.steps):
                told_at = now
                progress(self.report(loss))
            looked = math.isfinite(loss)  # what nobody looked at may be damaged: better an older checkpoint
            if self.team.leads and looked and now - saved_at > self.between_checkpoints():
                self.save(now - began)
                saved_at = time.monotonic()
        if self.best:
            self.load_parameters(self.best)

    def last_state(self) -> dict[str, Any] | None:
        """The newest checkpoint, the same in every process of the team."""
        state = load_checkpoint(self.folder, self.fingerprint)
        self.team.agree(state["step"] if state else None, self.folder)
        return state

    def report(self, loss: float) -> Progress:
        """The present state as progress."""
        left = self.tokens - self.tokens_seen
        held_out = self.history[-1].get("tuning_loss") if self.history else None
        rate = self.tokens_per_second
        known = loss if math.isfinite(loss) else None  # not looked at in this step, or just thrown away
        return Progress("train", self.step, self.steps, known, held_out, rate, left / rate if rate else None)

    def advance(self) -> float:
        """One optimiser step, and the end of the epoch when it was its last; returns the loss, NaN if not looked at."""
        before = sum(len(p) for p in self.plans[: self.epoch])
        minibatch = self.plans[self.epoch][self.step - before]
        set_rates(self.optimiser, self.lr_share * schedule(self.step, self.steps, self.recipe.warmup))
        loss, norm = self.gradients(minibatch)
        last = self.step + 1 - before == len(self.plans[self.epoch])
        look = last or self.step % self.look_every == 0
        if look and not bool(torch.isfinite(loss + norm)):
            self.go_back()
            return float("nan")
        with self.beside_the_minibatch():
            self.optimiser.step()
        after_step(self.network.encoder, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens_seen += int(self.data.tokens.lengths[minibatch].sum())
        self.epoch_loss += loss
        if last:
            self.end_epoch()
        return float(loss) if look else float("nan")

    def gradients(self, minibatch: Rows) -> tuple[Tensor, Tensor]:
        """Gradients of the minibatch, clipped; returns its loss and their norm."""
        own = self.own_gradients(self.team.share(minibatch, self.data.tokens.lengths))
        learning = [p for _, p in self.learning()]
        with self.beside_the_minibatch():
            loss = self.team.add_up(learning, own)
            add_orthogonality(self.network.encoder)
            return loss, torch.nn.utils.clip_grad_norm_(learning, self.recipe.clip)

    def own_gradients(self, minibatch: Rows) -> Tensor:
        """Gradients of these rows in as many passes as memory asks for; returns their part of the loss."""
        while True:
            torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
            self.network.train()
            try:
                pieces = by_area(minibatch, self.data.tokens.lengths, self.forward_tokens)
                losses = [self.backward(piece) for piece in pieces]
                return torch.stack(losses).sum() if losses else torch.zeros((), device=self.device)
            except (RuntimeError, MemoryError) as problem:
                if not is_out_of_memory(problem):
                    raise
                self.shrink(minibatch, problem)

    def backward(self, rows: Rows) -> Tensor:
        """Forward and backward of some rows; returns their part of the minibatch's loss."""
        loss = minibatch_loss(
            self.logits(rows),
            moved(self.data.labels[rows], self.device),
            self.scale,
            self.recipe.ordinal,
            self.recipe.label_smoothing,
        )
        torch.autograd.backward(loss)
        return loss.detach()

    def logits(self, rows: Rows) -> dict[str, Tensor]:
        """Logits of some rows."""
        parts = [torch.from_numpy(a) for a in padded(self.data.tokens, rows, self.data.pad)]
        inputs = [moved(part, self.device) for part in (*parts, self.data.features[rows])]
        with autocast(self.device, self.recipe.precision):
            output: dict[str, Tensor] = self.network(*inputs)
        return output

    def shrink(self, minibatch: Rows, problem: BaseException) -> None:
        """Halve what one forward pass takes; the minibatch stays whole through accumulation."""
        self.optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        longest = int(self.data.tokens.lengths[minibatch].max())
        if self.forward_tokens <= longest:
            raise OutOfMemory(
                f"one text of {longest} tokens does not fit into the memory of {self.device}; lower max_tokens,"
                " take a smaller base model, or free memory"
            ) from problem
        self.forward_tokens = max(longest, self.forward_tokens // 2)
        log.warning("out of memory; going on with at most %d tokens in a forward pass", self.forward_tokens)

    @contextmanager
    def beside_the_minibatch(self) -> Iterator[None]:
        """Say what to do when memory is short for what no smaller pass makes smaller."""
        try:
            yield
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
            learning = sum(p.numel() for _, p in self.learning())
            raise OutOfMemory(
                f"what {learning:,} numbers need to learn does not fit into the memory of {self.device}; set"
                " freeze_layers or method (lora) in the recipe, take a smaller base model, or free memory"
            ) from problem

    def go_back(self) -> None:
        """After a non-finite value: back to the last good state, at half the learning rate."""
        self.optimiser.zero_grad(set_to_none=True)
        self.restarts += 1
        restarts, share = self.restarts, self.lr_share / 2
        if restarts > MAX_RESTARTS:
            raise TrainingDiverged(
                f"loss or gradients were not finite at step {self.step}, also after {MAX_RESTARTS} restarts at lower"
                " learning rates; lower `lr` in the recipe, or set precision to fp32"
            )
        state = self.last_state()
        if state is None:
            raise TrainingDiverged(
                f"loss or gradients were not finite at step {self.step}, and there is no checkpoint to go back to;"
                f" free disk space in {self.folder}, or lower `lr` in the recipe"
            )
        self.restore(state)
        self.restarts, self.lr_share = restarts, share
        log.warning("non-finite loss or gradient; back at step %d with learning rate x %g", self.step, share)

    def end_epoch(self) -> None:
        """Note the epoch's loss; with tuning rows, keep the best weights and count epochs without a better one."""
        entry = {"epoch": float(self.epoch + 1), "loss": float(self.epoch_loss) / len(self.plans[self.epoch])}
        self.epoch_loss.zero_()
        self.epoch += 1
        if len(self.data.tune):
            entry["tuning_loss"] = self.tuning_loss()
            if entry["tuning_loss"] < self.best_loss:
                self.best_loss, self.stale = entry["tuning_loss"], 0
                self.best = {name: p.detach().cpu().clone() for name, p in self.learning()}
            else:
                self.stale += 1
        self.history.append(entry)

    @torch.inference_mode()
    def tuning_loss(self) -> float:
        """The loss of the tuning rows, weighted like a minibatch's."""
        self.network.eval()
        total = 0.0
        for piece in by_area(self.data.tune, self.data.tokens.lengths, self.forward_tokens):
            for loss in in_parts(self.loss_of, piece):
                total += loss
        return total * len(self.data.learn) / len(self.data.tune) / len(self.plans[0])

    def loss_of(self, rows: Rows) -> float:
        """The sum of the rows' losses without smoothing."""
        labels = moved(self.data.labels[rows], self.device)
        return float(minibatch_loss(self.logits(rows), labels, self.scale, self.recipe.ordinal, 0.0))

    def between_checkpoints(self) -> float:
        """Seconds from one checkpoint to the next: what the recipe asks for, or more where writing takes long."""
        asked = self.recipe.checkpoint_seconds
        return max(asked, self.saving / SAVING_SHARE) if asked else 0.0

    def save(self, seconds: float) -> None:
        """Write a checkpoint; where none can be written, training goes on and only a restart would cost more."""
        began = time.monotonic()
        try:
            save_checkpoint(self.folder, self.state(seconds), fingerprint=self.fingerprint, step=self.step)
        except OSError as problem:
            log.warning("no checkpoint at step %d (%s); free disk space in %s", self.step, problem, self.folder)
        self.saving = time.monotonic() - began

    def state(self, seconds: float) -> dict[str, Any]:
        """Everything that the next step depends on."""
        plain = ("step", "epoch", "tokens_seen", "restarts", "stale", "lr_share", "best_loss", "best", "history")
        return {
            **{name: getattr(self, name) for name in (*plain, "forward_tokens")},
            "parameters": {name: p.detach() for name, p in self.learning()},
            "optimiser": self.optimiser.state_dict(),
            "adapter": adapter_state(self.network.encoder),
            "epoch_loss": self.epoch_loss.cpu(),
            "precision": self.recipe.precision,
            "seconds": self.seconds_before + seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        plain = ("step", "epoch", "tokens_seen", "restarts", "stale", "lr_share", "best_loss", "best", "history")
        for name in (*plain, "forward_tokens"):
            setattr(self, name, state[name])
        self.load_parameters(state["parameters"])
        restore_adapter(self.network.encoder, state.get("adapter", {}))
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch_loss = state["epoch_loss"].to(self.device)
        self.recipe = self.recipe.but(precision=state["precision"])
        self.seconds_before = state["seconds"]

    @torch.no_grad()
    def load_parameters(self, values: dict[str, Tensor]) -> None:
        """Set the learning parameters."""
        for name, parameter in self.learning():
            parameter.copy_(values[name])
