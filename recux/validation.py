"""What pydantic found, in words for people."""

from pydantic import ValidationError


def first_problem(error: ValidationError) -> str:
    """The first problem as ``key: what``, without jargon, and how many more there are."""
    problem = error.errors()[0]
    place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"])
    words = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        words = "is not a key that is known here"
    more = error.error_count() - 1
    return (f"{place}: {words}" if place else words) + (f" (and {more} more)" if more else "")
