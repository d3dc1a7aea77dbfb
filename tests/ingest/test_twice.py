"""Whatever a file holds: the counts add up, twice changes nothing, and the database never has to refuse a row."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recux.ingest import import_rows
from recux.ingest.json_line import decoded
from tests.ingest.conftest import SLUG, counts

NAMES = st.sampled_from(["a", "b", "c", "", None, "x\0", 7])
ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=2), max_size=2)
)
MOMENTS = st.sampled_from([None, "", 0, "2026-01-01T00:00:00Z", "2026-01-01", "soon"])
CELLS = {
    "participant_id": NAMES,
    "item_id": NAMES,
    "slate_id": NAMES,
    "title": NAMES,
    "arm": st.sampled_from(["old", "new", "none", "", None]),
    "position": st.sampled_from([1, 2, "3", 0, None]),
    "kind": st.sampled_from(["view", "click", "look"]),
    "rating": st.sampled_from([1, 4.5, "3", 7, None]),
    "instrument": st.sampled_from(["nps", "csat", "mood"]),
    "question": st.sampled_from(["score", "why"]),
    "value": st.sampled_from([None, 0, 4, 11]),
    "wave": st.sampled_from([None, 1, 2]),
    "outcome": st.sampled_from(["ok", "error", "", None]),
    **dict.fromkeys(("occurred_at", "rated_at", "served_at", "requested_at"), MOMENTS),
}
"""Cells that are now good, now bad; of all other columns any cell."""
COLUMNS = {
    "participants": ("participant_id", "arm", "cohort", "attr.x"),
    "items": ("item_id", "title", "price", "tags", "attr.x"),
    "slates": ("slate_id", "participant_id", "item_id", "position", "score", "served_at"),
    "interactions": ("participant_id", "item_id", "kind", "occurred_at", "dwell_ms"),
    "ratings": ("participant_id", "item_id", "rating", "comment", "slate_id", "rated_at"),
    "responses": ("participant_id", "instrument", "question", "value", "text", "wave"),
    "requests": ("requested_at", "duration_ms", "outcome", "http_status", "slate_size"),
}


@pytest.mark.parametrize("kind", list(COLUMNS))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_rows_of_any_kind_twice(into, kind, data):
    rows = data.draw(
        st.lists(st.fixed_dictionaries({name: CELLS.get(name, ANY) for name in COLUMNS[kind]}), min_size=1, max_size=12)
    )
    base = into
    base.text("items", "item_id,title\na,A\nb,B\n", skip_bad=True)
    first = import_rows(base.engine, SLUG, kind, rows, skip_bad=True)
    counts(first)
    second = import_rows(base.engine, SLUG, kind, rows, skip_bad=True)
    assert counts(second) == (0, 0, first.read - first.quarantined, first.quarantined)


def test_a_source_that_is_new_at_first_and_known_further_on_adds_what_is_new(into, monkeypatch):
    into.text("items", "item_id,title\na,A\n")
    rows = [
        {"participant_id": f"p{n}", "item_id": "a", "kind": "click", "occurred_at": 1_770_000_000 + n}
        for n in range(30)
    ]
    monkeypatch.setattr("recux.ingest.run.CHUNK", 8)
    assert counts(import_rows(into.engine, SLUG, "interactions", rows[12:20])) == (8, 0, 0, 0)
    assert counts(import_rows(into.engine, SLUG, "interactions", rows)) == (22, 0, 8, 0)


def test_a_line_that_says_a_name_twice_is_put_aside_however_it_is_written():
    for twice in (
        '{"a":1,"a":2}',
        '{"a":1,"a" :2,"b":3}',
        '{"a":1,"a"\t:2}',
        '{"b":{"a":1,"a":2}}',
        '{"a":1,"\\u0061":2}',
    ):
        with pytest.raises(ValueError, match="there twice"):
            decoded(twice)
    assert decoded('{"a": "x\\":y", "b" : [1]}') == {"a": 'x":y', "b": [1]}


def test_the_shipped_maps_are_all_readable():
    from recux.ingest import read_map

    maps = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
    assert len(maps) == 5
    for path in maps:
        assert read_map(path).ours()
