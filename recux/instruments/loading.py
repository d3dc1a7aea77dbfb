"""Reading questionnaires from their files, and checking answers against them."""

import os
import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from recux.errors import InvalidInput, NotFound
from recux.instruments.model import NUMERIC, ByLanguage, Instrument, Question
from recux.instruments.sense import senseless
from recux.validation import problem_in_words

FOLDER = Path(__file__).parent
HERE = {
    "dict_type": 'must have one text for each language, as in title.en = "..."',
    "string_pattern_mismatch": "must be small letters, digits and _, a letter first, at most 64",
}
"""What is wrong in words that fit these files, by pydantic's name for it."""


def own_folder() -> Path:
    """Where an installation keeps instruments of its own: ``RECUX_HOME/instruments``, which need not exist."""
    return Path(os.environ.get("RECUX_HOME", "var")) / "instruments"


def available() -> list[str]:
    """Ids of the instruments that come with recux and of the installation's own, sorted."""
    return sorted({path.stem for folder in (FOLDER, own_folder()) for path in folder.glob("*.toml")})


@lru_cache(maxsize=64)
def load(instrument_id: str) -> Instrument:
    """The instrument with this id. Raises NotFound, and InvalidInput for a broken file or two with the same name."""
    if instrument_id not in available():
        raise NotFound(f"there is no instrument {instrument_id!r}; there are {', '.join(available())}")
    name = f"{instrument_id}.toml"
    found = [folder / name for folder in (FOLDER, own_folder()) if (folder / name).is_file()]
    if len(found) > 1:
        raise InvalidInput(f"{found[1]}: recux has an instrument of this name already; give yours another name and id")
    return read(found[0])


def construct_named(metric: str) -> ByLanguage | None:
    """What a metric ``INSTRUMENT.CONSTRUCT`` is called, by language; None where no questionnaire here has it."""
    name, dot, construct = metric.partition(".")
    if not dot or name not in available():
        return None
    titles = [one.title for one in load(name).constructs if one.name == construct]
    return {language: f"{name.upper()}: {title}" for language, title in titles[0].items()} if titles else None


def read(path: Path) -> Instrument:
    """The instrument in a TOML file, checked. Raises InvalidInput that names the file, the place and the rule."""
    try:
        instrument = Instrument.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name}: not a TOML file in UTF-8: {error}") from error
    except ValidationError as error:
        raise InvalidInput(f"{path.name}: {_in_words(error)}") from error
    if instrument.id != path.stem:
        raise InvalidInput(f"{path.name}: id is {instrument.id!r}, but must be the file's name, {path.stem!r}")
    if wrong := "; ".join(senseless(instrument)):
        raise InvalidInput(f"{path.name}: {wrong}")
    return instrument


def _in_words(error: ValidationError) -> str:
    lines, problems = [], error.errors()
    for problem in problems:
        inside = [one for one in problems if one["loc"][: len(problem["loc"])] == problem["loc"]]
        if problem["type"] == "too_short" and len(inside) > 1:
            continue  # what is broken was not counted; what is broken about it is said
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
        message = HERE.get(problem["type"]) or problem_in_words(problem)
        lines.append(f"{place}: {message}" if place else message)
    return "; ".join(lines)


def check_answer(question: Question, value: float | None, text: str | None) -> None:
    """Raise InvalidInput unless ``value`` or ``text`` answers ``question``.

    Numbers are whole and within the question's range (a slider may have decimals). A single choice is the option's
    value; a multiple choice is a text of option values, separated by ``;``. A text is not empty, has no null
    characters and keeps to the question's length.
    """
    if question.kind in NUMERIC:
        _check_number(question, value)
    elif question.kind == "single":
        _check_option(question, value)
    elif question.kind == "multiple":
        for part in _spoken(question, text).split(";"):
            _check_option(question, _number(question, part))
    else:
        _check_text(question, _spoken(question, text))


def _check_number(question: Question, value: float | None) -> None:
    low, high = question.bounds
    if value is None:
        raise InvalidInput(f"question {question.name!r} needs a number from {low} to {high}, not a text")
    if not low <= value <= high:
        raise InvalidInput(f"question {question.name!r}: {value:g} is not between {low} and {high}")
    if question.kind != "slider" and value != int(value):
        raise InvalidInput(f"question {question.name!r}: {value:g} is not a whole number")


def _check_option(question: Question, value: float | None) -> None:
    values = [option.value for option in question.options]
    if value not in values:
        raise InvalidInput(f"question {question.name!r}: {value} is none of {', '.join(map(str, values))}")


def _number(question: Question, part: str) -> float:
    try:
        return float(part)
    except ValueError as error:
        raise InvalidInput(f"question {question.name!r}: {part!r} is not the value of an option") from error


def _spoken(question: Question, text: str | None) -> str:
    if text is None or not text.strip():
        raise InvalidInput(f"question {question.name!r} needs a text")
    return text


def _check_text(question: Question, text: str) -> None:
    if "\0" in text:
        raise InvalidInput(f"question {question.name!r}: the text has a null character; remove it")
    if len(text) > question.max_length:
        raise InvalidInput(f"question {question.name!r}: {len(text)} characters, at most {question.max_length}")
