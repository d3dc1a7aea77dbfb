"""Imports at the same moment wait for each other and write every row once."""

from concurrent.futures import ThreadPoolExecutor

from recux.ingest import import_rows
from tests.ingest.conftest import SLUG, counts


def test_the_same_rows_from_four_sides_are_written_once(into):
    into.items("i1")
    rows = [{"participant_id": f"p{n}", "item_id": "i1", "rating": 1 + n % 5} for n in range(50)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: import_rows(into.engine, SLUG, "ratings", rows), range(4)))
    assert sorted(counts(result) for result in results) == [(0, 0, 50, 0)] * 3 + [(50, 0, 0, 0)]
    assert into.one("select count(*) from participant") == 50
