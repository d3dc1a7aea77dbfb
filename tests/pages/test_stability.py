"""The stability page: promises that are broken."""


def test_the_stability_page_names_the_arm_that_breaks_a_promise(open_as, pilot) -> None:
    at = open_as("viewer", "stability")
    assert "B 290" in at.error[0].value
    assert "A " not in at.error[0].value.partition("Not kept by")[2]
