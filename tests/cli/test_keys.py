"""``recux key``: made once, listed without secrets, revoked; and the key that a web app signs with."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from recux.cli.keys import expiry
from recux.errors import InvalidInput


def test_a_key_is_shown_once_listed_and_revoked(ok):
    ok("study", "create", "shop")
    made = json.loads(ok("key", "create", "backend", "--scope", "read", "--study", "shop", "--expires", "2d", "--json"))
    listed = ok("key", "list")
    assert made["prefix"] in listed
    assert made["key"] not in listed
    ok("key", "revoke", made["prefix"])
    assert json.loads(ok("key", "list", "--json"))[0]["revoked"] is True


def test_an_unknown_scope_and_a_missing_secret_are_one_clear_line(recux, ok, monkeypatch):
    ok("study", "create", "shop")
    code, _, err = recux("key", "create", "x", "--scope", "all")
    assert (code, "the scopes are" in err) == (1, True)
    code, _, err = recux("key", "embed", "--study", "shop")
    assert (code, "RECUX_SECRET_KEY" in err) == (1, True)
    monkeypatch.setenv("RECUX_SECRET_KEY", "s" * 40)
    assert len(ok("key", "embed", "--study", "shop").strip()) == 64


def test_when_a_key_ends():
    soon = datetime.now(UTC)
    assert timedelta(hours=11.9) < expiry("12h") - soon < timedelta(hours=12.1)
    assert expiry("2w") - expiry("14d") < timedelta(seconds=5)
    assert expiry("2027-06-30") == datetime(2027, 7, 1, tzinfo=UTC)
    for wrong in ("soon", "d", "1y", "-1d"):
        with pytest.raises(InvalidInput, match="12h, 90d"):
            expiry(wrong)
