"""The interface is complete in every language: nothing untranslated, nothing fuzzy, nothing uncompiled."""

import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from recux.ui.language import FALLBACK, LOCALE, NAMES

ROOT = Path(__file__).parent.parent
TRANSLATED = sorted(set(NAMES) - {FALLBACK})
KEYWORDS = {"_": None, "N_": None, "plural": (1, 2)}


@pytest.fixture(scope="module")
def messages() -> set[str | tuple[str, str]]:
    """Every message that pages and modules ask to be translated."""
    found = set()
    for folder in ("recux", "pages"):
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, keywords=KEYWORDS):
            found.add(tuple(message) if isinstance(message, list | tuple) else message)
    return found


def catalogue(code: str) -> Catalog:
    with (LOCALE / code / "LC_MESSAGES" / "recux.po").open("rb") as file:
        return read_po(file, locale=code)


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_message_is_translated_and_none_is_fuzzy_or_left_over(code: str, messages: set) -> None:
    entries = {entry.id: entry for entry in catalogue(code) if entry.id}
    assert len(messages) > 50
    assert messages - set(entries) == set(), "add these to the catalogue, see recux/locale/README.md"
    assert set(entries) - messages == set(), "nothing asks for these any more"
    unfinished = [m for m, entry in entries.items() if entry.fuzzy or not all(_forms(entry.string))]
    assert unfinished == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_fills_in_the_same_values_as_the_message(code: str) -> None:
    for entry in catalogue(code):
        if entry.id:
            wanted = _blanks(entry.id if isinstance(entry.id, str) else entry.id[1])
            assert all(_blanks(form) == wanted for form in _forms(entry.string)), entry.id


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_catalogue_is_the_written_one(code: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(code))
    there = LOCALE / code / "LC_MESSAGES" / "recux.mo"
    with there.open("rb") as file:
        kept = gettext.GNUTranslations(file)
    assert kept._catalog == gettext.GNUTranslations(io.BytesIO(compiled.getvalue()))._catalog


def _forms(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def _blanks(text: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", text))
