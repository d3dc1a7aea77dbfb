"""Which words moved a prediction: integrated gradients over the token embeddings (Sundararajan et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recux.learn.errors import HeadMissing
from recux.learn.examples import ORDINAL_HEADS, Pair
from recux.learn.heads import probabilities
from recux.learn.predictor import Predictor
from recux.learn.rows import PAIR_FEATURES, pair_features
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


def attribution(scorer: EncoderScorer, text: str | Pair, head: str) -> Attribution:
    """Attributions of one comment, or of the words of a participant and an item."""
    from captum.attr import LayerIntegratedGradients

    ids, types, features = coded(scorer, text)
    special = torch.isin(ids, torch.tensor(scorer.tokenizer.all_special_ids, device=ids.device))
    blank = torch.where(special, ids, torch.full_like(ids, scorer.tokenizer.pad_token_id or 0))

    def predict(tokens: Tensor) -> Tensor:
        real = torch.ones_like(tokens, dtype=torch.bool)
        logits = scorer.network(tokens, real, types.expand_as(tokens), features.expand(len(tokens), -1))[head]
        return expected(probabilities(head, logits, scorer.network.ordinal), head)

    method = LayerIntegratedGradients(predict, scorer.network.encoder.get_input_embeddings())
    by_token = method.attribute(ids, baselines=blank, n_steps=STEPS).sum(-1)[0]
    words, weights = joined_words(written_pieces(scorer, text, ids[0]), by_token)
    with torch.inference_mode():
        return Attribution(words, weights, float(predict(ids)), float(predict(blank)))


def coded(scorer: EncoderScorer, text: str | Pair) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids (1, T), which of the two texts each belongs to (1, T), and the numbers beside them."""
    pair = (text.participant_text, text.item_text) if isinstance(text, Pair) else (text,)
    found = scorer.tokenizer(
        *pair, truncation=True, max_length=scorer.max_tokens, return_token_type_ids=True, return_tensors="pt"
    ).to(scorer.device)
    features = torch.zeros(1, PAIR_FEATURES, device=scorer.device)
    if isinstance(text, Pair):
        features = torch.from_numpy(pair_features([text], scorer.means)).to(scorer.device)
    return found["input_ids"], found["token_type_ids"], features


def expected(p: Tensor, head: str) -> Tensor:
    """The expected star, or P(yes)."""
    return p @ torch.arange(1.0, 6.0, device=p.device) if head in ORDINAL_HEADS else p


def written_pieces(scorer: EncoderScorer, text: str | Pair, ids: Tensor) -> list[str | None]:
    """What stands in the text for each token of :func:`coded`, None for special tokens. What the encoder does not know
    is there as it was written; what continues a word begins with ``##``.
    """
    pair = (text.participant_text, text.item_text) if isinstance(text, Pair) else (text,)
    found = scorer.tokenizer(*pair, truncation=True, max_length=scorer.max_tokens, return_offsets_mapping=True)
    pieces = scorer.tokenizer.convert_ids_to_tokens(ids.tolist())
    written: list[str | None] = []
    for piece, which, (start, end) in zip(pieces, found.sequence_ids(0), found["offset_mapping"], strict=True):
        known = piece != scorer.tokenizer.unk_token
        written.append(None if which is None else piece if known else pair[which][start:end])
    return written


def joined_words(pieces: Sequence[str | None], weights: Tensor) -> tuple[list[str], list[float]]:
    """Word pieces put together again; special tokens (None) left out."""
    words: list[str] = []
    sums: list[float] = []
    for piece, weight in zip(pieces, weights.tolist(), strict=True):
        if piece is None:
            continue
        if piece.startswith("##") and words:
            words[-1] += piece[2:]
            sums[-1] += weight
        else:
            words.append(piece)
            sums.append(weight)
    return words, sums
