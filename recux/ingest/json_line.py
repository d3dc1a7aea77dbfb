"""A line of JSON Lines as what it means."""

import json
from typing import Any


def _one_meaning(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice in one object")
    return found


def _no_json(word: str) -> float | None:
    return None if word == "NaN" else float(word)


_strictly = json.JSONDecoder(object_pairs_hook=_one_meaning, parse_constant=_no_json).decode
_quickly = json.JSONDecoder(parse_constant=_no_json).decode


def decoded(line: str) -> Any:
    """The value, with None for NaN. Raises ValueError for what is no JSON and for an object that has a name twice.

    Telling the latter costs as much as reading does. In a flat object that is written without space before colons,
    every name is followed by ``":``; as many names as there are of these are all names.
    """
    if " :" in line or "\t:" in line or "\r:" in line:
        return _strictly(line)
    value = _quickly(line)
    plain = type(value) is dict and line.count('":') == len(value)
    return value if plain else _strictly(line)
