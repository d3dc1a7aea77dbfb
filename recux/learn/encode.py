"""From texts to token ids, once for a whole run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN_SHARE_LIMIT = 0.10
"""Above this share of unknown tokens a text is out of the encoder's domain."""
CHUNK = 4096
HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Tokens:
    """Token ids of many texts, end to end in one array."""

    ids: NDArray[np.int32]  # (total,)
    second: NDArray[np.bool_]  # (total,) True where the token belongs to the second text of a pair
    starts: NDArray[np.int64]  # (n + 1,)
    unknown_share: float
    """Share of unknown tokens among all but the special ones; 0 without any token."""

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text, special ones included."""
        return np.diff(self.starts)

    def __len__(self) -> int:
        """How many texts."""
        return len(self.starts) - 1


def encode(tokenizer: Any, texts: Sequence[str], seconds: Sequence[str | None], max_tokens: int) -> Tokens:
    """Tokenise texts, or pairs where the second is not None, cut to ``max_tokens`` from the longer of the two.

    Halves of characters, which tokenizers refuse, become the replacement character.
    """
    texts = [HALF.sub("\ufffd", text) for text in texts]
    seconds = [text and HALF.sub("\ufffd", text) for text in seconds]
    ids: list[list[int]] = []
    types: list[list[int]] = []
    order = sorted(range(len(texts)), key=lambda i: seconds[i] is not None)
    for paired in (False, True):
        rows = [i for i in order if (seconds[i] is not None) == paired]
        for at in range(0, len(rows), CHUNK):
            chunk = rows[at : at + CHUNK]
            batch = [(texts[i], seconds[i]) for i in chunk] if paired else [texts[i] for i in chunk]
            coded = tokenizer(
                batch,
                truncation=True,
                max_length=max_tokens,
                padding=False,
                return_attention_mask=False,
                return_token_type_ids=True,
            )
            ids += coded["input_ids"]
            types += coded.get("token_type_ids") or [[0] * len(row) for row in coded["input_ids"]]
    back = np.argsort(order, kind="stable")
    return gathered(tokenizer, [ids[i] for i in back], [types[i] for i in back])


def gathered(tokenizer: Any, ids: list[list[int]], types: list[list[int]]) -> Tokens:
    """The rows end to end, with the share of unknown tokens."""
    starts = np.concatenate([[0], np.cumsum([len(row) for row in ids])]).astype(np.int64)
    flat = np.fromiter((t for row in ids for t in row), dtype=np.int32, count=int(starts[-1]))
    second = np.fromiter((t == 1 for row in types for t in row), dtype=np.bool_, count=int(starts[-1]))
    return Tokens(flat, second, starts, unknown_share(tokenizer, flat))


def unknown_share(tokenizer: Any, flat: NDArray[np.int32]) -> float:
    """Share of unknown tokens among those that stand for text."""
    unknown = tokenizer.unk_token_id
    specials = [i for i in tokenizer.all_special_ids if i != unknown]
    words = flat[~np.isin(flat, specials)]
    return float((words == unknown).mean()) if unknown is not None and len(words) else 0.0


def padded(tokens: Tokens, rows: Sequence[int] | NDArray[np.int64], pad: int) -> tuple[Any, Any, Any]:
    """Token ids, which are real, and which are of the second text: three (B, T) arrays padded to the longest row."""
    lengths = tokens.lengths[rows]
    width = max(1, int(lengths.max()))
    real = np.arange(width) < lengths[:, None]
    where = tokens.starts[:-1][rows][:, None] + np.arange(width)
    where = np.where(real, where, 0)
    ids = np.where(real, tokens.ids[where], pad).astype(np.int64)
    return ids, real, (tokens.second[where] & real).astype(np.int64)
