"""A tiny OpenID Connect provider: it signs everybody in as one person, at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.e2e.server import free_port

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@contextmanager
def provider(email: str) -> Iterator[str]:
    """Serve it while the block runs; gives the issuer's address."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(_app(issuer, email), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield issuer
    server.should_exit = True
    thread.join()


def _app(issuer: str, email: str) -> Starlette:
    nonces: dict[str, str] = {}

    async def metadata(_: Request) -> Response:
        names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        found = {f"{name}_endpoint": f"{issuer}/{path}" for name, path in names.items()}
        more = {"response_types_supported": ["code"], "id_token_signing_alg_values_supported": ["RS256"]}
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/keys", **found, **more})

    async def authorize(request: Request) -> Response:
        asked = request.query_params
        nonces["code"] = asked.get("nonce", "")
        return RedirectResponse(f"{asked['redirect_uri']}?code=code&state={asked['state']}")

    async def token(_: Request) -> Response:
        now = int(time.time())
        claims = {"iss": issuer, "sub": "42", "aud": "recux", "iat": now, "exp": now + 300, "nonce": nonces["code"]}
        claims |= {"email": email, "email_verified": True}
        id_token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": id_token})

    async def keys(_: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", metadata),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/keys", keys),
        ]
    )
