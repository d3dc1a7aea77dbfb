"""Whether the encoder knows the languages that people write."""

import unicodedata
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from recux.learn.encode import UNKNOWN_SHARE_LIMIT, Tokens
from recux.learn.recipe import Recipe
from recux.learn.rows import TrainingRows

SCRIPTS = {
    "CJK": "Chinese characters",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "THAI": "Thai",
    "DEVANAGARI": "Devanagari",
    "LATIN": "Latin letters",
}
LOOKED_AT = 200
"""Characters of a text that tell its script."""
FEWEST = 10
"""Texts of a script that are worth a word."""


def script_of(text: str) -> str:
    """The script that most letters of ``text`` belong to; ``other`` without a letter of a known one."""
    kinds = Counter(
        SCRIPTS.get(unicodedata.name(c, "").split(" ")[0], "other") for c in text[:LOOKED_AT] if c.isalpha()
    )
    return kinds.most_common(1)[0][0] if kinds else "other"


def unknown_by_script(rows: TrainingRows, tokens: Tokens, unknown: int | None) -> dict[str, float]:
    """Share of unknown tokens (0-1) in the texts of each script that at least ``FEWEST`` rows are written in."""
    if unknown is None:
        return {}
    scripts = np.array([script_of(f"{a} {b or ''}") for a, b in zip(rows.texts, rows.seconds, strict=True)])
    return {
        str(script): unknown_share_of(tokens, np.flatnonzero(scripts == script), unknown)
        for script in np.unique(scripts)
        if (scripts == script).sum() >= FEWEST
    }


def unknown_share_of(tokens: Tokens, rows: NDArray[np.int64], unknown: int) -> float:
    """Share of unknown tokens among those of ``rows``, without the first and the last of each, which are special."""
    total = tokens.lengths[rows].sum() - 2 * len(rows)
    hits = sum(int((tokens.ids[tokens.starts[i] : tokens.starts[i + 1]] == unknown).sum()) for i in rows)
    return float(hits / max(1, total))


def out_of_domain(share: float, recipe: Recipe, by_script: dict[str, float]) -> str | None:
    """A warning when the encoder does not know the texts on the whole: then it must not serve."""
    if share <= UNKNOWN_SHARE_LIMIT:
        return None
    worst = max(by_script, key=lambda script: by_script[script], default="other")
    return (
        f"{share:.0%} of the tokens are unknown to the encoder {recipe.base_model!r} (limit {UNKNOWN_SHARE_LIMIT:.0%}),"
        f" so it cannot serve these texts; a base model such as {better_for(worst)!r} would suit"
    )


def unread_scripts(recipe: Recipe, by_script: dict[str, float]) -> str | None:
    """A warning when some people write a script that the encoder does not know, although most do not."""
    unread = {script: share for script, share in by_script.items() if share > UNKNOWN_SHARE_LIMIT}
    if not unread:
        return None
    told = ", ".join(f"{share:.0%} of the tokens in texts in {script}" for script, share in sorted(unread.items()))
    better = "bert-base-multilingual-cased"
    return (
        f"unknown to the encoder {recipe.base_model!r}: {told} (limit {UNKNOWN_SHARE_LIMIT:.0%}); what it says of these"
        f" texts rests on the bag of words beside it; a base model such as {better!r} would read them all"
    )


def better_for(script: str) -> str:
    """A base model that knows the script."""
    return "bert-base-chinese" if script == "Chinese characters" else "bert-base-multilingual-cased"
