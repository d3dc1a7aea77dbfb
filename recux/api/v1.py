"""The first version of the API, as one application with its own OpenAPI document."""

from importlib.metadata import version
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI

from recux.access.keys import SCOPES
from recux.api import events, health, imports, people, predictions, problems, reading
from recux.api.admission import Doorkeeper
from recux.api.scorer import Scorer
from recux.settings import Settings

ABOUT = """Feedback in, slates and figures out. Every request but health and events needs `Authorization: Bearer KEY`.

Failures are problem documents (RFC 9457). Writes take an `Idempotency-Key`: the same key with the same request is
answered with the first answer for 24 hours. Lists come in pages: give `next` of one page as `after` of the next.
"""
WRITES_AT_ONCE = 16
"""Small writes that one process works on at the same time."""


def create_v1(settings: Settings) -> FastAPI:
    """The application behind ``/api/v1``. What it keeps in memory (known keys, rates, the scorer) is in its state."""
    api = FastAPI(
        title="recux",
        version=version("recux"),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "/api/v1"}],
    )
    api.state.settings = settings
    api.state.doorkeeper = Doorkeeper(settings)
    api.state.scorer = Scorer(settings)
    api.state.imports = CapacityLimiter(imports.AT_ONCE)
    # SQLite has one writer at a time: who waits here is served in turn, who waits for its lock sleeps and tries again
    api.state.writes = CapacityLimiter(1 if settings.url.startswith("sqlite") else WRITES_AT_ONCE)
    problems.add_to(api)
    for module in (health, imports, people, events, predictions, reading):
        api.include_router(module.router)
    api.openapi = lambda: _documented(api)  # type: ignore[method-assign]
    return api


def _documented(api: FastAPI) -> dict[str, Any]:
    if api.openapi_schema is None:
        document = FastAPI.openapi(api)
        schemas = document["components"]["schemas"]
        for model in (problems.Problem, events.Beacon):
            definition = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(definition.pop("$defs", {}))
            schemas[model.__name__] = definition
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        scopes = ", ".join(f"`{name}` ({what})" for name, what in SCOPES.items())
        document["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": f"A key with the scope that is named: {scopes}."}
        }
        for path in document["paths"].values():
            for operation in path.values():
                operation.pop("x-largest-body", None)
        api.openapi_schema = document
    return api.openapi_schema
