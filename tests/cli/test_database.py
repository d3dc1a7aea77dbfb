"""The commands meet databases and settings that cannot be used, and say so in one line."""

import io
import json
import sys

import pytest


def test_the_database_goes_up_and_down_but_not_down_unasked(ok, recux, monkeypatch):
    assert json.loads(ok("db", "status", "--json"))["up_to_date"] is True
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert recux("db", "downgrade", "base")[0] == 1
    assert json.loads(ok("db", "status", "--json"))["up_to_date"] is True
    ok("db", "downgrade", "base", "--yes")
    assert json.loads(ok("db", "status", "--json"))["current"] is None
    ok("db", "upgrade")
    assert ok("study", "list").startswith("slug")


def test_an_empty_database_is_migrated_by_the_first_command(ok, tmp_path, monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", f"sqlite:///{tmp_path / 'fresh.db'}")
    ok("study", "create", "first")
    assert "first" in ok("study", "list")


def test_a_database_of_another_version_is_refused_with_the_remedy(recux, tmp_path, monkeypatch):
    import sqlite3

    path = tmp_path / "future.db"
    monkeypatch.setenv("RECUX_DATABASE_URL", f"sqlite:///{path}")
    recux("study", "list")
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    code, _, err = recux("study", "list")
    assert code == 1
    assert "recux db upgrade" in err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:1/recux", "127.0.0.1:1/recux"),
        ("sqlite:////proc/nowhere/recux.db", "/proc/nowhere"),
        ("nonsense", "is not a database URL"),
        ("oracle99://x", "is not a database URL"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(recux, monkeypatch, url, said):
    monkeypatch.setenv("RECUX_DATABASE_URL", url)
    code, out, err = recux("study", "list")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert said in err
    assert "hunter2" not in err
    assert "Traceback" not in err


def test_a_wrong_setting_is_named(recux, monkeypatch):
    monkeypatch.setenv("RECUX_PORT", "many")
    code, _, err = recux("study", "list")
    assert code == 1
    assert "the setting RECUX_PORT is wrong" in err


def test_an_unexpected_failure_is_one_line_too(recux, monkeypatch):
    def fail(*_args, **_more):
        raise ZeroDivisionError("quite\nunexpected")

    monkeypatch.setattr("recux.collect.studies.list_studies", fail)
    code, _, err = recux("study", "list")
    assert code == 1
    assert err == (
        "error: unexpected ZeroDivisionError: quite unexpected. Run it again with RECUX_DEBUG=1 to see where, "
        "and report it\n"
    )
