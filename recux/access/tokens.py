"""Secrets that a browser or a link carries. The database keeps only their hashes."""

import hashlib
import secrets

TOKEN_BYTES = 16
SHORTEST_KEY = 32
"""Characters of a key in ``RECUX_SECRET_KEY``."""


def secret_keys(secret: str) -> tuple[str, ...]:
    """The keys in ``RECUX_SECRET_KEY``, separated by commas: the first is in use, the others were before it and only
    open what they had sealed or signed. A comma beside which fewer than 32 characters stand belongs to a key.
    """
    parts = tuple(part.strip() for part in secret.split(","))
    return parts if min(map(len, parts)) >= SHORTEST_KEY else (secret,)


def new_token() -> str:
    """A random secret of 128 bit, as 22 characters that are safe in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """SHA-256 of a token as 64 hex digits. Plain hashing is enough: 128 random bits cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
