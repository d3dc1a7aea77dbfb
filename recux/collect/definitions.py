"""What a study is to be: a STUDY.toml, completed from the template of its domain."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from db.tables.studies import DEFAULT_STEPS
from recux import instruments, templates
from recux.collect.flow import Panel, check_design, check_languages, check_steps
from recux.errors import InvalidInput, NotFound
from recux.validation import first_problem

NAME = re.compile(r"[\w][\w .:-]{0,63}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z][a-z]{3})?(_[A-Z]{2})?")
PLAIN_METRICS = ("mean_rating", "nps", "csat", "ctr", "purchase_rate")
Source = Literal["imported", "popularity", "itemknn", "content", "rerank", "http"]


class ArmDefinition(BaseModel):
    """One way of recommending. Keys beyond these are the source's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)
    key: str
    title: str = ""
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    source: Source = "imported"

    @field_validator("key")
    @classmethod
    def _plain_key(cls, key: str) -> str:
        if not NAME.fullmatch(key):
            raise ValueError(f"{key!r} must have 1 to 64 letters, digits, spaces or . : _ -")
        return key

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        from recux.recommend.options import check_options

        try:
            check_options(self.source, self.options)
        except InvalidInput as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The source's own settings."""
        return dict(self.model_extra or {})


class StudyDefinition(BaseModel):
    """A STUDY.toml. Without a file: one arm ``default``, NPS and CSAT."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = Field(default="", max_length=200)
    domain: Literal["e-commerce", "content", "social", "medical", "travel"] = "e-commerce"
    languages: list[str] = Field(default=["en", "zh_CN"], min_length=1)
    primary_metric: str = "mean_rating"
    """``mean_rating``, ``nps``, ``csat``, ``ctr``, ``purchase_rate``, or ``INSTRUMENT.CONSTRUCT``."""
    slate_size: int = Field(default=8, ge=1, le=100)
    batch_size: int = Field(default=200, ge=1, le=10_000_000)
    """Ratings, or filled-in questionnaires where these are more, that close a batch."""
    batch_max_age_hours: float = Field(default=168.0, gt=0, le=10_000, allow_inf_nan=False)
    instruments: list[str] = Field(default=["nps", "csat"])
    steps: list[str] = Field(default_factory=lambda: list(DEFAULT_STEPS))
    """``consent`` first, then any order of ``preferences`` (optional), ``slate``, ``questionnaires`` (the instruments
    that are not named themselves) and ids of instruments; ``thanks`` last."""
    design: Literal["between", "crossover"] = "between"
    """``crossover`` shows each person both arms' slates, in balanced order."""
    per_list: list[str] = Field(default_factory=list)
    """Crossover only: instruments asked after each slate instead of once."""
    shuffle: bool = False
    """Show the items of a slate in a random order."""
    consent: dict[str, str] = Field(default_factory=dict)
    """Language -> text that participants agree to."""
    debrief: dict[str, str] = Field(default_factory=dict)
    """Language -> text on the last page: what the study was about, whom to ask."""
    own_answers: bool = False
    """Show people their own answers on the last page."""
    panel: Panel | None = None
    objectives: dict[Literal["p95_ms", "failure_rate"], float] = Field(default_factory=dict)
    planned_n: int | None = Field(default=None, ge=2, le=1_000_000)
    """People an arm that the pilot plans for."""
    min_group: int = Field(default=5, ge=1, le=1000)
    """Figures of groups of fewer people are hidden."""
    retention: dict[Literal["people", "interactions", "requests"], Annotated[int, Field(ge=1, le=36500)]] = Field(
        default_factory=dict
    )
    """Days that things are kept: ``people`` (and all they gave) after the study closed, ``interactions`` and
    ``requests`` after they happened; what is not named is kept."""
    arms: list[ArmDefinition] = Field(
        default_factory=lambda: [ArmDefinition(key="default", title="Default", source="popularity")]
    )

    @field_validator("languages")
    @classmethod
    def _language_codes(cls, languages: list[str]) -> list[str]:
        for language in languages:
            if not LANGUAGE.fullmatch(language):
                raise ValueError(f"{language!r} is not a language code such as en or zh_CN")
        return list(dict.fromkeys(languages))

    @field_validator("instruments")
    @classmethod
    def _known_instruments(cls, names: list[str], info: ValidationInfo) -> list[str]:
        for name in names:
            if name not in _kept(info) and name not in instruments.available():
                raise ValueError(f"{name!r} is not an instrument; there are {', '.join(instruments.available())}")
        return list(dict.fromkeys(names))

    @field_validator("objectives")
    @classmethod
    def _reachable(cls, objectives: dict[str, float]) -> dict[str, float]:
        if not 0 < objectives.get("p95_ms", 1) < float("inf"):
            raise ValueError("p95_ms must be a number of milliseconds above 0")
        if not 0 <= objectives.get("failure_rate", 0) <= 1:
            raise ValueError("failure_rate must be a share from 0 to 1")
        return objectives

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        keys = [arm.key for arm in self.arms]
        if not keys:
            raise ValueError("a study needs at least one arm: [[arms]] key, title, weight, source")
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise ValueError(f"more than one arm has the key {doubled[0]!r}")
        if not any(arm.weight > 0 for arm in self.arms):
            raise ValueError("at least one arm needs a weight above 0")
        check_design(self.design, self.steps, self.per_list, self.instruments, [arm.weight for arm in self.arms])
        check_steps(self.steps, [name for name in self.instruments if name not in self.per_list])
        check_languages("debrief", self.debrief, self.languages)
        _check_metric(self.primary_metric, self.instruments, _kept(info))
        return self


