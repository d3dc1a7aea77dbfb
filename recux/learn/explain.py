"""Which words moved a prediction: integrated gradients over the token embeddings (Sundararajan et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recux.learn.errors import HeadMissing
from recux.learn.examples import ORDINAL_HEADS
from recux.learn.heads import probabilities
from recux.learn.predictor import Predictor
from recux.learn.rows import PAIR_FEATURES
from recux.learn.scoring import EncoderScorer

STEPS = 24


@dataclass(frozen=True, slots=True)
class Attribution:
    """How far each word moved the expected star (or the probability of yes) from that of a text of padding alone."""

    words: list[str]
    weights: list[float]
    """By word; above 0 raised the prediction. They add up to about ``value - baseline``."""
    value: float
    baseline: float


def attributions(model: Predictor, texts: Sequence[str], head: str = "satisfaction") -> list[Attribution]:
    """Attributions of comments under an encoder model, before calibration.

    Raises ``HeadMissing`` when the model is a baseline (its weights speak for themselves) or lacks ``head``.
    """
    scorer = model.scorer
    if not isinstance(scorer, EncoderScorer) or head not in scorer.heads:
        raise HeadMissing(f"model {model.model} has no fine-tuned {head} head to explain; choose an encoder model")
    return [attribution(scorer, text, head) for text in texts]


def attribution(scorer: EncoderScorer, text: str, head: str) -> Attribution:
    """Attributions of one comment."""
    from captum.attr import LayerIntegratedGradients

    coded = scorer.tokenizer(text, truncation=True, max_length=scorer.max_tokens, return_tensors="pt")
    ids = coded["input_ids"].to(scorer.device)
    special = torch.isin(ids, torch.tensor(scorer.tokenizer.all_special_ids, device=ids.device))
    blank = torch.where(special, ids, torch.full_like(ids, scorer.tokenizer.pad_token_id or 0))

    def predict(tokens: Tensor) -> Tensor:
        real = torch.ones_like(tokens, dtype=torch.bool)
        features = torch.zeros(len(tokens), PAIR_FEATURES, device=tokens.device)
        logits = scorer.network(tokens, real, torch.zeros_like(tokens), features)[head]
        return expected(probabilities(head, logits, scorer.network.ordinal), head)

    method = LayerIntegratedGradients(predict, scorer.network.encoder.get_input_embeddings())
    by_token = method.attribute(ids, baselines=blank, n_steps=STEPS).sum(-1)[0]
    words, weights = joined_words(scorer.tokenizer, ids[0], by_token)
    with torch.inference_mode():
        return Attribution(words, weights, float(predict(ids)), float(predict(blank)))


def expected(p: Tensor, head: str) -> Tensor:
    """The expected star, or P(yes)."""
    return p @ torch.arange(1.0, 6.0, device=p.device) if head in ORDINAL_HEADS else p


def joined_words(tokenizer: Any, ids: Tensor, weights: Tensor) -> tuple[list[str], list[float]]:
    """Word pieces put together again; special tokens left out."""
    words: list[str] = []
    sums: list[float] = []
    for i, weight in zip(ids.tolist(), weights.tolist(), strict=True):
        if i in tokenizer.all_special_ids and i != tokenizer.unk_token_id:
            continue
        piece = tokenizer.convert_ids_to_tokens(i)
        if piece.startswith("##") and words:
            words[-1] += piece[2:]
            sums[-1] += weight
        else:
            words.append(piece)
            sums.append(weight)
    return words, sums
