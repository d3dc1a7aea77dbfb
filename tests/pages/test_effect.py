"""The effect page: figures of the lists."""

from tests.pages.planted import charts_on, texts


def test_the_effect_page_shows_figures_of_the_lists(open_as, pilot) -> None:
    at = open_as("viewer", "effect")
    assert charts_on(at) == 1
    assert "Precision" in texts(at)
