"""Defects of the data."""

from tests.suggest.pilots import Plant, nothing


def lost_people(pilot, rng):
    for number, person in enumerate(pilot.people):
        person["arm"] = 1 if number % 4 else 0


def thin(pilot, rng):
    for number, person in enumerate(pilot.people):
        person["cohort"] = "dune" if number < 4 else person["cohort"]


def twins(pilot, rng):
    for number in range(10):
        pilot.items[number + 30].update(title=f"article  {number}!", description=pilot.items[number]["description"])


def bare_items(pilot, rng):
    for item in pilot.items[::3]:
        item["description"] = None


def no_descriptions(pilot, rng):
    for item in pilot.items:
        item["description"] = None


CASES: dict[str, tuple[Plant, Plant]] = {
    "sample_ratio_mismatch": (lost_people, nothing),
    "thin_cohort": (thin, nothing),
    "duplicate_items": (twins, nothing),
    "missing_field": (bare_items, no_descriptions),
}
"""By rule: what makes it speak, and what looks alike and does not."""
