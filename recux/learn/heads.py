"""What each head predicts, and the likelihood it is trained by."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from recux.learn.examples import HEADS, ORDINAL_HEADS

CLASSES = 5


def outputs_of(head: str, ordinal: str) -> int:
    """How many numbers ``head`` puts out."""
    if head not in ORDINAL_HEADS:
        return 1
    return CLASSES - 1 if ordinal == "corn" else CLASSES


def log_probabilities(logits: Tensor, ordinal: str) -> Tensor:
    """Log P(1..5), shape (N, 5).

    ``corn``: logit k is that of P(y > k | y >= k), so that log P(y = k) adds up the steps climbed and the one not
    climbed (continuation ratio; Shi, Cao, Raschka 2021). ``cross_entropy``: a softmax over five logits.
    """
    if ordinal == "cross_entropy":
        return functional.log_softmax(logits, dim=-1)
    climbed = functional.logsigmoid(logits).cumsum(-1)  # (N, 4): log P(y > k)
    start = torch.zeros_like(climbed[:, :1])
    stay = torch.cat([functional.logsigmoid(-logits), start], -1)
    return torch.cat([start, climbed], -1) + stay


def row_losses(head: str, logits: Tensor, labels: Tensor, ordinal: str, smoothing: float = 0.0) -> Tensor:
    """Negative log-likelihood of each row, shape (N,); labels are 1..5 for ordinal heads and 0 or 1 for the others."""
    if head not in ORDINAL_HEADS:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels, reduction="none")
    log_p = log_probabilities(logits, ordinal)
    picked = log_p.gather(1, (labels.long() - 1)[:, None])[:, 0]
    return -(1 - smoothing) * picked - smoothing * log_p.mean(-1)


def minibatch_loss(
    logits: Mapping[str, Tensor], labels: Tensor, scale: Mapping[str, float], ordinal: str, smoothing: float
) -> Tensor:
    """The weighted sum over heads of the losses of the labelled rows.

    ``labels`` is (N, heads) in the order of ``HEADS`` with NaN for missing; ``scale`` is each head's weight divided by
    the labelled rows that an average minibatch has, so that every row weighs the same whatever it is batched with.
    """
    total = labels.new_zeros(())
    for head, factor in scale.items():
        label = labels[:, HEADS.index(head)]
        known = ~torch.isnan(label)
        safe = torch.where(known, label, torch.ones_like(label))
        losses = row_losses(head, logits[head].float(), safe, ordinal, smoothing)
        total = total + factor * torch.where(known, losses, torch.zeros_like(losses)).sum()
    return total


def probabilities(head: str, logits: Tensor, ordinal: str) -> Tensor:
    """P(1..5) as (N, 5) for an ordinal head, P(yes) as (N,) for a binary one."""
    if head in ORDINAL_HEADS:
        return log_probabilities(logits.float(), ordinal).exp()
    return torch.sigmoid(logits[:, 0].float())
