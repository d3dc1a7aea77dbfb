"""The experiment page: the verdict in words."""

from db.engine import write_session
from tests.pages.planted import texts
from tests.planting import plant_study


def test_the_experiment_page_gives_a_verdict_in_words(open_as, pilot) -> None:
    shown = texts(open_as("viewer", "experiment"))
    assert "B is better than A" in shown
    assert "A: 12 · B: 12" in shown.replace("\\", "").replace("\u2060", "")


def test_one_arm_has_nothing_to_compare(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, arms=("only",))
    assert "nothing to compare" in texts(open_as("viewer", "experiment"))
