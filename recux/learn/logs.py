"""Logs of a run: TensorBoard always, in ``logs/`` of the job folder; Weights & Biases when installed and configured."""

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recux.learn.loop import Progress
from recux.learn.recipe import Recipe

Tell = Callable[[Progress], None]
CONFIGURED_BY = ("WANDB_API_KEY", "WANDB_MODE")
"""Environment variables either of which says that a person wants Weights & Biases."""
log = logging.getLogger(__name__)


@contextmanager
def training_logs(folder: Path, recipe: Recipe) -> Iterator[Tell]:
    """A listener that logs loss, tuning loss and speed of the training stage; closed when the block ends."""
    with tensorboard(folder) as write, weights_and_biases(folder, recipe) as send:

        def tell(progress: Progress) -> None:
            if progress.stage == "train":
                values = {name: getattr(progress, name) for name in ("loss", "held_out", "tokens_per_second")}
                known = {name: value for name, value in values.items() if value is not None}
                write(known, progress.step)
                send(known, progress.step)

        yield tell


@contextmanager
def tensorboard(folder: Path) -> Iterator[Callable[[dict[str, float], int], None]]:
    """Write scalars for TensorBoard."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def write(values: dict[str, float], step: int) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, step)

        yield write


@contextmanager
def weights_and_biases(folder: Path, recipe: Recipe) -> Iterator[Callable[[dict[str, float], int], None]]:
    """Send scalars to Weights & Biases; nothing happens when it is not wanted, and trouble there is only logged.

    Sent are the recipe, losses and speed: no texts, labels or names of people.
    """
    run = started(folder, recipe)

    def send(values: dict[str, float], step: int) -> None:
        if run is not None:
            run.log(values, step=step)

    try:
        yield send
    finally:
        if run is not None:
            run.finish()


def started(folder: Path, recipe: Recipe) -> Any:
    """The run, or None when the package is absent, nobody configured it, or it could not start."""
    if not any(os.environ.get(name) for name in CONFIGURED_BY) or importlib.util.find_spec("wandb") is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return importlib.import_module("wandb").init(
            project="recux", dir=str(folder), config=recipe.to_dict(), name=folder.parent.name
        )
    except Exception as problem:  # a service that is down must not stop a round
        log.warning("Weights & Biases did not start (%s); the round goes on without it", problem)
        return None
