"""Many texts at once: which of them say a phrase, and which phrases they say.

One search through all texts is much faster than a search through each. Texts are in lower case here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.suggest.columns import Flags, Ints
from recux.suggest.words import EVALUATIVE, FUNCTION, says_something_han

LONGEST_WORDS, SHORTEST_HAN, LONGEST_HAN = 3, 2, 4
"""Of a phrase: words, and Chinese characters."""
SHORTEST_FIRST = 3
"""Letters of a phrase's first word."""
TEXT, SPACE = "\x00", 32
"""What parts texts that were joined, and what all else becomes that is neither letter nor digit."""
TOKENS = re.compile(r"[a-zà-ÿ]+(?:'[a-z]+)?|[.!?,;:()\n\x00]")
ENDS = frozenset(".!?,;:()\n" + TEXT)
"""What ends a clause."""
BETWEEN = re.compile(r"[^\w]+")
HAN = re.compile(r"[\u3400-\u9fff]")
FIRST_HAN, LAST_HAN = 0x3400, 0x9FFF
HAN_BASE = LAST_HAN - FIRST_HAN + 2


class Texts:
    """Texts in which phrases are looked for."""

    def __init__(self, said: Sequence[str]) -> None:
        self.said = said
        self._codes, self._different = _different(said)
        self._asked: dict[tuple[str, ...], Flags] = {}

    @cached_property
    def _spaced(self) -> tuple[str, Ints]:
        """The different texts with single spaces for what is neither letter nor digit, and where each ends."""
        points = _points(f" {_joined(self._different, f' {TEXT} ')} ")
        word = np.zeros(int(points.max()) + 1, dtype=bool)
        used = np.flatnonzero(np.bincount(points)).tolist()
        word[[point for point in used if chr(point).isalnum() or chr(point) in "_" + TEXT]] = True
        points = np.where(word[points], points, np.int32(SPACE))
        kept = points != SPACE
        kept[1:] |= kept[:-1]  # the first of several spaces
        points = points[kept]
        ends = np.append(np.flatnonzero(points == 0), len(points))[: len(self._different)]
        return points.astype("<i4", copy=False).tobytes().decode("utf-32-le", "surrogatepass"), ends

    def mentioning(self, wanted: Iterable[str]) -> Flags:
        """Which texts contain any of the phrases, shape (texts,): whole words in English, any place in Chinese.

        What was asked once is remembered: a theme is counted in every arm.
        """
        asked = tuple(wanted)
        if asked not in self._asked:
            found = np.zeros(len(self._different), dtype=bool)
            for phrase in asked:
                found[np.searchsorted(self._spaced[1], self._places(phrase), side="right")] = True
            self._asked[asked] = found[self._codes]
        return self._asked[asked]

    def _places(self, phrase: str) -> Ints:
        """Where the phrase begins. Cutting the text there is faster than searching on from each place."""
        needle = phrase if HAN.search(phrase) else f" {BETWEEN.sub(' ', phrase.lower()).strip()} "
        if not needle.strip():
            return np.zeros(0, dtype=np.int64)
        parts = self._spaced[0].split(needle)
        lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))[:-1]
        return np.cumsum(lengths + len(needle)) - len(needle)


def _different(texts: Sequence[str]) -> tuple[Ints, list[str]]:
    """Number of each text among the different ones, and those: many people say the same short thing."""
    codes, different = pd.factorize(np.array([*texts, ""], dtype=object)[:-1])
    return codes, list(different)


def _joined(texts: Sequence[str], between: str) -> str:
    """All texts in lower case as one."""
    joined = between.join(texts)
    if joined.count(TEXT) >= max(len(texts), 1):
        joined = between.join([text.replace(TEXT, " ") for text in texts])
    return joined.lower()


