"""What a study's file may say about its flow: the steps, the design, and the panel that sends people."""

import re
from collections.abc import Iterable, Sequence
from string import Formatter
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

STEPS = ("consent", "preferences", "slate", "questionnaires", "thanks")
PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Panel(BaseModel):
    """A panel (Prolific and the like) that sends people with an id in the address, and takes them back at the end."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    parameter: str = "PROLIFIC_PID"
    """Name of the address's parameter that holds the member's id."""
    also: list[str] = ["STUDY_ID", "SESSION_ID"]
    """Further parameters that are kept, sealed, with the id."""
    completion_code: str = Field(default="", max_length=64)
    """Shown on the last page, for the person to enter at the panel."""
    completion_url: str = Field(default="", max_length=2000)
    """Where the last page leads back to; ``{PARAMETER}`` stands for what the panel sent in that parameter."""

    @field_validator("parameter", "also")
    @classmethod
    def _parameter_names(cls, names: str | list[str]) -> str | list[str]:
        for name in [names] if isinstance(names, str) else names:
            if not PARAMETER.fullmatch(name):
                raise ValueError(f"{name!r} cannot be a parameter of an address: use letters, digits, _ and -")
        return names

    @model_validator(mode="after")
    def _leads_back(self) -> Self:
        if not self.completion_url:
            return self
        parts = urlsplit(self.completion_url)
        if parts.scheme != "https" or not parts.hostname or "{" in parts.netloc:
            raise ValueError("completion_url must begin with https:// and name a host")
        try:
            used = {name for _, name, form, _ in Formatter().parse(self.completion_url) if name is not None or form}
        except ValueError:
            used = {None}
        if not used <= {self.parameter, *self.also}:
            known = ", ".join(f"{{{name}}}" for name in (self.parameter, *self.also))
            raise ValueError(f"completion_url: only {known} may stand in braces")
        return self


def check_steps(steps: Sequence[str], asked: Sequence[str]) -> None:
    """Refuse steps that are unknown, doubled, in an impossible order, or that leave an instrument out."""
    for step in steps:
        if step not in STEPS and step not in asked:
            raise ValueError(
                f"steps: {step!r} is none of {', '.join(STEPS)}, and none of the study's instruments "
                f"({', '.join(asked) or 'there are none'})"
            )
        if steps.count(step) > 1:
            raise ValueError(f"steps: {step!r} is there more than once; a crossover study repeats its slate by itself")
    if len(steps) < 2 or steps[0] != "consent" or steps[-1] != "thanks":
        raise ValueError("steps must begin with 'consent' and end with 'thanks'")
    if "preferences" in steps and "slate" in steps and steps.index("preferences") > steps.index("slate"):
        raise ValueError("steps: 'preferences' must come before 'slate', which is made from them")
    never = [name for name in asked if name not in steps and "questionnaires" not in steps]
    if never:
        raise ValueError(
            f"steps: {never[0]!r} would never be asked; name it, or 'questionnaires' for all that are left"
        )


def check_design(
    design: str, steps: Sequence[str], per_list: Sequence[str], asked: Sequence[str], weights: Sequence[float]
) -> None:
    """Refuse a crossover study that is not two arms of the same weight, and instruments per list without two lists."""
    if design == "between":
        if per_list:
            raise ValueError('per_list needs design = "crossover"; otherwise there is one list, and all is asked once')
        return
    serving = [weight for weight in weights if weight > 0]
    if len(serving) != 2 or serving[0] != serving[1]:
        raise ValueError('design = "crossover" compares exactly two arms, with the same weight')
    if "slate" not in steps:
        raise ValueError("design = \"crossover\" needs the step 'slate'")
    unknown = [name for name in per_list if name not in asked]
    if unknown:
        raise ValueError(f"per_list: {unknown[0]!r} is not among the instruments ({', '.join(asked)})")
    twice = [name for name in per_list if name in steps]
    if twice:
        raise ValueError(f"per_list: {twice[0]!r} is asked after each list; take it out of steps")


def check_languages(key: str, texts: Iterable[str], languages: Sequence[str]) -> None:
    """Refuse texts in languages that the study is not in: nobody would ever read them."""
    for language in texts:
        if language not in languages:
            raise ValueError(f"{key}: {language!r} is not among the study's languages ({', '.join(languages)})")
