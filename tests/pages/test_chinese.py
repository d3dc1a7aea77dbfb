"""A Chinese reader meets no English sentence but foreign text: every admin page is walked and every word looked at."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from streamlit.testing.v1 import AppTest

import recux
from db.engine import write_session
from db.tables import Alert, Study
from recux.errors import Conflict
from recux.ui import definitions, language, problems
from recux.ui.story import ADMIN_PAGES
from tests.planting import START

ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:,? [a-z][a-z']+){2,}")
"""Three words or more in a row."""
NOT_READ = {
    "id", "data", "arrowData", "css", "js", "url", "pageScriptHash", "hash", "type", "elementId", "formId", "icon",
    "fileName",
}  # fmt: skip
FOREIGN = (
    "call me",
    "too *slow*",
    "Make it quick",
    "It may be the time of day",
    "recux worker",
    "is slow",
    "This study tests",
)
"""What people wrote, and what is typed into a terminal."""
VIEWS = {
    "people": ("progress", "care", "remind", "invite"),
    "effect": ("rounds", "catalogue", "hidden", "newcomers"),
}


def words_on(at: AppTest) -> Iterator[str]:
    """Every string that the browser is sent, charts' titles among them."""
    for part in (at.main, at.sidebar):
        for proto in protos(part):
            sent = MessageToDict(proto)
            yield from strings(sent)
            if "spec" in sent:
                yield from strings(json.loads(sent["spec"]))


def protos(block: Any) -> Iterator[Any]:
    for child in block.children.values():
        if getattr(child, "proto", None) is not None:
            yield child.proto
        if hasattr(child, "children"):
            yield from protos(child)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in NOT_READ and key != "spec":
                yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str) and "<style" not in value:
        yield value


def english(at: AppTest) -> set[str]:
    assert not at.exception, at.exception
    return {text for text in words_on(at) if ENGLISH.search(text) and not any(one in text for one in FOREIGN)}


def test_no_page_speaks_english_to_a_chinese_reader(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        study = session.get_one(Study, finished.study_id)
        study.planned_n = 40
        facts = {"value": 900.0, "target": 250.0, "usual": 200.0}
        for rule in ("objective", "anomaly"):
            alert = Alert(study_id=study.id, rule=rule, metric="p95_ms", arm="b", opened_at=START, began_at=START)
            alert.details = facts
            session.add(alert)
    found: dict[str, set[str]] = {}
    for page in (one.name for one in ADMIN_PAGES):
        for view in VIEWS.get(page, ("",)):
            at = open_as("admin", **({"view": view} if view else {}))
            at.context = {"locale": "zh-CN"}
            found[f"{page} {view}"] = english(at.switch_page(f"pages/admin/{page}.py").run())
    assert {page: sorted(texts) for page, texts in found.items() if texts} == {}


def test_what_rounds_store_about_models_is_said_in_chinese(monkeypatch) -> None:
    monkeypatch.setattr(language, "language", lambda: "zh_CN")
    reason = (
        "the baseline tfidf_logistic (log-loss 1.3774, QWK 0.214) serves: encoder (log-loss 1.4228, QWK 0.304) does "
        "not beat tfidf_logistic (log-loss 1.3774, QWK 0.214)"
    )
    unread = (
        "unknown to the encoder 'embedded': 64% of the tokens in texts in Chinese characters, 12% of the tokens in "
        "texts in Thai (limit 10%); what it says of these texts rests on the bag of words beside it; a base model such "
        "as 'bert-base-multilingual-cased' would read them all"
    )
    few = "fewer than two cohorts with 5 held-out participants"
    clicked = "Share of shown items that got a click, all people's together (480 shown)"
    for stored in (reason, few, clicked, unread, "share of durations up to the predicted p50"):
        assert not ENGLISH.search(definitions.said(stored)), definitions.said(stored)
    assert "1.4228" in definitions.said(reason)


def test_what_pages_translate_of_what_went_wrong_is_what_the_code_says() -> None:
    """A sentence that is reworded where it is raised would fall back to English without a word."""
    home = Path(recux.__file__).parent
    files = [file for file in home.rglob("*.py") if file != Path(problems.__file__)]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    said = "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    for message in problems.MESSAGES:
        longest = max(re.split(r"\{\w+\}", message), key=len).strip()
        assert longest in said, message


def test_what_went_wrong_is_said_in_chinese_with_its_details(monkeypatch) -> None:
    monkeypatch.setattr(language, "language", lambda: "zh_CN")
    for message in problems.MESSAGES:
        said = problems.said(Conflict(re.sub(r"\{\w+\}", "7", message)))
        assert not ENGLISH.search(said), said
        assert said.count("7") == len(re.findall(r"\{\w+\}", message)), said
    taken = problems.said(Conflict("there is a study 'spring' already; choose another name"))
    assert taken.startswith("已有研究")
    assert "spring" in taken
    assert problems.said(Conflict("never heard of")) == "never heard of", "what has no translation is said as it is"
