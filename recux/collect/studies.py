"""Studies: what is asked of whom, in which arms; and their life from draft to live to closed."""

import re
import secrets
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlmodel import Session, col, select

from db.queries import arms_of, study_by_slug
from db.tables import Arm, ConsentText, Item, Participant, Slate, Study, now
from recux import instruments, templates
from recux.collect.assignment import assign_everyone
from recux.errors import Conflict, InvalidInput, NotFound
from recux.validation import first_problem

SLUG = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")
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
    """Ratings and answers that close a batch."""
    batch_max_age_hours: float = Field(default=168.0, gt=0, allow_inf_nan=False)
    instruments: list[str] = Field(default=["nps", "csat"])
    consent: dict[str, str] = Field(default_factory=dict)
    """Language -> text that participants agree to."""
    objectives: dict[Literal["p95_ms", "failure_rate"], float] = Field(default_factory=dict)
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
    def _known_instruments(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in instruments.available():
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
    def _consistent(self) -> Self:
        keys = [arm.key for arm in self.arms]
        if not keys:
            raise ValueError("a study needs at least one arm: [[arms]] key, title, weight, source")
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise ValueError(f"more than one arm has the key {doubled[0]!r}")
        if not any(arm.weight > 0 for arm in self.arms):
            raise ValueError("at least one arm needs a weight above 0")
        _check_metric(self.primary_metric, self.instruments)
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


def create_study(
    session: Session, slug: str, definition: StudyDefinition, *, synthetic: bool = False, salt: str | None = None
) -> Study:
    """Create a draft with its arms and consent texts.

    ``salt`` fixes the study's secret and with it every split and assignment, which only a reproducible simulation
    wants. Raises InvalidInput for a slug that cannot be in an address, Conflict for one that is taken.
    """
    if not SLUG.fullmatch(slug):
        raise InvalidInput(
            f"{slug!r} cannot name a study: use 1 to 64 small letters, digits, - and _, beginning and ending with a "
            "letter or digit"
        )
    if study_by_slug(session, slug) is not None:
        raise Conflict(f"there is a study {slug!r} already; choose another name")
    plain = definition.model_dump(exclude={"arms", "consent", "title"})
    study = Study(
        slug=slug, title=definition.title or slug, salt=salt or secrets.token_hex(16), synthetic=synthetic, **plain
    )
    session.add(study)
    session.flush()
    assert study.id is not None
    for arm in definition.arms:
        title = arm.title or arm.key
        session.add(
            Arm(study_id=study.id, key=arm.key, title=title, weight=arm.weight, source=arm.source, options=arm.options)
        )
        session.flush()  # one by one, so that ids follow the order of the file: the first arm is the control
    for language, text in definition.consent.items():
        session.add(ConsentText(study_id=study.id, language=language, text=text))
    session.flush()
    return study


def get_study(session: Session, slug: str) -> Study:
    """The study with this slug. Raises NotFound."""
    study = study_by_slug(session, slug)
    if study is None:
        raise NotFound(f"there is no study {slug!r}; `recux study list` shows those that exist")
    return study


def list_studies(session: Session) -> list[Study]:
    """All studies, newest first."""
    return list(session.exec(select(Study).order_by(col(Study.id).desc())))


def launch_study(session: Session, study: Study) -> list[str]:
    """Open a draft to participants and assign everyone who has no arm.

    Returns what to keep in mind, in words. Raises Conflict when the study is not a draft, has nothing to recommend,
    or lacks a consent text.
    """
    assert study.id is not None
    if study.status != "draft":
        raise Conflict(f"the study {study.slug} is {study.status}; only a draft can be launched")
    arms = arms_of(session, study.id)
    serving = [arm for arm in arms if arm.weight > 0]
    if not serving:
        raise Conflict(f"the study {study.slug} has no arm with a weight above 0, so nobody could take part")
    if any(arm.source != "http" for arm in serving) and not _has_any(session, Item, study.id):
        raise Conflict(
            f"the study {study.slug} has no items to recommend; import some with "
            f"recux import items FILE --study {study.slug}"
        )
    _check_consent(session, study)
    study.status, study.launched_at = "live", now()
    session.add(study)
    assign_everyone(session, study)
    _inherit_arms(session, study)
    return _cautions(session, study, serving)


def close_study(session: Session, study: Study) -> None:
    """End a study: nothing more is collected or imported. Raises Conflict when it is closed already."""
    if study.status == "closed":
        raise Conflict(f"the study {study.slug} is closed already")
    study.status, study.closed_at = "closed", now()
    session.add(study)
    session.flush()


def _inherit_arms(session: Session, study: Study) -> None:
    """Imported slates that name no arm belong to the arm of their person."""
    arm = sa.select(col(Participant.arm_id)).where(col(Participant.id) == col(Slate.participant_id)).scalar_subquery()
    orphans = col(Slate.study_id) == study.id, col(Slate.arm_id).is_(None)
    session.connection().execute(sa.update(Slate).where(*orphans).values(arm_id=arm))


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


def _check_metric(metric: str, asked: list[str]) -> None:
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
    known = [known.name for known in instruments.load(instrument).constructs]
    if construct not in known:
        raise ValueError(f"primary_metric {metric!r}: {instrument} measures {', '.join(known)}")


def _check_consent(session: Session, study: Study) -> None:
    texts = session.exec(select(ConsentText).where(ConsentText.study_id == study.id)).all()
    missing = [
        language for language in study.languages if not any(t.language == language and t.text.strip() for t in texts)
    ]
    if missing:
        raise Conflict(f"the study {study.slug} has no consent text in {', '.join(missing)}; add it under [consent]")


def _cautions(session: Session, study: Study, serving: list[Arm]) -> list[str]:
    assert study.id is not None
    found = list(templates.load(study.domain).cautions)
    if any(arm.source == "imported" for arm in serving) and not _has_any(session, Slate, study.id):
        found.append("no slates are imported yet, and at least one arm shows imported slates")
    return found


def _has_any(session: Session, table: type[Item] | type[Slate], study_id: int) -> bool:
    return session.exec(select(table.id).where(table.study_id == study_id).limit(1)).first() is not None
