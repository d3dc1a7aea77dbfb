import csv
import subprocess
import sys
from pathlib import Path

import pytest

from recux.recommend import check_options, make_slate

SERVER = Path(__file__).parents[2] / "examples" / "recommender_server.py"


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


@pytest.fixture
def sample(tmp_path, pilot):
    """Address of the sample recommender, running on the pilot's items."""
    items = tmp_path / "items.csv"
    with items.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "title", "category"])
        writer.writerows([item.external_id, item.title, item.category] for item in pilot.items)
    command = [sys.executable, str(SERVER), "--items", str(items), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[0]
        process.terminate()


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sample_recommender_serves_an_arm(sample, pilot, shown, method):
    query = "?participant_id={participant_id}&size={size}" if method == "GET" else ""
    options = {"url": sample + query, "method": method, "explanations": True, "timeout_ms": 5000}
    check_options("http", options)
    person = pilot.person(pilot.arm("http", **options))
    pilot.rate(person, pilot.items[1], 5)
    slate = make_slate(pilot.session, person, size=3)
    assert (slate.source, slate.model_version) == ("http", "sample-1")
    impressions = shown(pilot.session, slate)
    assert len(impressions) == 3 or method == "GET"
    if method == "POST":
        boots = {item.id for item in pilot.items[1::2]}
        assert {impression.item_id for impression in impressions} < boots
        assert impressions[0].explanation == "You seem to like hiking"
