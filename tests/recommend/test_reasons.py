"""A reason reads the same in every language, whichever it was written in."""

import pytest

from recux.recommend.reasons import TEXTS, Reason, in_other_words, in_words


@pytest.mark.parametrize("written", list(TEXTS))
@pytest.mark.parametrize("read", list(TEXTS))
@pytest.mark.parametrize("kind", list(TEXTS["en"]))
def test_a_reason_is_read_in_the_language_of_the_reader(kind, written, read) -> None:
    reason = Reason(kind, "“Ten” (10.)\n*") if "{detail}" in TEXTS["en"][kind] else Reason(kind)
    assert in_other_words(in_words(reason, written), read) == in_words(reason, read)


def test_what_somebody_else_wrote_stays_as_it_is() -> None:
    assert in_other_words("Liked by many people in Bonn", "zh_CN") == "Liked by many people in Bonn"
    assert in_other_words("", "zh_CN") == ""