def _points(text: str) -> NDArray[np.int32]:
    """The number of each character in Unicode, shape (characters,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<i4")


@dataclass(frozen=True, eq=False)
class Phrases:
    """Phrases that some texts say, and how many others say them."""

    names: list[str]
    inside: list[Ints]
    """Numbers of the texts that say each."""
    outside: Ints
    """How many of the other texts say each, shape (phrases,)."""


def phrases(texts: Sequence[str], others: Sequence[str] = (), *, fewest: int = 1) -> Phrases:
    """What at least `fewest` of `texts` say: one to three words that neither begin nor end with a function word, and
    two to four Chinese characters alike.
    """
    codes, different = _different([*texts, *others])
    joined, said = _joined(different, TEXT), (codes[: len(texts)], codes[len(texts) :])
    english, chinese = (_often(*cut, said, fewest) for cut in (_words(joined), _characters(joined)))
    kept = [number for number, name in enumerate(chinese.names) if says_something_han(name)]
    return Phrases(
        [*english.names, *(chinese.names[number] for number in kept)],
        [*english.inside, *(chinese.inside[number] for number in kept)],
        np.concatenate([english.outside, chinese.outside[kept]]),
    )


Name = Callable[[int], str]


def _words(joined: str) -> tuple[Ints, Ints, Name]:
    """Text and key of every phrase of words, and what a key stands for."""
    codes, names = pd.factorize(np.array([*TOKENS.findall(joined), *[TEXT] * LONGEST_WORDS], dtype=object))
    word = np.array([name not in ENDS for name in names])
    content = word & np.array([name not in FUNCTION for name in names])
    telling = content & np.array([name not in EVALUATIVE for name in names])
    first = content & np.array([len(name) >= SHORTEST_FIRST for name in names])
    one, two, three = (np.roll(codes, -shift).astype(np.int64) for shift in range(LONGEST_WORDS))
    begins = first[one]
    longer = begins & word[two] & content[three] & (telling[one] | telling[two] | telling[three])
    said = (begins & telling[one], begins & content[two] & (telling[one] | telling[two]), longer)
    base = len(names) + 1
    single, text = (one + 1) * base**2, np.cumsum(codes == names.tolist().index(TEXT))
    double = single + (two + 1) * base
    keys, rows = (single, double, double + three + 1), [np.flatnonzero(flags) for flags in said]

    def name(key: int) -> str:
        parts = (key // base**2, key // base % base, key % base)
        return " ".join(names[part - 1] for part in parts if part)

    return text[np.concatenate(rows)], np.concatenate([key[r] for key, r in zip(keys, rows, strict=True)]), name


def _characters(joined: str) -> tuple[Ints, Ints, Name]:
    """Text and key of every phrase of Chinese characters, and what a key stands for."""
    points = _points(joined)
    han = np.append((points >= FIRST_HAN) & (points <= LAST_HAN), [False] * LONGEST_HAN)
    at, texts, keys = np.flatnonzero(han), [], []
    text, key = np.searchsorted(np.flatnonzero(points == 0), at), np.zeros(len(at), dtype=np.int64)
    for size in range(1, LONGEST_HAN + 1):
        follows = han[at + size - 1]
        at, text = at[follows], text[follows]
        key = key[follows] * HAN_BASE + points[at + size - 1] - FIRST_HAN + 1
        if size >= SHORTEST_HAN:
            texts.append(text)
            keys.append(key)

    def name(key: int) -> str:
        parts = (key // HAN_BASE**place % HAN_BASE for place in reversed(range(LONGEST_HAN)))
        return "".join(chr(part - 1 + FIRST_HAN) for part in parts if part)

    return np.concatenate(texts), np.concatenate(keys), name


def _often(text: Ints, keys: Ints, name: Name, said: tuple[Ints, Ints], fewest: int) -> Phrases:
    """The keys that at least `fewest` of the first group's texts have; `text` is the number of a different text, and
    `said` are those numbers for the texts of both groups.
    """
    different = 1 + max(int(one.max(initial=0)) for one in said)
    codes, unique = pd.factorize(keys)
    code, text = np.divmod(np.unique(codes * different + text), different)  # a text counts once
    mine, others = (np.bincount(one, minlength=different) for one in said)
    times, outside = (np.bincount(code, weights=one[text], minlength=len(unique)) for one in (mine, others))
    kept = np.flatnonzero(times >= fewest)
    code, text = (one[(times >= fewest)[code]] for one in (code, text))
    inside = np.split(_everywhere(text, said[0], mine), np.cumsum(times[kept]).astype(np.int64)[:-1])
    names = [name(int(key)) for key in unique[kept]]
    return Phrases(names, inside if names else [], outside[kept].astype(np.int64))


def _everywhere(text: Ints, said: Ints, times: Ints) -> Ints:
    """Places in `said` of each of these different texts, one after the other; `times` says how many each has."""
    order, begin = np.argsort(said, kind="stable"), np.cumsum(times) - times
    size = times[text]
    places: Ints = order[np.repeat(begin[text] - np.cumsum(size) + size, size) + np.arange(size.sum())]
    return places
