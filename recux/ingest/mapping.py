"""Map files: how somebody else's columns become ours.

A map is TOML with the sections ``columns``, ``constants``, ``values``, ``rescale``, ``units``, ``join``,
``separators`` and ``options``; ``examples/README.md`` explains each with a shipped file.
"""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from recux.errors import InvalidInput, NotFound
from recux.ingest.kinds import KINDS, NAMING_ITEMS, column_of
from recux.validation import first_problem

PREFIX = "_prefix"
MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6}
"""How many milliseconds each unit has."""
Unit = Literal["ns", "us", "ms", "s", "min", "h"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; write UTC, or a name such as Europe/Berlin") from error
    return name


class Rescale(BaseModel):
    """Their scale, from the worst to the best value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bounds: tuple[float, float] = Field(alias="from")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        low, high = self.bounds
        if not (low < high and math.isfinite(4 * (high - low))):  # no step of reading a rating may overflow
            raise ValueError(f"from = [{low:g}, {high:g}] must be [lowest, highest], both finite")
        return self


class Options(BaseModel):
    """What to do beside renaming."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    create_items: bool = False
    """Create items that are not known yet instead of quarantining the row."""
    row_number_as: str | None = None
    """Our column that takes the number of the row, from 1, where the data have none."""
    timezone: Annotated[str, AfterValidator(_known_zone)] | None = None
    """Zone of times that name none, for example ``UTC`` or ``Europe/Berlin``."""


class Map(BaseModel):
    """A whole map; the empty one takes every column by its own name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | bool | int | float] = Field(default_factory=dict)
    values: dict[str, dict[str, Any]] = Field(default_factory=dict)
    rescale: dict[Literal["rating"], Rescale] = Field(default_factory=dict)
    units: dict[Literal["duration_ms", "dwell_ms"], Unit] = Field(default_factory=dict)
    join: dict[str, list[str]] = Field(default_factory=dict)
    separators: dict[str, str] = Field(default_factory=dict)
    options: Options = Options()

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, sections: Any) -> Any:
        """``attr.age = "Age"`` is a nested table to TOML; to us it is one name."""
        if not isinstance(sections, dict):
            return sections
        flat = {
            name: _flat(sections[name]) for name in ("columns", "constants", "join", "separators") if name in sections
        }
        return {**sections, **flat}

    def prefixes(self) -> dict[str, str]:
        """Our column -> the prefix of its values."""
        ours = self.constants.items()
        return {name.removesuffix(PREFIX): str(value) for name, value in ours if name.endswith(PREFIX)}

    def fixed(self) -> dict[str, str | bool | int | float]:
        """Our column -> its one value for every row."""
        return {name: value for name, value in self.constants.items() if not name.endswith(PREFIX)}

    def ours(self) -> set[str]:
        """Our columns that the map fills."""
        numbered = {self.options.row_number_as} if self.options.row_number_as else set()
        return {*self.columns, *self.join, *self.fixed(), *numbered}


def read_map(path: Path) -> Map:
    """Read a map file. Raises NotFound or InvalidInput that names the file and the key."""
    if not path.is_file():
        raise NotFound(f"{path}: there is no such map file")
    try:
        return Map.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} is not a TOML file: {error}") from None
    except ValidationError as error:
        raise InvalidInput(f"{path.name}: {first_problem(error)}") from None


def check_map(mapping: Map, kind: str, columns: tuple[str, ...]) -> None:
    """Whether the map fits the kind and the file. Raises InvalidInput that names the wrong key."""
    mentioned = {*mapping.ours(), *mapping.prefixes(), *mapping.values, *mapping.rescale, *mapping.units}
    for name in sorted(mentioned | set(mapping.separators)):
        if column_of(kind, name) is None:
            extra = ", attr.NAME" if kind in {"participants", "items"} else ""
            extra += ", item.NAME" if kind in NAMING_ITEMS else ""
            known = ", ".join(column.name for column in KINDS[kind])
            raise InvalidInput(f"the map names {name!r}, which {kind} do not have; they have {known}{extra}")
    wanted = {ours: [theirs] for ours, theirs in mapping.columns.items()} | mapping.join
    for ours, theirs in wanted.items():
        missing = [column for column in theirs if column not in columns]
        if missing:
            raise InvalidInput(
                f"the map takes {ours} from the column {missing[0]!r}, which the file does not have; "
                f"it has {', '.join(columns)}"
            )


def _flat(table: Any, before: str = "") -> Any:
    if not isinstance(table, dict):
        return table
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{before}{name}."))
        else:
            flat[f"{before}{name}"] = value
    return flat
