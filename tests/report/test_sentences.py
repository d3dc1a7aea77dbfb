"""Whatever a figure may say of itself is in the catalogue, so that a Chinese report is Chinese throughout."""

import ast
from collections.abc import Iterator
from pathlib import Path

import recux
from recux.report import model_sentences, sentences

SAYING = {"no_estimate", "no_difference", "missing"}
FILL = "7"


def texts(node: ast.expr) -> Iterator[str]:
    """What an expression may say; ``FILL`` stands for what is computed."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else FILL for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from texts(one)
            yield from texts(other)


def said_by_figures() -> Iterator[str]:
    """Reasons that are given to ``no_estimate`` and the like, and names of methods."""
    home = Path(recux.__file__).parent
    for file in (*(home / "stats").glob("*.py"), *(home / "evaluation").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
                yield from texts(node.args[0])
            if isinstance(node, ast.keyword) and node.arg == "method":
                yield from texts(node.value)
        if file.parent.name == "stats":  # names of methods are constants there
            yield from (text for node in tree.body if isinstance(node, ast.Assign) for text in texts(node.value))


def test_every_reason_and_method_of_a_figure_is_in_the_catalogue() -> None:
    known = [sentences.pattern(message) for message in (*sentences.messages(), *model_sentences.messages())]
    said = {f"{FILL}{text}" if text.startswith(",") else text for text in said_by_figures() if " " in text}
    assert len(said) > 40
    assert [text for text in sorted(said) if not any(pattern.fullmatch(text) for pattern in known)] == []
