"""Is the process alive, and can it do its work? Two questions that load balancers ask."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from db.migrate import status
from recux.settings import Settings

router = APIRouter()


@router.get("/health")
def health(request: Request) -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok", "version": request.app.version}


@router.get("/ready")
def ready(request: Request, response: Response) -> dict[str, Any]:
    """Whether the database answers and has this version's tables; 503 with what to do when not."""
    checks = _checks(request.app.state.settings)
    if any(check != "ok" for check in checks.values()):
        response.status_code = 503
        return {"status": "not ready", "checks": checks}
    return {"status": "ok", "checks": checks}


def _checks(settings: Settings) -> dict[str, str]:
    try:
        current, newest = status(settings.url)
    except (SQLAlchemyError, OSError):  # the driver's words may hold addresses and names; the log has them
        return {"database": "cannot be reached; check RECUX_DATABASE_URL and that the server runs"}
    if current != newest:
        return {"database": "ok", "schema": f"at {current or 'nothing'}, needs {newest}; run `recux db upgrade`"}
    return {"database": "ok", "schema": "ok"}
