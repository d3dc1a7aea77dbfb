"""Which device is meant, and what is said of one that is not here."""

import pytest
import torch

from recux.errors import InvalidInput
from recux.learn.device import resolve_device


def with_gpus(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n)


def test_the_gpu_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch):
    with_gpus(monkeypatch, 2)
    asked = {"auto": "cuda", "cuda": "cuda", "cuda:1": "cuda:1", "cpu": "cpu"}
    assert {name: str(resolve_device(name)) for name in asked} == asked
    with pytest.raises(InvalidInput, match=r"'cuda:2' is not on this machine; it has cpu, cuda, cuda:0, cuda:1"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("name", ["tpu", "cuda", "cuda:0", "", "gpu"])
def test_a_device_that_is_not_here_is_refused_with_those_that_are(name: str, monkeypatch: pytest.MonkeyPatch):
    with_gpus(monkeypatch, 0)
    with pytest.raises(InvalidInput, match=f"device '{name}' is not on this machine; it has cpu"):
        resolve_device(name)
