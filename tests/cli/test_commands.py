"""Every command: what it prints where, and how it exits."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile

import pytest
import typer.main
from sqlmodel import select

from db.engine import engine_for, read_session
from db.tables import Audit
from recux.cli.app import app
from recux.settings import Settings
from tests.cli.conftest import piped

ITEMS = "item_id,title\ni1,One\ni2,Two\n"
RATINGS = "participant_id,item_id,rating\np1,i1,4\np2,i2,5\n"


def walk(command, path=()):
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from walk(child, (*path, name))


COMMANDS = dict(walk(typer.main.get_command(app)))
PROMISED = [
    "demo", "serve", "worker",
    "db upgrade", "db downgrade", "db status", "db backup", "db restore",
    "study create", "study list", "study show", "study launch", "study close", "study invite", "study export",
    "study erase",
    "import", "batch close", "round run", "round list", "round show", "report", "predict",
    "user create", "user list", "user disable",
]  # fmt: skip


@pytest.fixture
def pilot(ok, tmp_path):
    """A study named spring with two items; returns a way to write files."""
    ok("study", "create", "spring")

    def write(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    ok("import", "items", write("items.csv", ITEMS), "--study", "spring")
    return write


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_command_explains_itself_with_an_example(recux, name):
    assert tuple(name.split()) in COMMANDS
    code, out, _ = recux(*name.split(), "--help")
    assert code == 0
    assert f"Example: recux {name}" in " ".join(out.split())


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("study", "nonsense"),
        ("study", "create"),
        ("import", "films", "x.csv", "--study", "a"),
        ("import", "items", "x.csv"),
        ("predict", "--study", "a", "--head", "mood"),
        ("report", "--study", "a", "--format", "pdf"),
        ("report", "--study", "a", "--language", "fr"),
        ("report", "--study", "a", "--language", "../../etc"),
        ("serve", "--port", "0"),
        ("demo", "--rounds", "0"),
        ("study", "invite", "a", "--count", "0"),
        ("user", "create", "a@b.c", "--role", "king"),
        ("study", "list", "--nonsense"),
    ],
)
def test_wrong_usage_exits_with_two(recux, words):
    code, out, err = recux(*words)
    assert (code, out) == (2, "")
    assert "Usage" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("study", "show", "none"), "there is no study 'none'"),
        (("study", "create", "No Slug"), "cannot name a study"),
        (("study", "create", "a", "--file", "none.toml"), "no such file"),
        (("study", "create", "a", "--template", "space"), "no template 'space'"),
        (("import", "items", "none.csv", "--study", "spring"), "no such file"),
        (("import", "items", "items.csv", "--study", "none"), "there is no study 'none'"),
        (("round", "run", "--study", "spring"), "no ratings or answers since its last batch"),
        (("batch", "close", "--study", "spring"), "no ratings or answers since its last batch"),
        (("round", "show", "--study", "spring"), "no rounds yet"),
        (("report", "--study", "none"), "there is no study 'none'"),
        (("user", "disable", "nobody@example.org"), "nobody@example.org"),
        (("db", "restore", "none.zip"), "none.zip"),
        (("db", "downgrade", "9999", "--yes"), "9999"),
    ],
)
def test_a_failure_is_one_line_and_exits_with_one(recux, pilot, words, said):
    code, out, err = recux(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_import_prints_exactly_the_promised_document(ok, pilot):
    path = pilot("ratings.csv", RATINGS)
    first = json.loads(ok("import", "ratings", path, "--study", "spring", "--json"))
    assert first == {"read": 2, "written": 2, "updated": 0, "unchanged": 0, "quarantined": 0, "quarantine_file": None}
    second = json.loads(ok("import", "ratings", path, "--study", "spring", "--json"))
    assert second == first | {"written": 0, "unchanged": 2}


def test_a_refused_import_prints_its_document_too_and_leaves_a_quarantine_file_in_home(recux, pilot, home):
    path = pilot("bad.csv", RATINGS + "p3,i1,7\n")
    code, out, err = recux("import", "ratings", path, "--study", "spring", "--json")
    document = json.loads(out)
    assert code == 1
    assert err.count("\n") == 1
    assert "bad.csv: nothing was written" in err
    assert (document["read"], document["written"], document["quarantined"]) == (3, 0, 1)
    assert document["read"] == sum(document[name] for name in ("written", "updated", "unchanged", "quarantined"))
    [file] = (home / "quarantine").iterdir()
    assert str(file.resolve()) == document["quarantine_file"]
    [row] = csv.DictReader(file.open(encoding="utf-8"))
    assert (row["file"], row["line"], row["column"], row["value"]) == ("bad.csv", "4", "rating", "7")
    code, out, _ = recux("import", "ratings", path, "--study", "spring", "--json", "--skip-bad")
    assert (code, json.loads(out)["written"]) == (0, 2)


def test_an_import_comes_through_a_pipe_or_from_standard_input(ok, pilot, tmp_path, monkeypatch):
    with piped(tmp_path, RATINGS.encode()) as pipe:
        assert ok("import", "ratings", pipe, "--study", "spring").startswith("read 2, written 2")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RATINGS.encode())))
    assert ok("import", "ratings", "-", "--study", "spring").startswith("read 2, written 0, updated 0, unchanged 2")


def test_a_dry_run_says_what_would_happen(ok, pilot):
    path = pilot("ratings.csv", RATINGS)
    assert ok("import", "ratings", path, "--study", "spring", "--dry-run").startswith("dry run: read 2, written 2")
    assert json.loads(ok("study", "show", "spring", "--json"))["ratings"] == 0


def test_a_study_lives_from_draft_to_closed(ok, recux, pilot):
    assert "spring" in ok("study", "list")
    ok("study", "launch", "spring")
    assert json.loads(ok("study", "show", "spring", "--json"))["status"] == "live"
    ok("study", "close", "spring")
    assert [study["status"] for study in json.loads(ok("study", "list", "--json"))] == ["closed"]
    code, _, err = recux("import", "items", pilot("more.csv", ITEMS), "--study", "spring")
    assert code == 1
    assert "is closed" in err


def test_a_round_of_three_ratings_runs_to_its_end_and_only_once(ok, recux, pilot, home):
    ok("import", "ratings", pilot("r.csv", RATINGS + "p3,i1,3\n"), "--study", "spring")
    recipe = pilot("recipe.json", '{"epochs": 2, "seed": 1, "lr": "fast"}')
    code, _, err = recux("round", "run", "--study", "spring", "--recipe", recipe)
    assert (code, "lr is 'fast', must be of type float" in err) == (1, True)
    recipe = pilot("recipe.json", '{"epochs": 2, "seed": 1, "device": "cuda:7"}')
    asked = ("--seed", "3", "--device", "cpu", "--recipe", recipe)
    done = json.loads(ok("round", "run", "--study", "spring", *asked, "--json"))
    (job,) = home.rglob("job.json")
    written = json.loads(job.read_text())["recipe"]
    assert [written[name] for name in ("epochs", "seed", "device")] == [2, 3, "cpu"]
    assert (done["number"], done["status"], done["batch_size"]) == (1, "done", 3)
    assert [one["number"] for one in json.loads(ok("round", "list", "--study", "spring", "--json"))] == [1]
    assert ok("round", "show", "--study", "spring").startswith("round 1 is done, batch of 3 ratings and 0 answers")
    code, _, err = recux("round", "search", "--study", "spring", "--trials", "1", "-o", str(home / "best.json"))
    assert code == 1
    assert re.search(r"rating: [0-3] labelled examples, at least 20 needed", err)  # who teaches is drawn by the salt
    code, _, err = recux("round", "run", "--study", "spring")
    assert code == 1
    assert "since its last batch" in err
    code, _, err = recux("round", "show", "7", "--study", "spring")
    assert code == 1
    assert "no round 7" in err
    code, _, err = recux("predict", "--study", "spring", "--head", "satisfaction", pilot("t.txt", "good"))
    assert code == 1
    assert "no model serves" in err


@pytest.mark.parametrize(("form", "begins"), [("json", "{"), ("md", "# "), ("html", "<!doctype html")])
def test_a_report_is_written_before_any_round(ok, pilot, tmp_path, form, begins):
    target = tmp_path / f"report.{form}"
    ok("report", "--study", "spring", "--format", form, "-o", target)
    assert target.read_text(encoding="utf-8").lstrip().lower().startswith(begins)


def test_a_report_is_in_the_language_that_was_asked_for_however_it_is_written(ok, recux, pilot):
    for code in ("zh_CN", "zh-CN"):
        assert "人们有多满意？" in ok("report", "--study", "spring", "--format", "md", "--language", code)
    assert "there are en, zh_CN" in " ".join(recux("report", "--study", "spring", "--language", "fr")[2].split())


def test_a_closed_batch_waits_for_a_worker(ok, pilot):
    ok("import", "ratings", pilot("r.csv", RATINGS), "--study", "spring")
    assert json.loads(ok("batch", "close", "--study", "spring", "--json")) == {
        "study": "spring",
        "round": 1,
        "status": "queued",
    }
    assert json.loads(ok("round", "show", "--study", "spring", "--json"))["status"] == "queued"


def test_invites_are_links_to_the_public_address(ok, pilot, monkeypatch):
    monkeypatch.setenv("RECUX_PUBLIC_URL", "https://feedback.example/")
    lines = ok("study", "invite", "spring", "--count", "3").splitlines()
    assert len(lines) == 3
    assert all("https://feedback.example/join/" in line for line in lines)
    [link] = json.loads(ok("study", "invite", "spring", "--participant", "ada", "--json"))
    assert link["participant_id"] == "ada"


def test_an_export_holds_every_row_and_no_secret_and_no_formula(ok, recux, pilot, tmp_path):
    ok(
        "import",
        "ratings",
        pilot("r.csv", 'participant_id,item_id,rating,comment\np1,i1,4,"=1+1"\n'),
        "--study",
        "spring",
    )
    ok("study", "invite", "spring")
    ok("study", "create", "other")
    assert "wrote" in ok("study", "export", "spring", "-o", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        tables = {name: list(csv.DictReader(io.StringIO(archive.read(name).decode()))) for name in archive.namelist()}
    assert [row["slug"] for row in tables["study.csv"]] == ["spring"]
    assert "salt" not in tables["study.csv"][0]
    assert "invite_hash" not in tables["participant.csv"][0]
    assert [row["comment"] for row in tables["rating.csv"]] == ["'=1+1"]
    assert len(tables["item.csv"]) == 2
    assert not {"user_account.csv", "browser_session.csv", "audit.csv"} & set(tables)
    ok("study", "export", "spring", "-o", tmp_path / "folder")
    assert (tmp_path / "folder" / "rating.csv").is_file()
    code, _, err = recux("study", "export", "spring", "-o", tmp_path / "out.zip")
    assert code == 1
    assert "never overwrites" in err


def test_an_export_masks_what_people_wrote_unless_it_is_asked_for_raw_and_the_log_says_so(ok, pilot, tmp_path, home):
    said = "ask me: ann@example.org or 0171 2345678"
    ok(
        "import",
        "ratings",
        pilot("r.csv", f"participant_id,item_id,rating,comment\np1,i1,4,{said}\n"),
        "--study",
        "spring",
    )
    comments = {}
    for name, more in (("masked", []), ("raw", ["--raw"])):
        ok("study", "export", "spring", "-o", tmp_path / name, *more)
        with (tmp_path / name / "rating.csv").open(encoding="utf-8") as handle:
            comments[name] = next(csv.DictReader(handle))["comment"]
    assert comments["raw"] == said
    assert comments["masked"].startswith("ask me: ")
    assert "ann@" not in comments["masked"]
    assert "2345678" not in comments["masked"]
    with read_session(engine_for(Settings().url)) as session:
        noted = session.exec(select(Audit.details).where(Audit.action == "study.export").order_by(Audit.id)).all()
    assert [details["raw"] for details in noted] == [False, True]


def test_erasing_takes_everything_of_one_study_and_nothing_of_another(ok, recux, pilot, home):
    bad = pilot("bad.csv", RATINGS + "p3,i1,7\n")
    ok("import", "ratings", bad, "--study", "spring", "--skip-bad")
    ok("study", "create", "other")
    ok("import", "items", pilot("items.csv", ITEMS), "--study", "other")
    ok("study", "erase", "spring", "--yes")
    assert [study["slug"] for study in json.loads(ok("study", "list", "--json"))] == ["other"]
    assert json.loads(ok("study", "show", "other", "--json"))["items"] == 2
    assert list((home / "quarantine").iterdir()) == []


def test_erasing_without_confirmation_erases_nothing(recux, ok, pilot, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, _, _ = recux("study", "erase", "spring")
    assert code == 1
    assert "spring" in ok("study", "list")


def test_users_get_a_generated_password_once(ok, recux):
    assert ok("user", "create", "ada@example.org", "--role", "admin").startswith("password: ")
    assert json.loads(ok("user", "list", "--json")) == [
        {"email": "ada@example.org", "role": "admin", "disabled": False}
    ]
    ok("user", "disable", "ada@example.org")
    assert "True" in ok("user", "list")
    code, _, err = recux("user", "create", "ada@example.org")
    assert code == 1
    assert "ada@example.org" in err


def test_the_installed_command_keeps_json_and_messages_apart(home, tmp_path):
    (tmp_path / "items.csv").write_text(ITEMS)
    program = [sys.executable, "-m", "recux.cli"]
    subprocess.run([*program, "study", "create", "spring"], check=True, capture_output=True)
    done = subprocess.run(
        [*program, "import", "items", "items.csv", "--study", "spring", "--json"], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["written"] == 2
    failed = subprocess.run([*program, "study", "show", "none"], capture_output=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert b"Traceback" not in failed.stderr


def test_help_and_lists_are_quick_because_heavy_modules_stay_out(home):
    code = (
        "import sys; from recux.cli import main\nsys.argv = ['recux', 'study', 'list']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'transformers', 'streamlit', 'dbos', 'scipy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_open_link_has_a_cap_and_a_panels_parameters_and_can_be_ended(ok, pilot, monkeypatch):
    monkeypatch.setenv("RECUX_SECRET_KEY", "k" * 32)
    made = ("study", "invite", "spring", "--open", "--cap", "5", "--panel", "RID", "--completion-code", "C1", "--json")
    link = json.loads(ok(*made))
    assert link["link"].endswith("?RID=...&STUDY_ID=...&SESSION_ID=...")
    assert (link["cap"], link["taken"]) == (5, 0)
    assert json.loads(ok("study", "panel", "spring", "--json")) == []
    assert "open_hash" not in json.loads(ok("study", "show", "spring", "--json"))
    assert "ended 1 link" in ok("study", "invite", "spring", "--open", "--revoke")


def test_a_panel_without_the_servers_key_is_refused_in_one_line(recux, pilot):
    code, out, err = recux("study", "invite", "spring", "--open", "--panel", "PROLIFIC_PID")
    assert (code, out) == (1, "")
    assert "set RECUX_SECRET_KEY" in err


@pytest.mark.parametrize("options", [["--open", "--count", "3"], ["--cap", "3"], ["--revoke"]])
def test_options_of_links_that_do_not_go_together_are_wrong_usage(recux, pilot, options):
    assert recux("study", "invite", "spring", *options)[0] == 2
