"""Logs of a run: TensorBoard always, in ``logs/`` of the job folder; Weights & Biases when installed and configured.

Trouble with either is only logged: a full disk or a service that is down must not stop a round.
"""

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
Write = Callable[[dict[str, float], int], None]
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
def tensorboard(folder: Path) -> Iterator[Write]:
    """Write scalars for TensorBoard."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def write(values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    try:
        yield until_trouble("TensorBoard", write)
    finally:
        with only_logged("TensorBoard"):
            writer.close()


@contextmanager
def weights_and_biases(folder: Path, recipe: Recipe) -> Iterator[Write]:
    """Send scalars to Weights & Biases; nothing happens when it is not wanted.

    Sent are the recipe, losses and speed: no texts, labels or names of people.
    """
    run = started(folder, recipe)

    def send(values: dict[str, float], step: int) -> None:
        if run is not None:
            run.log(values, step=step)

    try:
        yield until_trouble("Weights & Biases", send)
    finally:
        if run is not None:
            with only_logged("Weights & Biases"):
                run.finish()


def started(folder: Path, recipe: Recipe) -> Any:
    """The run, or None when the package is absent, nobody configured it, or it could not start."""
    if not any(os.environ.get(name) for name in CONFIGURED_BY) or importlib.util.find_spec("wandb") is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with only_logged("Weights & Biases"):
        return importlib.import_module("wandb").init(
            project="recux", dir=str(folder), config=recipe.to_dict(), name=folder.parent.name
        )
    return None


def until_trouble(name: str, write: Write) -> Write:
    """``write``, until it fails: from then on nothing is written."""
    works = True

    def careful(values: dict[str, float], step: int) -> None:
        nonlocal works
        if works:
            works = False
            with only_logged(name):
                write(values, step)
                works = True

    return careful


@contextmanager
def only_logged(name: str) -> Iterator[None]:
    """Log what goes wrong in the block, and go on after it."""
    try:
        yield
    except Exception as problem:
        log.warning("%s does not work (%s); the round goes on without it", name, problem)
