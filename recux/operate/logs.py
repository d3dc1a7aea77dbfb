"""Logs: for people, or one JSON object a line (``RECUX_LOG=json``) with the request it belongs to.

Nobody's words, names or tokens are logged: a participant is a number of our own, a path its pattern.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from recux.settings import Settings

TEXT = "%(asctime)s %(name)s %(message)s"
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the HTTP request or the open page that is being served."""
PARTICIPANT: ContextVar[int | None] = ContextVar("participant", default=None)
"""Number of the participant that the work is for: meaningless outside our database, and after erasure in it too."""


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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for talkative in ("httpx", "uvicorn", "streamlit", "alembic"):  # their lines hold addresses, or say little
        logging.getLogger(talkative).setLevel(logging.WARNING)
