"""Requests that schemathesis draws from our own document: nothing breaks, and every answer is as documented."""

import pytest

from benchmarks.api import fuzz


def test_drawn_requests_break_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for name in ("HOME", "DATABASE_URL", "SECRET_KEY"):
        monkeypatch.setenv(f"RECUX_{name}", "")  # set by the run; put back afterwards
    found = fuzz.measure(requests=50)
    assert (found.server_errors, found.violations) == (0, [])
    assert found.requests >= 40
    assert {200, 404} <= set(found.statuses)
