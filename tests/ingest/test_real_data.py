"""The shipped maps on the public data sets."""

import time
from pathlib import Path

import numpy as np
import pytest

from recux.ingest import import_file
from tests.ingest.conftest import SLUG, counts

EXAMPLES = Path(__file__).parents[2] / "examples"


def bring(into, kind, path, name):
    return import_file(into.engine, SLUG, kind, path, map_path=EXAMPLES / f"{name}.toml")


def test_movielens_comes_in_within_half_a_minute_and_then_not_again(into_sqlite, data_folder):
    folder = data_folder / "movielens_small"
    items = bring(into_sqlite, "items", folder / "movies.csv", "movielens_items")
    assert counts(items) == (9742, 0, 0, 0)
    start = time.process_time()  # of this process: neighbours on the machine do not count
    ratings = bring(into_sqlite, "ratings", folder / "ratings.csv.gz", "movielens_ratings")
    assert time.process_time() - start < 20
    assert counts(ratings) == (100_836, 0, 0, 0)
    assert counts(bring(into_sqlite, "ratings", folder / "ratings.csv.gz", "movielens_ratings")) == (0, 0, 100_836, 0)
    [(people, low, high, raw)] = into_sqlite.rows(
        "select count(distinct participant_id), min(rating), max(rating), min(raw_rating) from rating"
    )
    assert (people, low, high, raw) == (610, 1.0, 5.0, 0.5)


def test_clothing_reviews_bring_their_items_comments_and_flags(into_sqlite, data_folder):
    path = data_folder / "womens_clothing" / "reviews.csv.gz"
    assert counts(bring(into_sqlite, "ratings", path, "clothing_reviews")) == (14_470, 0, 0, 0)
    assert into_sqlite.one("select count(*) from participant") == 14_470
    assert into_sqlite.one("select title from item where external_id = '1078'") == "Dresses 1078"
    assert into_sqlite.one("select count(*) from rating where recommended is null or rating <> round(rating)") == 0
    assert into_sqlite.one("select comment from rating where comment like 'My favorite buy!%'").startswith(
        "My favorite buy!\nI love"
    )


def test_openstack_requests_have_the_published_quantiles_and_failures(into, data_folder):
    path = data_folder / "openstack_requests" / "requests.csv"
    assert counts(bring(into, "requests", path, "openstack_requests")) == (1017, 0, 0, 0)
    durations = [value for (value,) in into.rows("select duration_ms from request")]
    assert np.quantile(durations, [0.5, 0.95, 0.99]) == pytest.approx([259.165, 384.379, 504.143], abs=0.001)
    failed = into.one("select count(*) from request where outcome = 'error'")
    assert failed / 1017 == pytest.approx(0.040315, abs=1e-6)


def test_chinese_reviews_keep_their_words(into, data_folder):
    path = data_folder / "asap_zh" / "asap_sample300.csv"
    assert counts(bring(into, "ratings", path, "asap_reviews")) == (300, 0, 0, 0)
    assert into.one("select title from item") == "餐厅"
    assert into.one("select count(*) from rating where comment like '%好吃%'") > 20
