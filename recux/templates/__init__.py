"""Study templates of the five domains: words, item fields, instruments, consent text, objectives and cautions."""

import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recux.errors import NotFound

FOLDER = Path(__file__).parent


class Words(BaseModel):
    """What participants read instead of "item", in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    item: str
    items: str
    rate: str
    """The request above the list."""


class Template(BaseModel):
    """One domain. Consent, vocabulary: by language."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    domain: str
    title: str
    vocabulary: dict[str, Words]
    item_fields: tuple[str, ...]
    """Columns of items that matter here, the most telling first."""
    instruments: tuple[str, ...]
    objectives: dict[str, float]
    """``p95_ms`` in milliseconds, ``failure_rate`` as a share."""
    cautions: tuple[str, ...]
    """What whoever runs a study in this domain must keep in mind."""
    consent: dict[str, str]

    def words(self, language: str | None) -> Words:
        """The vocabulary in ``language``, or in English."""
        return self.vocabulary.get(language or "en", self.vocabulary["en"])


def available() -> list[str]:
    """The domains, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@lru_cache(maxsize=16)
def load(domain: str) -> Template:
    """The template of a domain. Raises NotFound."""
    if domain not in available():
        raise NotFound(f"there is no template {domain!r}; there are {', '.join(available())}")
    return Template.model_validate(tomllib.loads((FOLDER / f"{domain}.toml").read_text(encoding="utf-8")))
