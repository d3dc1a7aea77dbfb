"""An exception -> one line that says what was wrong and what to do."""

from pydantic import ValidationError
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from recux.errors import RecuxError
from recux.settings import Settings
from recux.validation import first_problem


def explain(error: Exception) -> str:
    """What to tell the person, in one line and without secrets."""
    if isinstance(error, RecuxError):
        return _one_line(str(error))
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return f"the database {_database()} cannot be used: {_driver_words(error)}. Check RECUX_DATABASE_URL"
    if isinstance(error, exc.ArgumentError | exc.NoSuchModuleError):
        return "RECUX_DATABASE_URL is not a database URL that recux knows; write postgresql://USER:PASSWORD@HOST/NAME"
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        setting, _, words = _one_line(first_problem(error)).partition(": ")
        return f"the setting RECUX_{setting.upper()} is wrong: {words}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    words = _one_line(str(error))[:500]
    return f"unexpected {type(error).__name__}: {words}. Run it again with RECUX_DEBUG=1 to see where, and report it"


def _database() -> str:
    try:
        return make_url(Settings().url).render_as_string(hide_password=True)
    except (exc.ArgumentError, ValidationError):
        return "of RECUX_DATABASE_URL"


def _driver_words(error: exc.DBAPIError) -> str:
    words = str(error.orig).strip().splitlines() if error.orig else [str(error)]
    return words[0].rstrip(".")[:300] if words else type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())
