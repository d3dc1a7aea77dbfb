"""Where to compute and in which number format."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recux.errors import InvalidInput
from recux.learn.errors import OutOfMemory

Found = TypeVar("Found")


def resolve_device(name: str) -> torch.device:
    """``auto`` becomes the first GPU when there is one, else the CPU. Raises ``InvalidInput`` for what is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in (here := devices_here()):
        raise InvalidInput(f"device {name!r} is not on this machine; it has {', '.join(here)}, or say auto")
    return torch.device(name)


def devices_here() -> list[str]:
    """What ``resolve_device`` takes on this machine beside ``auto``."""
    gpus = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ["cpu", *(["cuda"] if gpus else []), *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]


def resolve_precision(name: str, device: torch.device) -> str:
    """``auto`` becomes bf16 where it is fast: on GPUs that have it, and on CPUs where a short measurement says so.

    CPU flags do not tell: some processors have bf16 instructions that run at half the speed of fp32. Older GPUs only
    emulate bf16.
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if bf16_pays() else "fp32"


@cache
def bf16_pays() -> bool:
    """Whether this processor multiplies bf16 matrices clearly faster than fp32 ones. Measured once a process.

    In turns and by processor time, so that other work on the machine does not decide: the answer must be the same when
    a run is repeated.
    """
    best = {torch.bfloat16: float("inf"), torch.float32: float("inf")}
    for _ in range(6):
        for dtype, seconds in best.items():
            best[dtype] = min(seconds, matmul_seconds(dtype, tries=1, clock=time.process_time))
    return best[torch.bfloat16] < 0.8 * best[torch.float32]


def matmul_seconds(
    dtype: torch.dtype, size: int = 1024, tries: int = 5, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The best time of one square matrix product on the CPU."""
    a = torch.ones(size, size, dtype=dtype)
    b = torch.ones(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(tries):
        start = clock()
        torch.mm(a, b)
        best = min(best, clock() - start)
    return best


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context that computes in ``precision``."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory", "_STATUS_ALLOC_FAILED")
"""In the messages of PyTorch's allocators, and of cuBLAS and cuDNN."""


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception means that a tensor did not fit."""
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(problem, RuntimeError) and any(words in str(problem) for words in NO_MEMORY)


def in_parts(work: Callable[[NDArray[np.int64]], Found], rows: NDArray[np.int64]) -> Iterator[Found]:
    """What ``work`` makes of ``rows``; where memory is short, of one half and then of the other, and so on.

    Raises ``OutOfMemory`` when a single row does not fit.
    """
    try:
        found = work(rows)
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
        if len(rows) < 2:
            raise OutOfMemory(
                "one text does not fit into memory; take a smaller base model, or free memory"
            ) from problem
    else:
        yield found
        return
    for half in np.array_split(rows, 2):  # only here, where the error no longer holds what it had allocated
        yield from in_parts(work, half)


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; to a GPU from pinned memory, so that nothing waits until it is there."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
