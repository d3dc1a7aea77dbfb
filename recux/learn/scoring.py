"""Raw probabilities from a fine-tuned encoder, many texts at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recux.learn.adapters import load_adapted
from recux.learn.calibration import multiplied
from recux.learn.device import autocast, in_parts, moved, resolve_device, resolve_precision
from recux.learn.encode import Tokens, encode, padded
from recux.learn.examples import Pair
from recux.learn.files import read_json
from recux.learn.heads import probabilities
from recux.learn.means import ItemMeans
from recux.learn.minibatches import Rows, by_area
from recux.learn.network import Network
from recux.learn.rows import PAIR_FEATURES, pair_features
from recux.learn.saved import WORDS, head_weights
from recux.learn.tfidf import TfidfLogistic
from recux.learn.weights import load_encoder, load_tokenizer

Found = TypeVar("Found")
AREA = {"cpu": 2048, "cuda": 131_072}
"""Tokens, padding included, in one pass; on a CPU little enough to stay in the cache."""


@dataclass(frozen=True)
class EncoderScorer:
    """A network in evaluation mode with its tokenizer, and the bag of words that reads comments beside it."""

    network: Network
    tokenizer: Any
    means: ItemMeans
    max_tokens: int
    device: torch.device
    precision: str
    words: TfidfLogistic | None = None
    words_weight: float = 1.0

    @property
    def heads(self) -> list[str]:
        """What it predicts."""
        return list(self.network.heads)

    def raw(self, inputs: Sequence[str] | Sequence[Pair]) -> dict[str, NDArray[np.float64]]:
        """Probabilities by head, in input order."""
        read = self.score(*self.inputs(inputs))
        if self.words is None or not all(isinstance(x, str) for x in inputs):
            return read
        return read | self.with_words(read, [x for x in inputs if isinstance(x, str)])

    def inputs(self, inputs: Sequence[str] | Sequence[Pair]) -> tuple[Tokens, NDArray[np.float32]]:
        """What the network sees of comments or pairs."""
        texts = [x if isinstance(x, str) else x.participant_text for x in inputs]
        seconds = [None if isinstance(x, str) else x.item_text for x in inputs]
        features = np.zeros((len(texts), PAIR_FEATURES), dtype=np.float32)
        pairs = [i for i, x in enumerate(inputs) if isinstance(x, Pair)]
        features[pairs] = pair_features([x for x in inputs if isinstance(x, Pair)], self.means)
        return encode(self.tokenizer, texts, seconds, self.max_tokens), features

    def with_words(self, read: dict[str, NDArray[np.float64]], texts: list[str]) -> dict[str, NDArray[np.float64]]:
        """The heads that the bag of words has too, both opinions as one; a text without words has only one."""
        assert self.words is not None
        spoken = np.array([bool(text.strip()) for text in texts])
        if not spoken.any():
            return {}
        said = self.words.raw([text for text in texts if text.strip()])
        found = {head: read[head].copy() for head in said if head in read}
        for head, p in found.items():
            p[spoken] = multiplied(p[spoken], said[head], self.words_weight, self.words.shares.get(head, ()))
        return found

    def score(self, tokens: Tokens, features: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Probabilities of tokenised texts.

        One block in ``precision`` around all pieces, without inference mode, so that weights are converted only once.
        """
        with torch.no_grad(), autocast(self.device, self.precision):
            return self.in_pieces(tokens, features)

    def in_pieces(self, tokens: Tokens, features: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Probabilities of tokenised texts, those of like length together."""
        out: dict[str, NDArray[np.float64]] = {}

        def read(rows: Rows, ids: Tensor, real: Tensor, types: Tensor) -> dict[str, Tensor]:
            logits: dict[str, Tensor] = self.network(
                ids, real, types, moved(torch.from_numpy(features[rows]), self.device)
            )
            return logits

        for rows, logits in pieces(read, tokens, self.tokenizer, self.device):
            for head, values in logits.items():
                p = probabilities(head, values, self.network.ordinal).cpu().numpy()
                out.setdefault(head, np.empty((len(tokens), *p.shape[1:])))[rows] = p
        return out


def pieces(
    read: Callable[[Rows, Tensor, Tensor, Tensor], Found], tokens: Tokens, tokenizer: Any, device: torch.device
) -> Iterator[tuple[Rows, Found]]:
    """Rows of like length, as many as the device takes in one pass, with what ``read`` makes of them and of what the
    network sees of them (see ``padded``).
    """
    pad = tokenizer.pad_token_id or 0

    def piece(rows: Rows) -> tuple[Rows, Found]:
        ids, real, types = (moved(torch.from_numpy(array), device) for array in padded(tokens, rows, pad))
        return rows, read(rows, ids, real, types)

    for rows in by_area(np.arange(len(tokens)), tokens.lengths, AREA.get(device.type, 4096)):
        yield from in_parts(piece, rows)


def load_encoder_scorer(folder: Path, description: dict[str, Any], device: str) -> EncoderScorer:
    """The encoder model in ``folder``."""
    where = resolve_device(device)
    network = Network(
        load_adapted(load_encoder(str(folder / "encoder")), folder),
        description["heads"],
        ordinal=description["ordinal"],
        dropout=0.0,
    )
    network.heads.load_state_dict(head_weights(folder))
    return EncoderScorer(
        network.to(where).eval(),
        load_tokenizer(str(folder / "encoder")),
        ItemMeans.from_dict(read_json(folder / "items.json")),
        description["max_tokens"],
        where,
        resolve_precision("auto", where),
        TfidfLogistic.load(folder / WORDS) if (folder / WORDS).is_dir() else None,
        description.get("words_weight", 1.0),
    )
