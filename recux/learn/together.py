"""Several processes training one model: each learns from its share of every minibatch, and gradients are added up.

Started by a launcher that sets ``RANK`` and ``WORLD_SIZE``, for example
``torchrun --nproc-per-node 2 -m recux.learn.run --alone JOB``. The loss of a minibatch is a sum over its rows, so
adding up gradients gives those of the whole minibatch: the result is that of one process, up to rounding and dropout.
All of them read job, models and checkpoints, so the job's folder must be the same one on all machines.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from recux.learn.errors import FoldersApart


@dataclass(frozen=True, slots=True)
class Team:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    def share(self, rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's rows of a minibatch: every ``size``-th by length, so that all have about equal work."""
        if self.size == 1:
            return rows
        return rows[np.argsort(-lengths[rows], kind="stable")][self.rank :: self.size]

    def add_up(self, parameters: Iterable[torch.nn.Parameter], loss: Tensor) -> Tensor:
        """Add up the parameters' gradients in place, and ``loss``, over all processes; returns the sum of the loss."""
        if self.size == 1:
            return loss
        learning = list(parameters)
        for parameter in learning:
            if parameter.grad is None:  # a process without rows of a head must send its zeros
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in learning if p.grad is not None]
        flat = torch.cat([t.detach().float().reshape(-1) for t in (*gradients, loss)])
        distributed.all_reduce(flat)
        at = 0
        for gradient in gradients:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()
        return flat[at]

    def agree(self, found: Any, folder: Path) -> None:
        """Raise ``FoldersApart``, in every process, unless all have ``found`` the same in ``folder``."""
        if self.size == 1:
            return
        everywhere: list[Any] = [None] * self.size
        distributed.all_gather_object(everywhere, found)
        if any(one != everywhere[0] for one in everywhere):
            raise FoldersApart(
                f"the processes that train together find different files in {folder}: put the job where all machines"
                " see the same folder, and run it again"
            )


ALONE = Team()


def join() -> Team:
    """The team that the launcher's environment describes; ``ALONE`` without one.

    Gradients are added up where they are: a job may ask for the CPU on a machine that has GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return Team(distributed.get_rank(), size)
