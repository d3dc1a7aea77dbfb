"""Invented comments and reasons whose words follow how satisfied a person is."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recux.simulate.truth import pools

Generator = np.random.Generator


def comment(rng: Generator, *, level: int, thing: str, language: str, theme: str | None) -> str:
    """What someone at ``level`` (1..5 stars) writes about ``thing``; with ``theme``, they complain about it."""
    words = pools()["comments"][language]
    of_level = words["levels"][level - 1]
    aspect = _one(rng, words["aspects"])
    sentences = [_one(rng, of_level["verdict"]).format(thing=thing)]
    if rng.random() < 0.7:
        sentences.append(_one(rng, of_level["remark"]).format(aspect=aspect))
    if theme:
        sentences.append(complaint(rng, theme, language))
    if rng.random() < 0.5:
        sentences.append(_one(rng, of_level["close"]))
    return _joined(sentences, language)


def why(rng: Generator, *, level: int, language: str, theme: str | None) -> str:
    """The reason someone at ``level`` (1..5) gives for their score of the whole."""
    options = pools()["whys"][language]["levels"][level - 1]
    sentences = [options[i] for i in rng.permutation(len(options))[: 1 + int(rng.random() < 0.4)]]
    if theme:
        sentences.insert(int(rng.integers(len(sentences) + 1)), complaint(rng, theme, language))
    return _joined(sentences, language)


def complaint(rng: Generator, theme: str, language: str) -> str:
    """One sentence of a complaint theme."""
    parts: Mapping[str, Any] = pools()["themes"][theme][language]
    who, what = _one(rng, parts["who"]), _one(rng, parts["what"])
    return f"{who}{what}。" if language == "zh_CN" else f"{who} {what}."


def _joined(sentences: list[str], language: str) -> str:
    return ("" if language == "zh_CN" else " ").join(sentences)


def _one(rng: Generator, options: list[str]) -> str:
    return options[int(rng.integers(len(options)))]
