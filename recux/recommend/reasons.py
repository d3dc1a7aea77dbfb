"""Why an item was chosen, in the words a participant reads. Never an arm's or a model's name."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["popular", "new", "similar", "interest", "model", "fallback"]

TEXTS: dict[str, dict[Kind, str]] = {
    "en": {
        "popular": "Liked by many people",
        "new": "Something different for you",
        "similar": "Because you liked “{detail}”",
        "interest": "Matches your interest in {detail}",
        "model": "Chosen from what you told us so far",
        "fallback": "A popular choice, because your personal list was not available",
    },
    "zh_CN": {
        "popular": "很多人喜欢",
        "new": "给您换换口味",
        "similar": "因为您喜欢《{detail}》",
        "interest": "符合您的兴趣：{detail}",
        "model": "根据您之前的反馈挑选",
        "fallback": "热门推荐（您的个性化列表暂时不可用）",
    },
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason and the title or interest it speaks of."""

    kind: Kind
    detail: str = ""


def in_words(reason: Reason, language: str | None) -> str:
    """The reason in Chinese for ``zh...``, in English otherwise."""
    texts = TEXTS["zh_CN" if (language or "").lower().startswith("zh") else "en"]
    return texts[reason.kind].replace("{detail}", reason.detail)


def in_other_words(words: str, language: str | None) -> str:
    """``words`` of :func:`in_words` for a reader of another language; any others as they are."""
    reason = next((found for pattern, kind in _PATTERNS if (found := _read(words, pattern, kind))), None)
    return words if reason is None else in_words(reason, language)


def _read(words: str, pattern: re.Pattern[str], kind: Kind) -> Reason | None:
    found = pattern.fullmatch(words)
    return Reason(kind, "".join(found.groups())) if found else None


_PATTERNS = [
    (re.compile(re.escape(text).replace(re.escape("{detail}"), "(.+)"), re.DOTALL), kind)
    for texts in TEXTS.values()
    for kind, text in texts.items()
]
