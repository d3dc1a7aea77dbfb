"""Which parameter learns how fast, and when."""

from typing import Any

import torch

from recux.learn.network import Network, embeddings_of, layers_of
from recux.learn.recipe import Recipe

ADAPTER_RATE = 10.0
"""Adapters start from nothing and are small: they learn at this multiple of the encoder's rate."""


def freeze(network: Network, recipe: Recipe) -> None:
    """Take what the recipe freezes out of the gradient."""
    if recipe.method != "full":
        return  # peft has already frozen everything but its own
    if recipe.freeze_embeddings:
        for parameter in embeddings_of(network.encoder).parameters():
            parameter.requires_grad_(False)
    layers = layers_of(network.encoder)
    for layer in layers[: recipe.freeze_layers]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)
    if recipe.freeze_layers:  # nothing below a frozen layer may learn either
        inside = {id(p) for layer in layers for p in layer.parameters()}
        for parameter in network.encoder.parameters():
            if id(parameter) not in inside:
                parameter.requires_grad_(False)


def parameter_groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Groups by learning rate (``peak``) and weight decay; biases and norms do not decay."""
    layers = layers_of(network.encoder)
    depth_of = {id(p): len(layers) - 1 - i for i, layer in enumerate(layers) for p in layer.parameters()}
    heads = {id(p) for p in network.heads.parameters()}
    encoder_lr = recipe.lr * (1 if recipe.method == "full" else ADAPTER_RATE)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for parameter in network.parameters():
        if not parameter.requires_grad:
            continue
        depth = depth_of.get(id(parameter), len(layers))
        peak = recipe.head_lr if id(parameter) in heads else encoder_lr * recipe.layer_decay**depth
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((peak, decay), []).append(parameter)
    return [{"params": ps, "lr": 0.0, "peak": peak, "weight_decay": d} for (peak, d), ps in groups.items()]


def make_optimiser(network: Network, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW, fused."""
    return torch.optim.AdamW(parameter_groups(network, recipe), fused=True)


def schedule(step: int, steps: int, warmup: float) -> float:
    """The learning rate at ``step`` as a share of its peak: up linearly over the warm-up, then down linearly to 0."""
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return max(0.0, (steps - step) / max(1, steps - rise))


def set_rates(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Set every group's learning rate to this share of its peak."""
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * share
