"""The effect page: figures of the lists."""

from tests.pages.planted import charts_on, texts


def test_the_effect_page_shows_figures_of_the_lists(open_as, pilot) -> None:
    at = open_as("viewer", "effect")
    assert charts_on(at) == 1  # by round there is nothing yet
    assert "Precision" in texts(at)


def test_the_catalogue_and_newcomers_have_their_own_address(open_as, pilot) -> None:
    assert "takes" in texts(open_as("viewer", "effect", view="catalogue"))
    assert charts_on(open_as("viewer", "effect", view="newcomers")) == 2 + 1
    assert "lower half of its lists" in texts(open_as("viewer", "effect", view="hidden"))
