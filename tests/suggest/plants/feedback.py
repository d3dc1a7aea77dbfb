"""People who are not heard well."""

from tests.suggest.pilots import Plant, nothing


def careless(pilot, rng):
    for person in range(0, 24, 2):
        for row in pilot.shown:
            if row["person"] == person:
                row["feel"] = 5.0


def few_comments(pilot, rng):
    for row in pilot.shown:
        row["comment"] = row["comment"] if rng.random() < 0.1 else None


def leaving(pilot, rng):
    gone = rng.random(len(pilot.people)) < 0.5
    for row in pilot.shown:
        row["rated"] = not (gone[row["person"]] and row["position"] > 2)


def same_answer(pilot, rng):
    for row in pilot.answers:
        if row["instrument"] == "csat":
            row["value"] = 4.0


def unreliable(pilot, rng):
    for row in pilot.answers:
        if row["instrument"] == "trust":
            row["value"] = float(rng.integers(1, 6))


def silent_cohort(pilot, rng):
    silent = [p["cohort"] == "amber" and rng.random() < 0.5 for p in pilot.people]
    for row in pilot.shown:
        row["rated"] = not silent[row["person"]]


def silent_some(pilot, rng):
    silent = rng.random(len(pilot.people)) < 0.2
    for row in pilot.shown:
        row["rated"] = not silent[row["person"]]


CASES: dict[str, tuple[Plant, Plant]] = {
    "careless_answers": (careless, nothing),
    "few_comments": (few_comments, nothing),
    "people_leave": (leaving, nothing),
    "question_says_nothing": (same_answer, nothing),
    "unreliable_construct": (unreliable, nothing),
    "cohort_does_not_answer": (silent_cohort, silent_some),
}
"""By rule: what makes it speak, and what looks alike and does not."""
