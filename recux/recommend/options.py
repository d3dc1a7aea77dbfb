"""The settings of an arm, by source. They are checked when a study is defined and read when a slate is made."""

import re
from string import Formatter
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from db.tables import Arm
from recux.errors import InvalidInput
from recux.recommend.paths import parse

VARIABLE = re.compile(r"\$\{(\w+)\}")
VARIABLE_PREFIX = "RECUX_RECOMMENDER_"
PLACEHOLDERS = ("participant_id", "size", "study", "language", "cohort")


class Options(BaseModel):
    """Switches that every source but ``imported`` understands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    diversity: float = Field(default=0.0, ge=0, le=1)
    """Weight of dissimilarity to what is already in the slate: 0 orders by score alone, 1 by dissimilarity alone."""
    explanations: bool = False
    """Show with each item why it was chosen."""
    slate_size: int | None = Field(default=None, ge=1, le=100)
    """At most this many items, whatever the study asks for."""


class HttpOptions(Options):
    """How to call a recommender over HTTP, and where its answer holds what."""

    url: str
    """May hold ``{participant_id}``, ``{size}``, ``{study}``, ``{language}``, ``{cohort}`` after the host."""
    method: Literal["GET", "POST"] = "GET"
    """POST sends a JSON object with the placeholders' values, the interests and the ratings so far."""
    headers: dict[str, str] = Field(default_factory=dict)
    """``${RECUX_RECOMMENDER_NAME}`` in a value is read from the environment; other variables cannot be."""
    timeout_ms: float = Field(default=1500, gt=0, le=30_000)
    """For one attempt, from the name lookup to the last byte."""
    retries: int = Field(default=1, ge=0, le=5)
    """Further attempts after an error or a timeout; a 4xx answer is final."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may be called; empty allows the host of ``url`` alone. Redirects are never followed."""
    items: str = "items"
    """JSONPath of the list in the answer, as in ``$.data.items``; empty when the answer is the list itself. What is
    understood of JSONPath is written in :mod:`recux.recommend.paths`."""
    item_id: str = "item_id"
    """Path within an entry; empty when an entry is the id itself."""
    score: str | None = "score"
    explanation: str | None = "explanation"
    model_version: str | None = "model_version"
    """Path from the top of the answer."""
    fallback: tuple[str, ...] = ()
    """Item ids to show, in this order, when the call fails; empty falls back to popularity."""

    @field_validator("items", "item_id", "score", "explanation", "model_version")
    @classmethod
    def _path_is_understood(cls, path: str | None) -> str | None:
        if path:
            parse(path)
        return path

    @field_validator("headers")
    @classmethod
    def _headers_hold_no_other_secrets(cls, headers: dict[str, str]) -> dict[str, str]:
        for value in headers.values():
            for name in VARIABLE.findall(value):
                if not name.startswith(VARIABLE_PREFIX):
                    raise ValueError(f"the environment variable {name} must start with {VARIABLE_PREFIX}")
        return headers

    @field_validator("url")
    @classmethod
    def _url_is_callable(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must start with http:// or https:// and name a host")
        if parts.port == 0:  # one that is no port number raises by itself
            raise ValueError("the port must be between 1 and 65535")
        if "{" in parts.netloc or parts.username or parts.password:
            raise ValueError("the host must be fixed text, without a user name or password; use headers for secrets")
        try:
            names = {name for _, name, form, _ in Formatter().parse(url) if name is not None or form}
        except ValueError:
            names = {None}
        if not names <= set(PLACEHOLDERS):
            raise ValueError(f"only {', '.join('{' + name + '}' for name in PLACEHOLDERS)} may stand in braces")
        return url


def check_options(source: str, options: dict[str, Any]) -> None:
    """Refuse options that ``source`` does not know or that are out of range.

    Raises:
        InvalidInput: names the option and what is wrong with it.
    """
    model = _model_of(source)
    unknown = sorted(set(options) - set(model.model_fields))
    if unknown:
        known = ", ".join(model.model_fields)
        raise InvalidInput(f"a {source} arm has no option {unknown[0]!r}; it knows {known}")
    _validated(model, source, options)


def options_of(arm: Arm) -> Options:
    """The arm's options, read. Unknown keys are left to whoever wrote them."""
    return _validated(_model_of(arm.source), arm.source, arm.options, f"arm {arm.key!r}: ")


def _model_of(source: str) -> type[Options]:
    return HttpOptions if source == "http" else Options


def _validated(model: type[Options], source: str, options: dict[str, Any], where: str = "") -> Options:
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{where}option {name!r} of a {source} arm: {first['msg']}") from error
