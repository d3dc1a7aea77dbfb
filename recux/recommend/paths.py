"""Where things stand in a foreign JSON document: a small, exact part of JSONPath (RFC 9535).

``$.data.items``, ``data['odd name'][0]``, ``results[-1]``, ``groups[*].items[*].id``: names after a dot or quoted in
brackets, positions from 0 or from the end, and ``[*]`` (or ``.*``) for everything. The ``$`` in front may be left out.
Filters, slices and ``..`` are not known and are refused when the study is defined.
"""

import re
from functools import lru_cache
from typing import Any

Step = str | int | None
"""A name, a position, or None for everything."""
TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]\s'"*$?@():,]+)
    | \[(?P<index>-?\d{1,9})\]
    | \['(?P<single>[^']*)'\] | \["(?P<double>[^"]*)"\]
    | (?P<all>\[\*\]|\.\*)""",
    re.VERBOSE,
)


@lru_cache(maxsize=256)
def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; none for the whole document. Raises ValueError that says where it is not understood."""
    rest = path.strip().removeprefix("$")
    steps: list[Step] = []
    place = 0
    while place < len(rest):
        found = TOKEN.match(rest, place)
        if found is None or (found["name"] and place and rest[place] != "."):
            raise ValueError(f"the path {path!r} is not understood from {rest[place:][:20]!r} on")
        steps.append(_step(found))
        place = found.end()
    return tuple(steps)


def at(document: Any, path: str) -> Any:
    """What stands at ``path``, or None. A path with ``[*]`` finds a list of all that it meets."""
    steps = parse(path)
    found = [document]
    for step in steps:
        found = [inner for one in found for inner in _inside(one, step)]
    if None in steps:
        return found
    return found[0] if found else None


def _step(found: re.Match[str]) -> Step:
    if found["all"]:
        return None
    if found["index"]:
        return int(found["index"])
    return next(part for part in (found["name"], found["single"], found["double"]) if part is not None)


def _inside(document: Any, step: Step) -> list[Any]:
    if isinstance(document, dict):
        if step is None:
            return list(document.values())
        return [document[step]] if isinstance(step, str) and step in document else []
    if not isinstance(document, list):
        return []
    if step is None:
        return document
    place = int(step) if isinstance(step, int) or step.isdecimal() else None
    return [document[place]] if place is not None and -len(document) <= place < len(document) else []
