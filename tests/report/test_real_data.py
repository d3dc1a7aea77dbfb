"""Reports on the public data sets: every figure in the shape of the contract, and what is known of the data in it."""

import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session
from db.tables import Study
from recux.ingest import import_file
from recux.report import build_report
from tests.ingest.conftest import SLUG, make_study
from tests.report.test_report import assert_shape

EXAMPLES = Path(__file__).parents[2] / "examples"


def report_of(engine: sa.Engine, *files: tuple[str, Path, str]) -> dict[str, Any]:
    """The report after these files came in by the shipped maps; a warning from a library fails."""
    make_study(engine)
    for kind, path, name in files:
        import_file(engine, SLUG, kind, path, map_path=EXAMPLES / f"{name}.toml")
    with warnings.catch_warnings(), read_session(engine) as session:
        warnings.simplefilter("error")
        report = build_report(session, session.exec(select(Study)).one())
    json.dumps(report, allow_nan=False)
    return report


def test_a_report_on_movielens_has_ratings_and_says_what_it_cannot_tell(sqlite_engine, data_folder) -> None:
    folder = data_folder / "movielens_small"
    report = report_of(
        sqlite_engine,
        ("items", folder / "movies.csv", "movielens_items"),
        ("ratings", folder / "ratings.csv.gz", "movielens_ratings"),
    )
    assert_shape(report)
    stars = pd.read_csv(folder / "ratings.csv.gz")
    rescaled = 1 + (stars["rating"] - 0.5) / 4.5 * 4
    mean = report["satisfaction"]["mean_rating"]
    assert (mean["value"], mean["n"]) == (pytest.approx(rescaled.groupby(stars["userId"]).mean().mean()), 610)
    assert report["satisfaction"]["nps"]["value"] is None
    assert report["recommendation"]["ndcg"]["reason"]
    assert report["stability"]["p95_ms"]["reason"]


def test_a_report_on_clothing_reviews_has_ratings_and_comments(sqlite_engine, data_folder) -> None:
    path = data_folder / "womens_clothing" / "reviews.csv.gz"
    report = report_of(sqlite_engine, ("ratings", path, "clothing_reviews"))
    assert_shape(report)
    mean = report["satisfaction"]["mean_rating"]
    with sqlite_engine.connect() as connection:
        known = connection.execute(sa.text("select avg(rating) from rating")).scalar_one()
    assert (mean["value"], mean["n"]) == (pytest.approx(known), 14_470)
    assert report["data_quality"]["responses"] == 0
