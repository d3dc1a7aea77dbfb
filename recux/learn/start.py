"""Where the heads start."""

import torch
from torch import Tensor, nn

from recux.learn.examples import HEADS
from recux.learn.heads import outputs_of, row_losses
from recux.learn.network import Network, extra_features
from recux.learn.rows import PAIR_FEATURES, TrainingRows

RIDGE = 0.5
"""Penalty on squared weights, in units of rows' log-likelihood."""


def start_from_features(network: Network, rows: TrainingRows) -> None:
    """Set each head's bias, and its weights on the numeric features, to what fits the labels without any text.

    So the first step starts from the base rates (and, for ratings, from about what the simple means know) instead of
    spending the few steps of a small batch on finding them.
    """
    for name, head in network.heads.items():
        assert isinstance(head, nn.Linear)
        labels = torch.from_numpy(rows.labels[:, HEADS.index(name)])
        known = ~torch.isnan(labels)
        extra = extra_features(name)
        features = torch.from_numpy(rows.features[:, PAIR_FEATURES - extra :])[known]
        weight, bias = fitted_to(name, features, labels[known], network.ordinal)
        with torch.no_grad():
            head.weight[:, head.in_features - extra :] = weight
            head.bias.copy_(bias)


def fitted_to(head: str, features: Tensor, labels: Tensor, ordinal: str) -> tuple[Tensor, Tensor]:
    """Weights and bias of a linear model on ``features`` by penalised maximum likelihood."""
    outputs = outputs_of(head, ordinal)
    weight = torch.zeros(outputs, features.shape[1], requires_grad=True)
    bias = torch.zeros(outputs, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        logits = features @ weight.T + bias
        penalty = RIDGE * (weight.square().sum() + 0.1 * bias.square().sum())
        total = row_losses(head, logits, labels, ordinal).sum() + penalty
        torch.autograd.backward(total)
        return total

    solver.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
