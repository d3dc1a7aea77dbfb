"""Which words moved a prediction: integrated gradients over the token embeddings (Sundararajan et al. 2017)."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recux.learn.encode import HALF
from recux.learn.examples import ORDINAL_HEADS, Pair
from recux.learn.heads import probabilities
from recux.learn.network import padding_place
from recux.learn.rows import PAIR_FEATURES, pair_features
from recux.learn.scoring import EncoderScorer

STEPS = 24
UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Thai, kana and Chinese characters."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How far each word moved the expected star (or the probability of yes) from that of a text without words."""

    words: list[str]
    weights: list[float]
    """By word; above 0 raised the prediction. They add up to about ``value - baseline``."""
    value: float
    baseline: float


def attribution(scorer: EncoderScorer, text: str | Pair, head: str) -> Attribution:
    """Attributions of one comment, or of the words of a participant and an item, before calibration."""
    from captum.attr import LayerIntegratedGradients

    told = coded(scorer, text)
    nothing = scorer.tokenizer.pad_token_id or 0
    if padding_place(scorer.network.encoder) is not None:  # a word turned into padding would lose its place, too
        nothing = scorer.tokenizer.mask_token_id or nothing
    written = torch.tensor([[number is not None for number in told.numbers]], device=scorer.device)
    blank = torch.where(written, torch.full_like(told.ids, nothing), told.ids)

    def predict(tokens: Tensor) -> Tensor:
        real = torch.ones_like(tokens, dtype=torch.bool)
        features = told.features.expand(len(tokens), -1)
        logits = scorer.network(tokens, real, told.types.expand_as(tokens), features)[head]
        return expected(probabilities(head, logits, scorer.network.ordinal), head)

    method = LayerIntegratedGradients(predict, scorer.network.encoder.get_input_embeddings())
    by_token = method.attribute(told.ids, baselines=blank, n_steps=STEPS).sum(-1)[0]
    weights = [0.0] * len(told.words)
    for number, weight in zip(told.numbers, by_token.tolist(), strict=True):
        if number is not None:
            weights[number] += weight
    with torch.inference_mode():
        return Attribution(told.words, weights, float(predict(told.ids)), float(predict(blank)))


@dataclass(frozen=True, slots=True)
class Coded:
    """A text as the network sees it, and the words that its tokens belong to."""

    ids: Tensor  # (1, T)
    types: Tensor  # (1, T) which of the two texts a token belongs to
    features: Tensor  # (1, PAIR_FEATURES)
    words: list[str]
    numbers: list[int | None]
    """By token, the place of its word in ``words``; None for a special token."""


def coded(scorer: EncoderScorer, text: str | Pair) -> Coded:
    """Tokens and words of a comment or a pair.

    A word is shown as it was written; where the tokenizer does not say what stands where, as those without a fast
    version do not, as its tokens.
    """
    said = (text.participant_text, text.item_text) if isinstance(text, Pair) else (text,)
    texts = [HALF.sub("\ufffd", one) for one in said]
    tokenizer = scorer.tokenizer
    found = tokenizer(
        *texts,
        truncation=True,
        max_length=scorer.max_tokens,
        return_token_type_ids=True,
        return_special_tokens_mask=True,
        return_offsets_mapping=tokenizer.is_fast,
    )
    ids = found["input_ids"]
    if tokenizer.is_fast:
        words, numbers = written_words(texts, found.sequence_ids(0), found["offset_mapping"])
    else:
        words, numbers = joined_tokens(tokenizer.convert_ids_to_tokens(ids), found["special_tokens_mask"])
    features = torch.zeros(1, PAIR_FEATURES)
    if isinstance(text, Pair):
        features = torch.from_numpy(pair_features([text], scorer.means))
    types = found.get("token_type_ids") or [0] * len(ids)
    device = scorer.device
    return Coded(
        torch.tensor([ids], device=device), torch.tensor([types], device=device), features.to(device), words, numbers
    )


def expected(p: Tensor, head: str) -> Tensor:
    """The expected star, or P(yes)."""
    return p @ torch.arange(1.0, 6.0, device=p.device) if head in ORDINAL_HEADS else p


def written_words(
    texts: Sequence[str], which: Sequence[int | None], offsets: Sequence[tuple[int, int]]
) -> tuple[list[str], list[int | None]]:
    """Words, and by token the place of its word, from which text a token is of (None: special) and where it stands."""
    words: list[tuple[int, int, int]] = []  # text, start and end
    numbers: list[int | None] = []
    for number, (start, end) in zip(which, offsets, strict=True):
        if number is None:
            numbers.append(None)
            continue
        if words and words[-1][0] == number and one_word(texts[number], words[-1][1:], (start, end)):
            words[-1] = (number, words[-1][1], max(end, words[-1][2]))
        else:
            words.append((number, start, end))
        numbers.append(len(words) - 1)
    return [texts[number][start:end].strip() for number, start, end in words], numbers


def one_word(text: str, before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether two neighbouring spans of ``text`` belong to one word: parts of a character, a blank and what is beside
    it, and letters in a row unless their script is written without blanks, where every token stands alone.
    """
    if after[0] < before[1] or not text[slice(*before)].strip() or not text[slice(*after)].strip():
        return True
    return all(
        (c.isalnum() or unicodedata.category(c).startswith("M")) and not UNSPACED.match(c)
        for c in text[before[1] - 1 : after[0] + 1]  # with what lies between, such as an accent that was left out
    )


def joined_tokens(tokens: Sequence[str], special: Sequence[int]) -> tuple[list[str], list[int | None]]:
    """The same from tokens alone, of which ``##`` begins those that go on with a word."""
    words: list[str] = []
    numbers: list[int | None] = []
    for token, left_out in zip(tokens, special, strict=True):
        if left_out:
            numbers.append(None)
            continue
        if token.startswith("##") and words:
            words[-1] += token[2:]
        else:
            words.append(token)
        numbers.append(len(words) - 1)
    return words, numbers
