"""What a questionnaire is made of. A file that breaks a rule is refused with the place and the remedy."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recux.errors import NotFound

Kind = Literal["scale", "stars", "slider", "single", "multiple", "text"]
Method = Literal["mean", "percent"]
Answers = Mapping[str, float | None]
Instruments = Mapping[str, "Instrument"]
"""Those that a study knows, by id."""
ByLanguage = dict[str, str]
Name = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")

DEFAULT_LANGUAGE = "en"
NUMERIC: tuple[Kind, ...] = ("scale", "stars", "slider")
CHOICE: tuple[Kind, ...] = ("single", "multiple")


class Part(BaseModel):
    """Frozen, and without unknown keys: a misspelt key is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(Part):
    """When a question is asked: an earlier question has an answer, and the answer lies within the bounds."""

    question: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_bound(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("ask_if needs at_least or at_most")
        return self

    def holds(self, answers: Answers) -> bool:
        """Whether the question is to be asked, given ``answers``; an unanswered condition does not hold."""
        value = answers.get(self.question)
        if value is None:
            return False
        low = float("-inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return low <= value <= high


class Option(Part):
    """One choice of a single or multiple choice."""

    value: int
    text: ByLanguage


class Question(Part):
    """One line of a questionnaire."""

    name: str = Name
    kind: Kind
    text: ByLanguage
    low: int | None = None
    high: int | None = None
    ends: dict[str, tuple[str, str]] = Field(default_factory=dict)
    """Labels of the lowest and the highest value, by language."""
    options: tuple[Option, ...] = ()
    shuffle: bool = False
    """True when each person sees the options in an order of their own."""
    reverse: bool = False
    """True when a high answer means a low score."""
    topic: str | None = None
    """The concept of the source that the question stands for."""
    optional: bool = False
    expected: float | None = None
    """The answer that an attentive reader gives, for attention checks."""
    ask_if: Condition | None = None
    max_length: int = Field(default=5000, ge=1)
    """Of a text, in characters."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind in NUMERIC and (self.low is None or self.high is None or self.low >= self.high):
            raise ValueError(f"question {self.name!r} of kind {self.kind!r} needs low and high, with low < high")
        if self.kind in CHOICE and len({option.value for option in self.options}) < max(2, len(self.options)):
            raise ValueError(f"question {self.name!r} needs at least two options with different values")
        if self.shuffle and self.kind not in CHOICE:
            raise ValueError(f"question {self.name!r} of kind {self.kind!r} has no options to shuffle")
        if self.kind == "stars" and self.low != 1:
            raise ValueError(f"question {self.name!r}: stars count from low = 1")
        if self.kind not in NUMERIC and (self.low, self.high, self.reverse) != (None, None, False):
            raise ValueError(f"question {self.name!r} of kind {self.kind!r} cannot have low, high or reverse")
        return self

    def in_order_of(self, seed: str) -> Self:
        """The question with its options in the order of ``seed``, where they are shuffled."""
        if not self.shuffle:
            return self
        return self.model_copy(
            update={"options": tuple(sorted(self.options, key=lambda option: _lot(seed, str(option.value))))}
        )

    def wording(self, language: str | None) -> str:
        """The question in ``language``, or in English where it was not translated."""
        return in_language(self.text, language)

    def end_labels(self, language: str | None) -> tuple[str, str] | None:
        """What the lowest and the highest value mean, or None when the values speak for themselves."""
        return self.ends.get(language or "") or self.ends.get(DEFAULT_LANGUAGE)

    def keyed(self, value: float) -> float:
        """The answer on its range, turned round when the question is reverse-keyed."""
        if not self.reverse:
            return value
        low, high = self.bounds
        return low + high - value

    @property
    def bounds(self) -> tuple[int, int]:
        """Lowest and highest value; only for questions that have them."""
        assert self.low is not None and self.high is not None  # noqa: PT018 - one fact: it is numeric
        return self.low, self.high


class Construct(Part):
    """What several questions measure together."""

    name: str = Name
    questions: tuple[str, ...] = Field(min_length=1)
    method: Method = "mean"
    need: int = 1
    """How many of the questions must be answered for a score."""
    title: ByLanguage


class Instrument(Part):
    """A questionnaire in one version: its questions, their wording, and how it is scored."""

    id: str = Name
    version: str = Field(min_length=1, max_length=32)
    source: str = Field(min_length=1)
    title: ByLanguage
    shuffle: bool = False
    """True when each person sees the questions in an order of their own; one that depends on another stays after it."""
    questions: tuple[Question, ...] = Field(min_length=1)
    constructs: tuple[Construct, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        seen: dict[str, Question] = {}
        for question in self.questions:
            if question.name in seen:
                raise ValueError(f"question {question.name!r} is there twice")
            if question.ask_if and question.ask_if.question not in seen:
                raise ValueError(f"question {question.name!r}: ask_if must name an earlier question")
            seen[question.name] = question
        for construct in self.constructs:
            _check_construct(construct, seen)
        _check_languages(self)
        return self

    @property
    def languages(self) -> set[str]:
        """Languages that every wording is there in."""
        return set(self.title)

    def question(self, name: str) -> Question:
        """The question called ``name``. Raises NotFound."""
        for question in self.questions:
            if question.name == name:
                return question
        known = ", ".join(question.name for question in self.questions)
        raise NotFound(f"instrument {self.id!r} has no question {name!r}; it has {known}")

    @property
    def fingerprint(self) -> str:
        """Hash of what is asked, how, and how it is scored: two files of one version must have the same."""
        content = self.model_dump(mode="json", exclude={"source"})
        for part in (content, *content["questions"]):
            if not part["shuffle"]:
                del part["shuffle"]  # files from before there was such a switch keep their fingerprint
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def in_order_of(self, seed: str) -> Self:
        """The instrument as the person with this ``seed`` sees it: the same seed gives the same order, always."""
        questions = [question.in_order_of(f"{seed}/{question.name}") for question in self.questions]
        if self.shuffle:
            blocks = _blocks(questions)
            questions = [one for block in sorted(blocks, key=lambda b: _lot(seed, b[0].name)) for one in block]
        return self.model_copy(update={"questions": tuple(questions)})

    @property
    def order(self) -> dict[str, Any]:
        """Names of the questions and values of their options, in order, ready for JSON."""
        options = {one.name: [option.value for option in one.options] for one in self.questions if one.options}
        return {"questions": [question.name for question in self.questions], "options": options}

    def asked(self, answers: Answers) -> list[Question]:
        """The questions that a person who gave ``answers`` is asked, in order."""
        return [question for question in self.questions if not question.ask_if or question.ask_if.holds(answers)]

    def score(self, answers: Answers) -> dict[str, float | None]:
        """Score of each construct from one person's answers; None where too few were given.

        ``mean`` is the mean of the answers on their own range, reverse-keyed ones turned round; ``percent`` is the
        same from 0 (lowest possible) to 100 (highest possible).
        """
        return {construct.name: self._score(construct, answers) for construct in self.constructs}

    def _score(self, construct: Construct, answers: Answers) -> float | None:
        given = self._keyed(construct, answers)
        values = [value for value in given if value is not None]
        if len(values) < construct.need:
            return None
        mean = sum(values) / len(values)
        if construct.method == "mean":
            return mean
        low, high = self.question(construct.questions[0]).bounds
        return 100 * (mean - low) / (high - low)

    def _keyed(self, construct: Construct, answers: Answers) -> list[float | None]:
        questions = (self.question(name) for name in construct.questions)
        values = ((question, answers.get(question.name)) for question in questions)
        return [None if value is None else question.keyed(value) for question, value in values]


def in_language(texts: ByLanguage, language: str | None) -> str:
    """``texts`` in ``language``, or in English."""
    return texts.get(language or "") or texts[DEFAULT_LANGUAGE]


def _blocks(questions: Sequence[Question]) -> list[list[Question]]:
    """Questions that move together: each with those that are asked because of it."""
    blocks: dict[str, list[Question]] = {}
    block_of: dict[str, str] = {}
    for question in questions:
        head = block_of[question.ask_if.question] if question.ask_if else question.name
        block_of[question.name] = head
        blocks.setdefault(head, []).append(question)
    return list(blocks.values())


def _lot(seed: str, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _check_construct(construct: Construct, questions: Mapping[str, Question]) -> None:
    unknown = [name for name in construct.questions if name not in questions]
    if unknown:
        raise ValueError(f"construct {construct.name!r} names unknown questions: {', '.join(unknown)}")
    if not 1 <= construct.need <= len(construct.questions):
        raise ValueError(f"construct {construct.name!r}: need is {construct.need}, must be 1 to its question count")
    ranges = {(questions[name].low, questions[name].high) for name in construct.questions}
    if len(ranges) > 1 or (None, None) in ranges:
        raise ValueError(f"construct {construct.name!r}: its questions must be numeric and share one range")


def _check_languages(instrument: Instrument) -> None:
    languages = instrument.languages
    if DEFAULT_LANGUAGE not in languages:
        raise ValueError("title.en is missing; English is the language to fall back on")
    texts: list[tuple[str, set[str]]] = [(f"construct {one.name!r}", set(one.title)) for one in instrument.constructs]
    for question in instrument.questions:
        texts.append((f"question {question.name!r}", set(question.text)))
        texts.extend((f"an option of {question.name!r}", set(option.text)) for option in question.options)
        if question.ends:
            texts.append((f"ends of {question.name!r}", set(question.ends)))
    for where, there in texts:
        if there != languages:
            raise ValueError(f"{where} is in {sorted(there)}, but the title is in {sorted(languages)}")
