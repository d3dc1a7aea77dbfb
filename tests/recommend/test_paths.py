"""The part of JSONPath that is understood, and nothing else."""

import pytest

from recux.errors import InvalidInput
from recux.recommend import check_options
from recux.recommend.paths import at

DOCUMENT = {"data": {"items": [{"id": "a", "odd.name": 1}, {"id": "b"}], "n": None}, "groups": [[1, 2], [3]]}
FOUND = {
    "": DOCUMENT,
    "$": DOCUMENT,
    "$.data.items": DOCUMENT["data"]["items"],
    "data.items[0].id": "a",
    "$.data.items.1.id": "b",
    "$['data']['items'][-1]['id']": "b",
    '$.data.items[0]["odd.name"]': 1,
    "$.data.items[*].id": ["a", "b"],
    "$.groups[*][*]": [1, 2, 3],
    "$.data.items.*.id": ["a", "b"],
    "$.data.n": None,
    "$.nothing.there": None,
    "$.data.items[9]": None,
    "$.data.items[-9]": None,
    "$.data[0]": None,
    "$.nothing[*]": [],
}


@pytest.mark.parametrize("path", FOUND)
def test_a_path_finds_what_stands_there(path):
    assert at(DOCUMENT, path) == FOUND[path]


@pytest.mark.parametrize("path", ["$..id", "$.a[0:2]", "$.a[?@.b]", "$.a[", "a b", "$.a['x", "a[0]b", "()", "$.a[0,1]"])
def test_what_is_not_understood_is_refused_when_the_study_is_defined(path):
    with pytest.raises(InvalidInput, match=r"'items'.*not understood"):
        check_options("http", {"url": "http://h/x", "items": path})
