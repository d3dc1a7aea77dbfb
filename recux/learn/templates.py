"""The words in which a participant and an item are put before the encoder. One readable template per language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

LIKED, DISLIKED = 4.0, 2.5
SHOWN_OF_EACH = 6


@dataclass(frozen=True, slots=True)
class PastRating:
    """An item that the participant rated, and when."""

    title: str
    category: str | None
    rating: float
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of one language."""

    cohort: str
    interests: str
    liked: str
    disliked: str
    mean: str
    nothing: str
    category: str
    tags: str
    price: str
    colon: str
    comma: str
    stop: str


WORDS = {
    "en": Words(
        "Group",
        "Interests",
        "Liked",
        "Disliked",
        "Mean rating {mean:.1f} of 5 from {n}",
        "Nothing known yet",
        "Category",
        "Tags",
        "Price",
        ": ",
        ", ",
        ". ",
    ),
    "zh_CN": Words(
        "群体",
        "兴趣",
        "喜欢",
        "不喜欢",
        "平均评分{mean:.1f}分(满分5分),共{n}次",
        "暂无信息",
        "类别",
        "标签",
        "价格",
        ":",
        "、",
        "。",
    ),
}


def words_of(language: str | None) -> Words:
    """The words of ``language``; English when it has no template."""
    return WORDS["zh_CN"] if (language or "").lower().startswith("zh") else WORDS["en"]


def before(history: Sequence[PastRating], moment: datetime | None) -> list[PastRating]:
    """What was rated strictly before ``moment``, newest first; a rating without a time counts as known before.

    With ``moment`` None, all of ``history`` is known.
    """
    known = [p for p in history if moment is None or p.at is None or p.at < moment]
    timed = sorted((p for p in known if p.at is not None), key=lambda p: p.at or moment, reverse=True)  # type: ignore[arg-type,return-value]
    return timed + [p for p in known if p.at is None]


def participant_text(
    *,
    language: str | None = "en",
    cohort: str | None = None,
    interests: Sequence[str] = (),
    attributes: Mapping[str, object] | None = None,
    history: Sequence[PastRating] = (),
    moment: datetime | None = None,
) -> str:
    """A participant in words, as known strictly before ``moment``.

    The mean comes first and the newest ratings before older ones, so that truncation costs the least.
    """
    words = words_of(language)
    known = before(history, moment)
    lines = []
    if known:
        lines.append(words.mean.format(mean=fmean(p.rating for p in known), n=len(known)))
    lines += part(words, words.cohort, [cohort] if cohort else [])
    lines += part(words, words.interests, interests)
    lines += part(words, words.liked, [named(p) for p in known if p.rating >= LIKED][:SHOWN_OF_EACH])
    lines += part(words, words.disliked, [named(p) for p in known if p.rating <= DISLIKED][:SHOWN_OF_EACH])
    lines += [f"{key}{words.colon}{value}" for key, value in (attributes or {}).items() if value not in (None, "")]
    return joined(words, lines or [words.nothing])


def item_text(
    *,
    language: str | None = "en",
    title: str,
    category: str | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
    price: float | None = None,
    attributes: Mapping[str, object] | None = None,
) -> str:
    """An item in words: what identifies it first, its long description last."""
    words = words_of(language)
    lines = [title]
    lines += part(words, words.category, [category] if category else [])
    lines += part(words, words.tags, tags)
    lines += part(words, words.price, [f"{price:g}"] if price is not None else [])
    lines += [f"{key}{words.colon}{value}" for key, value in (attributes or {}).items() if value not in (None, "")]
    lines += [description] if description else []
    return joined(words, lines)


def named(past: PastRating) -> str:
    """An item by its title, with its category when it has one."""
    return f"{past.title} ({past.category})" if past.category else past.title


def part(words: Words, label: str, values: Sequence[str]) -> list[str]:
    """``label: a, b`` as one line, or nothing when there is no value."""
    return [f"{label}{words.colon}{words.comma.join(values)}"] if values else []


def joined(words: Words, lines: Sequence[str]) -> str:
    """The lines as one text, each ended once."""
    ended = (line.strip().rstrip(words.stop.strip()) for line in lines)
    return words.stop.join(line for line in ended if line) + words.stop.strip()
