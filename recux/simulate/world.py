"""Invented items and people: who they are, what they like and how their lists look."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from recux.simulate.truth import Truth, category_name, pools

Generator = np.random.Generator

ITEM_SD, PERSON_SD, NOISE_SD = 0.3, 0.55, 0.75
"""Parts of the latent satisfaction's spread, in stars; people's part makes an intraclass correlation near .3."""
BASE = 3.3
INTEREST = 0.3
"""Stars that a matching interest adds, and a missing one takes off."""
COHORT_SHARES = (0.4, 0.3, 0.3)
SECOND_LANGUAGE = 0.2
"""Share of people who use the second language."""


@dataclass(frozen=True)
class ItemMade:
    """One invented item."""

    item_id: str
    title: str
    thing: dict[str, str]
    """What it is, by language."""
    category: str
    description: str
    price: float
    quality: float
    """Stars it adds for everyone."""


@dataclass(frozen=True)
class PersonMade:
    """One invented person, with what nobody but the simulation knows of them."""

    participant_id: str
    arm: str
    cohort: str
    language: str
    interests: tuple[str, ...]
    age_group: str
    started: datetime
    leaning: float
    """Stars they add to everything."""
    wait: float
    """Doublings of their waiting time over what is usual in their arm."""
    careless: bool


def make_items(truth: Truth, per_category: int = 10) -> list[ItemMade]:
    """The study's items; the same for one seed, whatever the round."""
    rng = np.random.default_rng([truth.seed, 2])
    language = truth.languages[0]
    words = pools()
    items: list[ItemMade] = []
    for name, category in words["categories"].items():
        if category_name(name, language) not in truth.categories:
            continue
        quality = rng.normal(0, ITEM_SD, per_category)
        quality -= quality.mean()  # no category is better than another by chance
        for (english, chinese), good in zip(list(category["items"].items())[:per_category], quality, strict=True):
            adjective = str(rng.choice(list(words["adjectives"])))
            titles = {"en": f"{adjective} {english}", "zh_CN": f"{words['adjectives'][adjective]}{chinese}"}
            items.append(
                ItemMade(
                    item_id=f"sim-item-{len(items) + 1:03d}",
                    title=titles[language],
                    thing={"en": english, "zh_CN": chinese},
                    category=category_name(name, language),
                    description=str(rng.choice(words["descriptions"][language])),
                    price=float(np.round(rng.lognormal(3.2, 0.6), 2)),
                    quality=float(good),
                )
            )
    return items


def make_people(
    truth: Truth, rng: Generator, *, count: int, first: int, since: datetime, until: datetime
) -> list[PersonMade]:
    """``count`` people numbered from ``first``; arms are shuffled in blocks, so that they differ by one at most."""
    people = []
    block: list[str] = []
    span = (until - since - timedelta(hours=2)).total_seconds()
    for number in range(first, first + count):
        block = block or [str(arm) for arm in rng.permutation([arm.key for arm in truth.arms])]
        second = len(truth.languages) > 1 and rng.random() < SECOND_LANGUAGE
        people.append(
            PersonMade(
                participant_id=f"sim-{number:05d}",
                arm=block.pop(),
                cohort=str(rng.choice(truth.cohorts, p=COHORT_SHARES)),
                language=truth.languages[1 if second else 0],
                interests=tuple(str(name) for name in rng.permutation(truth.categories)[:2]),
                age_group=str(rng.choice(["18-29", "30-44", "45-59", "60+"])),
                started=since + timedelta(seconds=float(rng.random()) * max(span, 0.0)),
                leaning=float(rng.normal(0, PERSON_SD)),
                wait=float(rng.normal(0, 0.6)),
                careless=bool(rng.random() < truth.careless_share),
            )
        )
    return people


def choose_list(truth: Truth, rng: Generator, person: PersonMade, items: list[ItemMade], size: int) -> list[ItemMade]:
    """A list that holds every category equally often, better liked items first as far as a recommender can tell."""
    by_category = [[item for item in items if item.category == name] for name in truth.categories]
    order = [pool[int(i)] for pool in by_category for i in rng.permutation(len(pool))]
    depth = len(by_category[0])
    turns = [order[c * depth + d] for d in range(depth) for c in range(len(by_category))]
    return sorted(turns[:size], key=lambda item: -guess(truth, rng, person, item))


def guess(truth: Truth, rng: Generator, person: PersonMade, item: ItemMade) -> float:
    """What a recommender knows: interests and quality, badly."""
    liking = item.quality + (INTEREST if item.category in person.interests else -INTEREST)
    return truth.order_skill * liking + float(rng.normal(0, 0.5))


def satisfaction(truth: Truth, rng: Generator, person: PersonMade, item: ItemMade) -> float:
    """Latent satisfaction with one item, in stars, unbounded."""
    arm = truth.arm(person.arm)
    disliked = arm.segment and person.cohort == truth.cohort and item.category == truth.category
    return (
        BASE
        + arm.effect
        + person.leaning
        + item.quality
        + (INTEREST if item.category in person.interests else -INTEREST)
        + (truth.dislike if disliked else 0.0)
        - truth.patience * person.wait
        + float(rng.normal(0, NOISE_SD))
    )