def read_definition(path: Path | None, *, template: str | None = None) -> StudyDefinition:
    """The definition in a STUDY.toml, completed from the template of its domain.

    ``template`` names a domain; without it the file's own ``domain`` counts. What the file says goes before what the
    template says. Without a file the arm, instruments and metric are the defaults, and the template gives the rest.
    Raises NotFound or InvalidInput that names the file and the key.
    """
    said = _read_toml(path) if path else {}
    domain = said.get("domain") or template or "e-commerce"
    if not isinstance(domain, str):
        raise InvalidInput(f"{path}: domain must be text, one of {', '.join(templates.available())}")
    filled = {**_from_template(domain, with_instruments=template is not None), **said}
    try:
        return StudyDefinition.model_validate(filled)
    except ValidationError as error:
        raise InvalidInput(f"{path.name if path else 'the study'}: {first_problem(error)}") from None


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} is not a TOML file: {error}") from None


def _from_template(domain: str, *, with_instruments: bool) -> dict[str, Any]:
    template = templates.load(domain)
    filled: dict[str, Any] = {"domain": domain, "consent": template.consent, "objectives": template.objectives}
    return {**filled, "instruments": list(template.instruments)} if with_instruments else filled


def _kept(info: ValidationInfo) -> instruments.Instruments:
    """The instruments that a launched study keeps: their files may have changed, or be gone."""
    kept: instruments.Instruments = (info.context or {}).get("instruments", {})
    return kept


def _check_metric(metric: str, asked: list[str], kept: instruments.Instruments) -> None:
    if metric in PLAIN_METRICS:
        if metric in {"nps", "csat"} and metric not in asked:
            raise ValueError(f"primary_metric is {metric}, but {metric} is not among the instruments")
        return
    instrument, _, construct = metric.partition(".")
    if instrument not in asked or not construct:
        raise ValueError(
            f"primary_metric {metric!r} is none of {', '.join(PLAIN_METRICS)}, and no INSTRUMENT.CONSTRUCT of the "
            f"study's instruments ({', '.join(asked)}); ranking figures describe, they cannot decide"
        )
    known = [known.name for known in (kept.get(instrument) or instruments.load(instrument)).constructs]
    if construct not in known:
        raise ValueError(f"primary_metric {metric!r}: {instrument} measures {', '.join(known)}")
