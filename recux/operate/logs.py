"""Logs: for people, or one JSON object a line (``RECUX_LOG=json``) with the request it belongs to.

Nobody's words, names or tokens are logged: a participant is a number of our own, a path its pattern.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from recux.settings import Settings

TEXT = "%(asctime)s %(name)s %(message)s"
TALKATIVE = ("httpx", "uvicorn", "streamlit", "alembic")
"""Libraries whose lines hold addresses, or say little."""
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the HTTP request or the open page that is being served."""
PARTICIPANT: ContextVar[int | None] = ContextVar("participant", default=None)
"""Number of the participant that the work is for: meaningless outside our database, and after erasure in it too."""


class Ours(logging.StreamHandler[TextIO]):
    """The handler of this process's log."""


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``logger``, ``message``, and what is known of the request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get() or None,
            "participant": PARTICIPANT.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None}, default=str)


def configure(settings: Settings) -> None:
    """Write this process's log to standard error, as the settings say."""
    handler = Ours(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for talkative in TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)


def adopt() -> None:
    """Let the loggers that Streamlit gave handlers of its own write as ours do, warnings and worse alone.

    Does nothing in a process whose log is somebody else's (``streamlit run``).
    """
    if not any(isinstance(handler, Ours) for handler in logging.getLogger().handlers):
        return
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        own = getattr(logger, "streamlit_console_handler", None)
        if own is not None:
            logger.removeHandler(own)
            logger.propagate = True
            logger.setLevel(logging.WARNING)
