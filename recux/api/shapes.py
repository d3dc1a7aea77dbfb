"""What the API takes and gives, as models: they are the documentation."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
TRIMMED = r"^[^\x00-\x20\x7f\uFFFD]([^\x00-\x1f\x7f\uFFFD]*[^\x00-\x20\x7f\uFFFD])?$"
"""Printable, and neither beginning nor ending with a space: imports cut those off. U+FFFD stands where an address was
not UTF-8, and different people's would read the same.
"""
StudySlug = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9_-]+$", description="The study's short name.")]
PersonId = Annotated[
    str, Path(max_length=255, pattern=TRIMMED, description="The participant's pseudonym in UTF-8, as in imports.")
]
InstrumentId = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
QuestionName = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Language = Annotated[str | None, Query(max_length=16, pattern=r"^[A-Za-z_-]+$", description="Such as en or zh_CN.")]
LanguageField = Annotated[str | None, Field(max_length=16, pattern=r"^[A-Za-z_-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=PRINTABLE)]


def _no_words(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_no_words)]
"""A whole number, also as 5.0; pydantic would take true for 1 and text for what is written in it."""


class Taken(BaseModel):
    """A body; a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    next: str | None = Field(description="Give it as `after` to get the page that follows; null on the last page.")


class ArmShape(BaseModel):
    """One way of recommending."""

    key: str
    title: str
    weight: float
    source: str


class StudyShape(BaseModel):
    """A study in short."""

    slug: str
    title: str
    domain: str
    status: str
    languages: list[str]
    instruments: list[str]
    slate_size: int
    primary_metric: str
    synthetic: bool
    created_at: datetime


class StudyDetails(StudyShape):
    """A study with its arms."""

    arms: list[ArmShape]


class ConsentShape(BaseModel):
    """What the person is to agree to, and whether they did."""

    version: int
    language: str
    text: str
    given: bool | None = Field(description="Null when they were not asked since the text changed.")


class Decision(Taken):
    """The person agreed to this version of the text, or did not."""

    version: Whole = Field(ge=1, le=2**31 - 1)
    language: LanguageField = None
    given: StrictBool


class CardShape(BaseModel):
    """One item of a slate."""

    position: int
    item_id: str
    title: str
    description: str | None
    category: str | None
    tags: list[str]
    price: float | None
    image_url: str | None
    explanation: str | None
    rating: float | None = Field(description="What the person said of it so far.")
    comment: str | None


class SlateShape(BaseModel):
    """The items that a person is to see, in order. It says neither arm nor model: who sees it must not know."""

    slate_id: str
    served_at: datetime | None
    items: list[CardShape]


class RatingTaken(Taken):
    """What the person thinks of an item that their slate shows."""

    slate_id: Name
    item_id: Name
    rating: Whole = Field(ge=1, le=5)
    comment: str | None = Field(default=None, max_length=20_000)


class RatingShape(BaseModel):
    """A rating as it is kept."""

    slate_id: str
    item_id: str
    rating: float
    comment: str | None
    rated_at: datetime | None


class AnswerTaken(Taken):
    """An answer: a number or text, or that the person would rather not say. Nothing at all takes an answer back."""

    value: Annotated[StrictFloat, Field(ge=-1e9, le=1e9, allow_inf_nan=False)] | None = None
    text: str | None = Field(default=None, max_length=20_000)
    refused: StrictBool = False
    language: LanguageField = None


class AnswerShape(BaseModel):
    """An answer as it is kept, with the wording that was shown."""

    instrument: str
    question: str
    value: float | None
    text: str | None
    refused: bool
    wording: str | None


class CompletedShape(BaseModel):
    """A questionnaire that is complete."""

    instrument: str
    version: str
    completed_at: datetime


class QuestionShape(BaseModel):
    """A question in one language. Show the wording as it stands."""

    name: str
    kind: str
    wording: str
    low: int | None
    high: int | None
    ends: tuple[str, str] | None
    options: list[dict[str, Any]] = Field(description="value and text of each choice.")
    optional: bool
    ask_if: dict[str, Any] | None = Field(description="Ask only when the answer to `question` lies in the bounds.")


class InstrumentShape(BaseModel):
    """A questionnaire in one language."""

    instrument: str
    version: str
    title: str
    questions: list[QuestionShape]


class LinkShape(BaseModel):
    """A signed way in for one participant."""

    url: str = Field(description="For a link or the src of an iframe.")
    expires_at: datetime
    token: str = Field(description="For the event beacon.")


class LinkTaken(Taken):
    """How long the link is to work."""

    hours: StrictFloat = Field(default=24.0, gt=0, le=24 * 30)


class Pair(Taken):
    """A participant and an item."""

    participant_id: Name
    item_id: Name
    position: int = Field(default=1, ge=1, le=10_000, description="The item's place in the list; for `behaviour`.")


class TextsTaken(Taken):
    """Comments to read."""

    texts: list[Annotated[str, Field(max_length=20_000)]] = Field(min_length=1, max_length=500)


class PairsTaken(Taken):
    """Pairs to predict."""

    pairs: list[Pair] = Field(min_length=1, max_length=500)


class Predictions(BaseModel):
    """One object for each text or pair, in the order in which they were sent, as `recux predict` writes them."""

    data: list[dict[str, Any]]


Head = Literal["rating", "behaviour"]
