"""TensorBoard logs of a run: loss, tuning loss and speed, in ``logs/`` of the job folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from recux.learn.loop import Progress


@contextmanager
def tensorboard(folder: Path) -> Iterator[Callable[[Progress], None]]:
    """A listener that writes scalars of the training stage; closed when the block ends."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:

        def tell(progress: Progress) -> None:
            if progress.stage != "train":
                return
            for name in ("loss", "held_out", "tokens_per_second"):
                value = getattr(progress, name)
                if value is not None:
                    writer.add_scalar(name, value, progress.step)

        yield tell
