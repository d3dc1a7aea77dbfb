"""The comments page: search, and what is masked."""

from tests.pages.planted import audited, field


def test_comments_are_masked_and_searched(open_as, pilot) -> None:
    at = open_as("viewer", "comments")
    assert "call me: [number]" in set(at.dataframe[0].value["comment"])
    assert not [toggle for toggle in at.toggle if toggle.label.startswith("Show e-mail")]
    found = at.text_input(key="search").set_value("SLOW").run().dataframe[0].value
    assert len(found) == 24
    assert not at.text_input(key="search").set_value("nobody-said-this").run().dataframe


def test_only_an_admin_may_see_what_was_masked(open_as, pilot) -> None:
    at = open_as("admin", "comments")
    field(at.toggle, "Show e-mail").set_value(True).run()
    assert "call me: 0151 2345 6789" in set(at.dataframe[0].value["comment"])
