"""People and kinds of items with lower ratings."""

from tests.suggest.pilots import Plant


def cohort_dislikes(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 1.5 * (pilot.of(row)["cohort"] == "cedar" and pilot.item(row)["category"] == "kind2")


def some_dislike(pilot, rng):
    unlucky = rng.random(len(pilot.people)) < 0.33
    for row in pilot.shown:
        row["feel"] -= 1.5 * (unlucky[row["person"]] and pilot.item(row)["category"] == "kind2")


def low_trait(trait: str, value: str, by: float = 0.8) -> Plant:
    def plant(pilot, rng):
        for row in pilot.shown:
            person = pilot.of(row)
            row["feel"] -= by * (person.get(trait, person["attributes"].get(trait)) == value)

    return plant


def low_category(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.9 * (pilot.item(row)["category"] == "kind1")


def low_on_phones(pilot, rng):
    for row in pilot.shown:
        person = pilot.of(row)
        row["feel"] -= 1.4 * (person["cohort"] == "amber" and person["attributes"]["device"] == "phone")


def phones_mind_the_end(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 1.2 * (pilot.of(row)["attributes"]["device"] == "phone" and row["position"] > 6)


def weak_tail(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.8 * (row["position"] > 6)


CASES: dict[str, tuple[Plant, Plant]] = {
    "group_dislikes_category": (cohort_dislikes, some_dislike),
    "group_minds_position": (phones_mind_the_end, weak_tail),
    "combination_low": (low_on_phones, low_trait("cohort", "amber")),
    "cohort_low": (low_trait("cohort", "birch"), cohort_dislikes),
    "newcomers_low": (low_trait("experience", "new"), low_trait("experience", "returning")),
    "language_low": (low_trait("language", "zh_CN"), low_trait("cohort", "amber")),
    "device_low": (low_trait("device", "phone"), low_trait("language", "en")),
    "category_low": (low_category, cohort_dislikes),
}
"""By rule: what makes it speak, and what looks alike and does not."""
