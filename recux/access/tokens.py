"""Secrets that a browser or a link carries. The database keeps only their hashes."""

import hashlib
import secrets

TOKEN_BYTES = 16


def new_token() -> str:
    """A random secret of 128 bit, as 22 characters that are safe in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """SHA-256 of a token as 64 hex digits. Plain hashing is enough: 128 random bits cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
