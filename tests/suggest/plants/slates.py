"""Lists in a bad order, too long, too much alike, crowded by few items, or with items twice."""

from tests.suggest.pilots import Plant, nothing
from tests.suggest.plants.segments import weak_tail


def wrong_order(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.15 * (row["position"] - 5)


def right_order(pilot, rng):
    for row in pilot.shown:
        row["feel"] -= 0.1 * (row["position"] - 5)


def strong_list_with_weaker_tail(pilot, rng):
    for row in pilot.shown:
        row["feel"] += 0.9 - 0.4 * (row["position"] > 6)


def tired_of_the_same(pilot, rng):
    above: dict[tuple[int, str], int] = {}
    for row in pilot.shown:
        key = row["person"], pilot.item(row)["category"]
        row["feel"] -= 0.8 * (above.get(key, 0) >= 2)
        above[key] = above.get(key, 0) + 1


def few_kinds(pilot, rng):
    for item in pilot.items[::2]:
        item["category"] = "kind0"


def crowded(tail: float) -> Plant:
    """Six items take half of the places; the others are liked better by `tail`."""

    def plant(pilot, rng):
        for row in pilot.shown:
            if row["position"] % 2:
                row["item"] = int((row["position"] // 2 + row["person"]) % 6)
            row["feel"] += tail * (row["item"] >= 6)

    return plant


def shown_again(pilot, rng):
    first: dict[int, int] = {}
    for row in pilot.shown:
        first.setdefault(row["person"], row["item"])
        if row["position"] == 5:
            row["item"] = first[row["person"]]


CASES: dict[str, tuple[Plant, Plant]] = {
    "good_items_low": (wrong_order, right_order),
    "tail_disappoints": (weak_tail, strong_list_with_weaker_tail),
    "more_of_the_same": (tired_of_the_same, few_kinds),
    "popularity_bias": (crowded(0.8), crowded(0.0)),
    "repeated_items": (shown_again, nothing),
}
"""By rule: what makes it speak, and what looks alike and does not."""
