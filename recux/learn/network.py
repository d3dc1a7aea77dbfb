"""One encoder, mean pooling, and a linear head for each thing predicted."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recux.learn import packing
from recux.learn.errors import MethodUnfit
from recux.learn.examples import HEADS, MODEL_OF_HEAD
from recux.learn.heads import outputs_of
from recux.learn.recipe import Recipe
from recux.learn.rows import PAIR_FEATURES, POSITION_FEATURES

HEAD_INIT = 0.02
FEWEST_TOKENS = 5
"""Of a pair: a token of each text and three special ones."""


class Network(nn.Module):
    """The shared encoder with its heads. Heads of pairs also see the pair's numeric features."""

    def __init__(self, encoder: Any, heads: Sequence[str], *, ordinal: str, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.ordinal = ordinal
        self.dropout = nn.Dropout(dropout)
        width = int(encoder.config.hidden_size)
        self.heads = nn.ModuleDict(
            {h: nn.Linear(width + extra_features(h), outputs_of(h, ordinal)) for h in HEADS if h in heads}
        )
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=HEAD_INIT)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def pooled(self, ids: Tensor, real: Tensor, types: Tensor) -> Tensor:
        """The mean of the last layer over real tokens, (B, T) -> (B, width)."""
        typed = getattr(self.encoder.config, "type_vocab_size", 0) > 1
        if packing.packs(self.encoder, ids):
            states, real = packing.states(self.encoder, ids, real, types if typed else torch.zeros_like(types))
            return mean_of(states, real)
        inputs: dict[str, Tensor] = {"input_ids": ids, "attention_mask": real.long()}
        if typed:
            inputs["token_type_ids"] = types
        return mean_of(self.encoder(**inputs).last_hidden_state, real)

    def forward(self, ids: Tensor, real: Tensor, types: Tensor, features: Tensor) -> dict[str, Tensor]:
        """Logits of every head, each (B, outputs)."""
        pooled = self.dropout(self.pooled(ids, real, types))
        logits = {}
        for name, head in self.heads.items():
            extra = extra_features(name)
            logits[name] = head(torch.cat([pooled, features[:, PAIR_FEATURES - extra :]], -1) if extra else pooled)
        return logits


def mean_of(states: Tensor, real: Tensor) -> Tensor:
    """The mean over ``real`` tokens, (B, T, width) -> (B, width)."""
    weights = real.to(states.dtype)[..., None]
    mean: Tensor = (states * weights).sum(1).float() / weights.sum(1).float().clamp(min=1)
    return mean


def extra_features(head: str) -> int:
    """How many of the numbers beside the text a head sees, counted from the last: none, means, or position too."""
    return {"satisfaction": 0, "rating": PAIR_FEATURES - POSITION_FEATURES}.get(MODEL_OF_HEAD[head], PAIR_FEATURES)


def layers_of(encoder: Any) -> list[nn.Module]:
    """The encoder's layers, lowest first: its longest list of modules."""
    lists = [list(m) for m in encoder.modules() if isinstance(m, nn.ModuleList)]
    return max(lists, key=len, default=[])


def shorten(encoder: Any, keep: int) -> None:
    """Drop all but the lowest ``keep`` layers, in place; with fewer than that nothing is dropped.

    The top layers of an encoder that was trained to compare sentences know about topics and little about praise: mean
    pooling over a middle layer tells satisfaction better, and is cheaper.
    """
    layers = layers_of(encoder)
    if len(layers) <= keep:
        return
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ModuleList) and list(child) == layers:
                setattr(module, name, child[:keep])
    encoder.config.num_hidden_layers = keep
    if getattr(encoder.config, "layer_types", None):
        encoder.config.layer_types = encoder.config.layer_types[:keep]


def longest_text(encoder: Any, recipe: Recipe) -> int:
    """Tokens of the longest text to read: what the recipe wants, or what the encoder has places for.

    Of these a prefix takes some; raises ``MethodUnfit`` when it leaves none.
    """
    places = int(getattr(encoder.config, "max_position_embeddings", recipe.max_tokens))
    if (padding := padding_place(encoder)) is not None:
        places -= padding + 1
    taken = recipe.adapter_rank if recipe.method == "prefix" else 0
    if places - taken < FEWEST_TOKENS:
        raise MethodUnfit(
            f"recipe: a prefix of {taken} tokens (adapter_rank) leaves no room for text in an encoder that takes"
            f" {places}; lower adapter_rank"
        )
    return min(recipe.max_tokens, places - taken)


def padding_place(encoder: Any) -> int | None:
    """The place that stands for padding, where the others are counted from behind it as RoBERTa and its kin do."""
    tables = (m for name, m in encoder.named_modules() if name.endswith("position_embeddings"))
    return next((m.padding_idx for m in tables if getattr(m, "padding_idx", None) is not None), None)


def embeddings_of(encoder: Any) -> nn.Module:
    """The token embeddings."""
    module: nn.Module = encoder.get_input_embeddings()
    return module


def non_embedding_parameters(encoder: Any) -> int:
    """How many of the encoder's numbers take part in matrix products."""
    inside = {id(p) for m in encoder.modules() if isinstance(m, nn.Embedding) for p in m.parameters()}
    return sum(p.numel() for p in encoder.parameters() if id(p) not in inside)
