"""Cells become clean values or say why not."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recux.ingest import values
from recux.ingest.values import BadValue


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:00+08:00", datetime(2026, 1, 31, 4, tzinfo=UTC)),
        ("964982703", datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC)),
        (964982703, datetime(2000, 7, 30, 18, 45, 3, tzinfo=UTC)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1.5", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
    ],
)
def test_times_are_iso_with_a_zone_or_epoch_seconds(cell, expected):
    assert values.moment(cell) == expected
    assert values.moment(cell).tzinfo is UTC


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2026-01-31T12:00:00", "no time zone"),
        ("2026-01-31", "no time zone"),
        (date(2026, 1, 31), "no time zone"),
        ("yesterday", "not a time"),
        ("2026-13-01T00:00:00Z", "not a time"),
        ("1769860800000", "epoch times are in seconds"),
        (float("nan"), "not a time"),
        (1e300, "not a time"),
        (True, "not a number"),
        ([1], "not a number"),
    ],
)
def test_other_times_are_refused(cell, words):
    with pytest.raises(BadValue, match=words):
        values.moment(cell)


def test_a_zone_from_the_map_is_given_to_times_without_one_only():
    shanghai = ZoneInfo("Asia/Shanghai")
    assert values.moment("2026-01-31T12:00:00", zone=shanghai) == datetime(2026, 1, 31, 4, tzinfo=UTC)
    assert values.moment("2026-01-31T12:00:00Z", zone=shanghai) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-Infinity", "1_000", "1,5", "seven", "0x10", True, [1], {"a": 1}, b"1"]
)
def test_what_is_no_finite_number_is_refused(cell):
    with pytest.raises(BadValue, match="not a"):
        values.number(cell)


def test_numbers_come_from_text_and_from_types():
    assert [values.number(cell) for cell in ("4", " 4.5 ", 4, 4.5, Decimal("4.5"))] == [4, 4.5, 4, 4.5, 4.5]


@pytest.mark.parametrize("cell", ["0", "5.01", "7", "-1"])
def test_a_rating_lies_between_one_and_five(cell):
    with pytest.raises(BadValue, match="outside 1 to 5"):
        values.rating(cell)


@given(st.floats(0.5, 5.0))
def test_rescaling_is_linear_and_keeps_where_it_came_from(raw):
    rated = values.rating(raw, low=0.5, high=5.0)
    assert rated.value == pytest.approx(1 + (raw - 0.5) * 4 / 4.5)
    assert 1 <= rated.value <= 5
    assert (rated.raw, rated.scale) == (raw, "0.5..5")


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_the_ends_of_any_scale_become_exactly_one_and_five(low, width):
    high = low + width
    assert values.rating(low, low=low, high=high).value == 1
    assert values.rating(high, low=low, high=high).value == 5


def test_ids_lose_blanks_around_them_and_whole_floats_their_point():
    assert [values.name(cell) for cell in (" a ", 12, 12.0, " ")] == ["a", "12", "12", None]


@pytest.mark.parametrize("cell", ["a\0b", "a\nb", "\ud800", "x" * 256, ["a"], {"a": 1}])
def test_ids_with_control_characters_or_too_many_are_refused(cell):
    with pytest.raises(BadValue):
        values.name(cell)


def test_texts_keep_breaks_but_no_null_character():
    assert values.text("a\nb ") == "a\nb "
    with pytest.raises(BadValue, match=r"U\+0000"):
        values.text("a\0b")
    with pytest.raises(BadValue, match="at most 100,000"):
        values.text("x" * 100_001)


def test_lists_come_from_lists_and_from_text_without_blanks_or_repetitions():
    assert values.names(["a", "b", "a", None]) == ["a", "b"]
    assert values.names(" a ;; b;a") == ["a", "b"]
    assert values.names("a|b", separator="|") == ["a", "b"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("0", False), ("1", True), ("1.0", True), ("0.0", False), (1, True), (0.0, False), (True, True)],
)
def test_flags_are_zero_or_one(cell, expected):
    assert values.flag(cell) is expected


def test_a_flag_that_is_neither_is_refused():
    with pytest.raises(BadValue, match="neither 0 nor 1"):
        values.flag("yes")


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()), st.binary()))
def test_no_cell_whatever_makes_a_reader_fail_in_another_way(cell):
    for reader in (values.name, values.text, values.names, values.number, values.flag, values.attribute):
        try:
            reader(cell)
        except BadValue:
            continue
    for reader in (values.rating, values.milliseconds, values.moment):
        try:
            reader(cell)
        except BadValue:
            continue
