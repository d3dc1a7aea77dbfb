"""The address that somebody wanted before they went to the identity provider, which leads back to the first page only.

It waits in a cookie of the browser for some minutes: base64, when it ends, and HMAC-SHA256 under a key derived from
``RECUX_SECRET_KEY``, so that nobody else's address is ever followed.
"""

import base64
import hashlib
import hmac
import time

from recux.access.tokens import secret_keys

WANTED_COOKIE = "recux_wanted"
MINUTES = 15.0
"""How long signing in at the provider may take."""
LONGEST = 2000
"""Characters of an address that are kept; a longer one would not fit a cookie."""


def sealed(address: str, secret: str, *, at: float | None = None) -> str:
    """The cookie's value for ``address``, a path with its query; empty for one that is too long.

    ``at`` is the present moment in seconds since 1970, the clock's unless said.
    """
    if len(address.encode()) > LONGEST:
        return ""
    until = int((time.time() if at is None else at) + MINUTES * 60)
    written = base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")  # a cookie with "=" would be quoted
    text = f"{until}.{written}"
    return f"{text}.{_signature(text, secret_keys(secret)[0])}"


def opened(cookie: str, secret: str, *, at: float | None = None) -> str | None:
    """The address in a cookie's value; None when it is too old, or was not made by us."""
    text, _, signature = cookie.rpartition(".")
    if not any(hmac.compare_digest(_signature(text, key).encode(), signature.encode()) for key in secret_keys(secret)):
        return None
    until, _, written = text.partition(".")
    if float(until) < (time.time() if at is None else at):
        return None
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode()


def _signature(text: str, key: str) -> str:
    derived = hmac.new(key.encode(), b"recux wanted address", hashlib.sha256).digest()
    return hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()
