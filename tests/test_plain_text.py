"""What people typed is kept; what would harm whoever reads it is not."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recux.errors import InvalidInput
from recux.plain_text import LONGEST, clean


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (None, None),
        ("  \n\t ", None),
        (" fine ", "fine"),
        ("a\0b", "ab"),
        ("line\r\nline\rline", "line\nline\nline"),
        ("evil \u202egnp.exe\u202c", "evil gnp.exe"),
        (
            "<script>alert(1)</script> =1+1 **b** 很好 👍🏽 مرحبا",
            "<script>alert(1)</script> =1+1 **b** 很好 👍🏽 مرحبا",
        ),
        ("half \ud83d", "half"),
    ],
)
def test_only_invisible_harm_is_taken_out(typed: str | None, kept: str | None) -> None:
    assert clean(typed) == kept


def test_a_text_over_the_limit_is_refused_with_both_lengths() -> None:
    assert clean("x" * LONGEST) == "x" * LONGEST
    with pytest.raises(InvalidInput, match="20000 characters, at most 5000"):
        clean("x" * 20_000)


@given(st.text(max_size=200))
def test_cleaning_twice_is_cleaning_once_and_the_result_can_be_stored(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    (once or "").encode()


def test_no_page_asks_for_foreign_text_to_be_drawn_as_html() -> None:
    root = Path(__file__).parent.parent
    files = [file for folder in ("recux", "pages") for file in (root / folder).rglob("*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    asked = [node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg == "unsafe_allow_html"]
    assert (len(files) > 100, asked) == (True, [])
