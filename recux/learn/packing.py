"""Texts end to end without padding: on a CPU, products of a few sizes only, each of which is prepared once."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recux.learn import attention

STEP = 64
"""Total tokens are filled up to a multiple of this: preparing a product of a new size costs a tenth of a pass."""
WIDTH = 8
"""Attention looks at texts padded to a multiple of this, for the same reason."""


@dataclass(frozen=True)
class Layout:
    """Where each token of padded texts stands among all tokens end to end."""

    spread: Tensor  # (B x T,) the flat place of a padded one; 0 for padding
    gathered: Tensor  # (N,) the padded place of a flat one; 0 for what fills up
    real: Tensor  # (B, T) bool
    tokens: int
    """Flat tokens that are real; the others fill up."""
    hidden: Tensor  # (B, 1, 1, T) added to the scores of keys

    def padded(self, flat: Tensor) -> Tensor:
        """(N, ...) to (B, T, ...); what stands in padding means nothing."""
        return flat.index_select(0, self.spread).view(*self.real.shape, *flat.shape[1:])

    def flat(self, padded: Tensor) -> Tensor:
        """(B, T, ...) to (N, ...), zeros in what fills up."""
        found = padded.reshape(-1, *padded.shape[2:]).index_select(0, self.gathered)
        found[self.tokens :] = 0
        return found


def layout_of(real: Tensor) -> Layout:
    """The layout of texts whose ``real`` tokens (B, T) come first in each row."""
    width = -(-real.shape[1] // WIDTH) * WIDTH
    real = torch.nn.functional.pad(real, (0, width - real.shape[1]))
    places = real.reshape(-1).nonzero()[:, 0]
    tokens = len(places)
    spread = torch.zeros(real.numel(), dtype=torch.long)
    spread[places] = torch.arange(tokens)
    gathered = torch.nn.functional.pad(places, (0, -tokens % STEP if tokens else STEP))
    hidden = torch.zeros(len(real), 1, 1, width, dtype=torch.bfloat16)
    hidden.masked_fill_(~real[:, None, None], torch.finfo(torch.bfloat16).min)
    return Layout(spread, gathered, real, tokens, hidden)


def packs(encoder: Any, ids: Tensor) -> bool:
    """Whether texts of ``ids`` may go end to end: a plain BERT in bf16 on a CPU, and no text too long."""
    return (
        ids.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and ids.shape[1] <= attention.LONGEST
        and type(encoder).__name__ == "BertModel"
        and encoder.config._attn_implementation == attention.NAME
        and not encoder.config.is_decoder
    )


def states(encoder: Any, ids: Tensor, real: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
    """The last layer of padded texts (B, T, width), and which tokens are real (B, T); T may have grown."""
    layout = layout_of(real)
    rows, columns = real.nonzero(as_tuple=True)
    more = len(layout.gathered) - layout.tokens
    flat = [torch.nn.functional.pad(x, (0, more))[None] for x in (ids[rows, columns], columns, types[rows, columns])]
    last = encoder(input_ids=flat[0], position_ids=flat[1], token_type_ids=flat[2], layout=layout).last_hidden_state
    return layout.padded(last[0]), layout.real
