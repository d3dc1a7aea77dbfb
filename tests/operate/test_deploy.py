"""The files to deploy with name things that there are."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from recux.cli.app import app
from recux.operate.metrics import REGISTRY
from recux.operate.state import text
from recux.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]


def understood(words):
    """Whether the command line knows these words: command after command, then options."""
    command = get_command(app)
    rest = list(words)
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    return not hasattr(command, "commands") and {word for word in rest if word.startswith("--")} <= known


def commands():
    found = [tuple(service["command"]) for service in SERVICES.values() if "command" in service]
    found += [tuple(SERVICES["worker"]["healthcheck"]["test"][1:])]
    found += [tuple(re.findall(r'"([^"]+)"', (ROOT / "Dockerfile").read_text().splitlines()[-1]))]
    for unit in (DEPLOY / "systemd").glob("*.service"):
        line = re.search(r"recux/\.venv/bin/(recux [^'\n]+)", unit.read_text())
        found.append(tuple(shlex.split(line[1].replace("$$(", "$("), posix=False)))
    return sorted(set(found))


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_command_of_the_deployment_is_one_of_ours(command):
    assert command[0] == "recux"
    assert understood(command[1:])


def test_a_command_that_is_none_would_be_noticed():
    assert not understood(["worker", "--nonsense"])
    assert not understood(["wrker"])


def test_the_settings_of_the_deployment_are_settings():
    files = ("compose.yml", "systemd/recux.env.example")
    named = {
        name for file in files for name in re.findall(r"^\s*(RECUX_[A-Z_]+)[=:]", (DEPLOY / file).read_text(), re.M)
    }
    named |= set(re.findall(r"(RECUX_[A-Z_]+)=", (ROOT / "Dockerfile").read_text()))
    assert named
    assert {name.removeprefix("RECUX_").lower() for name in named} <= Settings.model_fields.keys()


def test_every_setting_stands_in_the_document_with_its_default():
    document = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(RECUX_[A-Z_]+)` \| (.+?) \|", document, re.M))
    assert said == {f"RECUX_{name.upper()}": shown(field.default) for name, field in Settings.model_fields.items()}


def shown(default):
    """A default as the document writes it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "none" if default == "" else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_every_figure_that_an_alert_asks_for_exists(engine):
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"recux_[a-z_]+", rule["expr"])}
    known = set(re.findall(r"# TYPE (recux_\w+)", text(engine).decode())) | {
        f"{metric.name}{suffix}" for metric in REGISTRY.collect() for suffix in ("_total", "_bucket", "_count")
    }
    assert len(rules) >= 8
    assert asked <= known


def test_every_service_waits_for_a_healthy_database_and_web_is_there_twice():
    for name in ("web1", "web2", "worker"):
        assert SERVICES[name]["depends_on"]["postgres"]["condition"] == "service_healthy"
        assert SERVICES[name]["read_only"]
    assert "ip_hash" in (DEPLOY / "nginx.conf").read_text()
    upstream = re.findall(r"server (web\d):8501", (DEPLOY / "nginx.conf").read_text())
    assert upstream == ["web1", "web2"]
