"""From invented people to rows as any other source would send them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from recux.simulate.comments import comment, why
from recux.simulate.truth import Truth
from recux.simulate.world import BASE, ItemMade, PersonMade, choose_list, satisfaction

Generator = np.random.Generator
Row = dict[str, Any]

RATED = 0.985
"""Share of shown items that are rated."""
LEAVES = 0.05
"""Share of people who stop half-way."""
COMMENTED = 0.55
USUAL_MS, SPREAD = 190.0, 0.4
"""Median and log-spread of a request."""
CALLS = 7
"""Requests a person causes."""
FAILS, SLOW_FAILS = 0.008, 0.06
TIMEOUT_MS = 5000.0
CARELESS_COMMENT = {"en": "ok", "zh_CN": "还行"}


@dataclass
class Rows:
    """Rows by kind, ready for import."""

    slates: list[Row] = field(default_factory=list)
    interactions: list[Row] = field(default_factory=list)
    ratings: list[Row] = field(default_factory=list)
    responses: list[Row] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Visit:
    """One person's visit, and where its rows go."""

    truth: Truth
    rng: Generator
    person: PersonMade
    slate: str
    shown: list[ItemMade]
    felt: list[float]
    """Latent satisfaction with each shown item, in stars."""
    same: int
    """The star that a careless person always gives."""
    rows: Rows


def item_rows(items: list[ItemMade]) -> Iterator[Row]:
    """Rows of the kind ``items``."""
    for item in items:
        yield {
            "item_id": item.item_id,
            "title": item.title,
            "description": item.description,
            "category": item.category,
            "tags": item.title.split()[0].lower(),
            "price": item.price,
        }


def participant_rows(people: list[PersonMade]) -> Iterator[Row]:
    """Rows of the kind ``participants``."""
    for person in people:
        yield {
            "participant_id": person.participant_id,
            "arm": person.arm,
            "cohort": person.cohort,
            "interests": ";".join(person.interests),
            "language": person.language,
            "attr.age_group": person.age_group,
        }


def feedback_rows(truth: Truth, rng: Generator, people: list[PersonMade], items: list[ItemMade], size: int) -> Rows:
    """Everything that the people see and say, in the order of the people."""
    rows = Rows()
    for person in people:
        shown = choose_list(truth, rng, person, items, size)
        felt = [satisfaction(truth, rng, person, item) for item in shown]
        same = int(rng.integers(2, 6))
        visit = Visit(truth, rng, person, f"{person.participant_id}-slate-1", shown, felt, same, rows)
        _requests(visit)
        rows.slates.extend(_slate_rows(visit))
        _stay(visit)
    return rows


def _slate_rows(visit: Visit) -> Iterator[Row]:
    for position, item in enumerate(visit.shown, start=1):
        yield {
            "slate_id": visit.slate,
            "participant_id": visit.person.participant_id,
            "arm": visit.person.arm,
            "item_id": item.item_id,
            "position": position,
            "score": round(1 - (position - 1) / len(visit.shown), 3),
            "model_version": f"simulated-{visit.person.arm}",
            "served_at": visit.person.started,
        }


def _stay(visit: Visit) -> None:
    """Look, click and rate; who stays to the end answers the questions."""
    rng, person = visit.rng, visit.person
    moment = person.started
    seen = len(visit.shown) if rng.random() > LEAVES else int(rng.integers(1, len(visit.shown)))
    for place in range(seen):
        moment += timedelta(seconds=0.6 if person.careless else 6 + float(rng.exponential(18)))
        _behaviour(visit, place, moment)
        if rng.random() < RATED:
            visit.rows.ratings.append(_rating(visit, place, moment))
    if seen == len(visit.shown):
        _survey(visit, moment)


def _rating(visit: Visit, place: int, moment: datetime) -> Row:
    stars = visit.same if visit.person.careless else star(visit.felt[place])
    return {
        "participant_id": visit.person.participant_id,
        "item_id": visit.shown[place].item_id,
        "rating": stars,
        "comment": _comment(visit, place, stars),
        "slate_id": visit.slate,
        "rated_at": moment,
    }


