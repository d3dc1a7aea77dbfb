"""What pydantic found, in words for people."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a key that is known here",
    "string_type": "must be a text, in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "dict_type": "must be a table with keys",
    "model_type": "must be a table with keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
"""What is wrong, by pydantic's name for it; its own words speak of dictionaries and inputs."""


def first_problem(error: ValidationError) -> str:
    """The first problem as ``key: what``, without jargon, and how many more there are."""
    problem = error.errors()[0]
    place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"])
    words = problem_in_words(problem)
    more = error.error_count() - 1
    return (f"{place}: {words}" if place else words) + (f" (and {more} more)" if more else "")


def problem_in_words(problem: ErrorDetails) -> str:
    """One of pydantic's problems, without the place."""
    return WORDS.get(problem["type"]) or problem["msg"].removeprefix("Value error, ").replace("Input should", "must")
