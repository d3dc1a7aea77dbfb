"""Complaints."""

from tests.suggest.pilots import Plant


def theme(pilot, rng):
    for row in pilot.shown:
        if row["feel"] < 2.5 and rng.random() < 0.5:
            row["comment"] = str(rng.choice(["shipping costs too much", "they hide the shipping costs until the end"]))


def theme_everywhere(pilot, rng):
    for row in pilot.shown:
        if rng.random() < 0.5:
            row["comment"] = str(rng.choice(["shipping costs too much", "they hide the shipping costs until the end"]))


def theme_of_one_arm(pilot, rng):
    for row in pilot.shown:
        if row["feel"] < 3 and pilot.of(row)["arm"] == 1 and rng.random() < 0.7:
            row["comment"] = str(rng.choice(["shipping costs too much", "they hide the shipping costs until the end"]))


CASES: dict[str, tuple[Plant, Plant]] = {
    "complaint_theme": (theme, theme_everywhere),
    "theme_in_arm": (theme_of_one_arm, theme),
}
"""By rule: what makes it speak, and what looks alike and does not."""