def _comment(visit: Visit, place: int, stars: int) -> str | None:
    """Not everyone writes; those who are very pleased or displeased write more often."""
    rng, language = visit.rng, visit.person.language
    if rng.random() > COMMENTED + 0.2 * (stars in (1, 5)):
        return None
    if visit.person.careless:
        return CARELESS_COMMENT[language]
    level = star(visit.felt[place] + float(rng.normal(0, 0.25)))
    thing = visit.shown[place].thing[language]
    return comment(rng, level=level, thing=thing, language=language, theme=_theme(visit, stars))


def _theme(visit: Visit, stars: int) -> str | None:
    truth = visit.truth
    complains = truth.theme_share * (1.0 if stars <= 2 else 0.15 if stars == 3 else 0.02)
    return truth.theme if truth.arm(visit.person.arm).theme and visit.rng.random() < complains else None


def _behaviour(visit: Visit, place: int, moment: datetime) -> None:
    rng, feels = visit.rng, visit.felt[place]

    def act(kind: str, after: float, dwell: float | None = None) -> None:
        visit.rows.interactions.append(
            {
                "participant_id": visit.person.participant_id,
                "item_id": visit.shown[place].item_id,
                "kind": kind,
                "occurred_at": moment + timedelta(seconds=after - 5),
                "slate_id": visit.slate,
                "dwell_ms": dwell,
            }
        )

    act("view", 0, 600.0 if visit.person.careless else float(np.round(rng.lognormal(8.6, 0.6))))
    if rng.random() < _chance(-0.6 + 0.9 * (feels - BASE) - 0.12 * place):
        act("click", 2)
        if rng.random() < _chance(-1.2 + 0.8 * (feels - BASE)):
            act("purchase", 4)
    elif feels < 1.5 and rng.random() < 0.3:
        act("dismiss", 3)


def _survey(visit: Visit, moment: datetime) -> None:
    person = visit.person
    for number, answer in enumerate(_answers(visit), start=1):
        seconds = (1 if person.careless else 8) * number
        visit.rows.responses.append(
            {
                "participant_id": person.participant_id,
                "value": None,
                "text": None,
                **answer,
                "answered_at": moment + timedelta(seconds=seconds),
            }
        )


def _answers(visit: Visit) -> Iterator[Row]:
    rng, language = visit.rng, visit.person.language
    mean = float(np.mean(visit.felt))
    nps = int(np.clip(np.rint(7.2 + 2.3 * (mean - 3.6) + rng.normal(0, 1.1)), 0, 10))
    csat = star(mean + float(rng.normal(0, 0.45)))
    if visit.person.careless:
        nps, csat = 2 * visit.same, visit.same
    yield {"instrument": "nps", "question": "score", "value": nps}
    yield {"instrument": "csat", "question": "score", "value": csat}
    if visit.person.careless:
        return
    level = 1 if nps <= 3 else 2 if nps <= 6 else 3 if nps == 7 else 4 if nps == 8 else 5
    if rng.random() < 0.75:
        reason = why(rng, level=level, language=language, theme=_theme(visit, level))
        yield {"instrument": "nps", "question": "why", "text": reason}
    if rng.random() < 0.4:
        yield {"instrument": "csat", "question": "why", "text": why(rng, level=csat, language=language, theme=None)}


def _requests(visit: Visit) -> None:
    """The page's calls to the recommender; a failed one is tried again."""
    truth, rng, person = visit.truth, visit.rng, visit.person
    slow = truth.arm(person.arm).slow
    usual = USUAL_MS * (truth.slow_factor if slow else 1.0) * 2.0**person.wait
    at, left = person.started - timedelta(seconds=20), CALLS
    while left:
        failed = rng.random() < (SLOW_FAILS if slow else FAILS)
        timed_out = failed and rng.random() < 0.5
        duration = TIMEOUT_MS if timed_out else float(rng.lognormal(np.log(usual), SPREAD))
        visit.rows.requests.append(
            {
                "requested_at": at,
                "duration_ms": round(duration, 1),
                "outcome": "timeout" if timed_out else "error" if failed else "ok",
                "arm": person.arm,
                "endpoint": "/recommend",
                "slate_id": visit.slate,
                "slate_size": len(visit.shown),
            }
        )
        at += timedelta(seconds=2)
        left -= not failed


def star(value: float) -> int:
    """A latent value as 1 to 5 stars."""
    return int(np.clip(np.floor(value + 0.5), 1, 5))


def _chance(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
