"""Model folders: what is in them, and how they are written.

``model.json`` (kind, heads, metadata), ``recipe.json``, ``calibration.json`` (scales, conformal quantiles and
cuts, once calibrated) with ``crossed.json`` (the same from each half of the people that it was fitted on), and by kind:
``encoder/`` in the format of transformers with ``heads.safetensors``, ``items.json`` and, where comments were learned
from, ``words/``; or a baseline's numbers and words. Only the response-time model is a pickle.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recux.learn.adapters import has_adapter, save_adapted
from recux.learn.errors import ModelUnreadable
from recux.learn.files import flush_folder, read_json, write_json
from recux.learn.means import ItemMeans
from recux.learn.result import TrainResult

FORMAT = 1
WORDS = "words"
"""Folder of the bag of words that reads comments beside an encoder."""


def save_encoder(result: TrainResult, network: Any, tokenizer: Any, means: ItemMeans, words: Any = None) -> None:
    """Write the network to ``result.folder``; the folder appears whole or not at all."""
    from safetensors.torch import save_file

    draft = new_folder(result.folder)
    heads = {name: values.detach().cpu().contiguous() for name, values in network.heads.state_dict().items()}
    with disk_errors():
        save_adapted(network.encoder, result.recipe.method, draft)
        tokenizer.save_pretrained(draft / "encoder")
        save_file(heads, draft / "heads.safetensors")
    write_json(draft / "items.json", means.to_dict())
    if words is not None:
        (draft / WORDS).mkdir()
        words.save(draft / WORDS)
    write_json(draft / "recipe.json", result.recipe.to_dict())
    write_about(
        draft,
        kind="encoder",
        name="encoder",
        heads=list(network.heads),
        ordinal=result.recipe.ordinal,
        base_model=result.recipe.base_model,
        max_tokens=result.recipe.max_tokens,
        words_weight=result.recipe.words,
        n_train=result.n_train,
        last_round=result.last_round,
        rows_by_head=result.heads,
        unknown_token_share=result.unknown_token_share,
        out_of_domain=result.out_of_domain,
    )
    publish(draft, result.folder)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise ``OSError`` where safetensors or tokenizers, which have errors of their own, met one: a full disk, say."""
    try:
        yield
    except Exception as problem:
        if "os error" not in str(problem):
            raise
        raise OSError(str(problem)) from problem


def save_baseline(baseline: Any, folder: Path, **more: Any) -> None:
    """Write a fitted baseline; the folder appears whole or not at all."""
    draft = new_folder(folder)
    baseline.save(draft)
    write_about(draft, kind=baseline.name, name=baseline.name, heads=list(baseline.heads), **more)
    publish(draft, folder)


def write_about(draft: Path, **values: Any) -> None:
    """Write ``model.json``."""
    write_json(draft / "model.json", {"format": FORMAT, **values})


def new_folder(folder: Path) -> Path:
    """An empty folder beside ``folder`` to write into."""
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    return draft


def publish(draft: Path, folder: Path) -> None:
    """Put ``draft`` where ``folder`` is to be."""
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    flush_folder(folder.parent)


def about(folder: Path) -> dict[str, Any]:
    """The model's ``model.json``; raises ``ModelUnreadable``."""
    try:
        values = dict(read_json(folder / "model.json"))
    except (OSError, ValueError, TypeError) as problem:
        raise ModelUnreadable(f"{folder} is not a saved model ({problem}); run the round again") from problem
    if values.get("format") != FORMAT:
        raise ModelUnreadable(
            f"{folder} has model format {values.get('format')}, this version reads {FORMAT}; train it again"
        )
    return values


def encoder_of(folder: Path) -> Path:
    """The transformers folder inside a saved encoder model."""
    if about(folder).get("kind") != "encoder":
        raise ModelUnreadable(f"{folder} holds a baseline, which cannot be fine-tuned; start from the base model")
    return folder / "encoder"


def heads_go_on(start_from: Path | None) -> bool:
    """Whether a new model starts from the heads of ``start_from``, too: not where they read an encoder with a prefix,
    which stays behind.
    """
    return start_from is not None and not has_adapter(start_from)


def start_heads(network: Any, folder: Path) -> None:
    """Take over the heads of ``folder`` that have the same shape."""
    old = head_weights(folder)
    own = network.heads.state_dict()
    fitting = {k: v for k, v in old.items() if k in own and own[k].shape == v.shape}
    network.heads.load_state_dict({**own, **fitting})


def head_weights(folder: Path) -> dict[str, Any]:
    """The saved weights of the heads."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(folder / "heads.safetensors"))
    except (OSError, SafetensorError) as problem:
        file = folder / "heads.safetensors"
        raise ModelUnreadable(f"{file} cannot be read ({problem}); run the round again") from problem
