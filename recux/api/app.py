"""The FastAPI application behind ``/api``."""

from importlib.metadata import version

from fastapi import FastAPI

from recux.api import health, problems
from recux.api.quick import QuickLane
from recux.api.v1 import create_v1
from recux.settings import Settings


def create_api(settings: Settings) -> FastAPI:
    """The API of this process. Its interactive documentation would load foreign scripts, so it is off."""
    api = FastAPI(title="recux", version=version("recux"), docs_url=None, redoc_url=None, openapi_url=None)
    api.state.settings = settings
    problems.add_to(api)
    api.include_router(health.router)
    v1 = create_v1(settings)
    api.mount("/v1", QuickLane(v1, v1.state.doorkeeper, v1.state.writes))
    return api
