"""What suggestions are found in: plain frames of people, ratings, answers, slates, requests, interactions and models.

Nothing here knows a database, so that the statistics can be run on simulated pilots. A `person` or `item` in a frame
is the row number (0..n-1) of `people` or `items`; an arm is its number in `arms`, -1 for none; arm 0 is the control.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from recux.suggest.columns import Cut, Flags, Floats, Ints, Objects, coded, floats, integers, mean_by, objects, thirds
from recux.suggest.texts import Texts

TRAITS = ("cohort", "language", "device", "experience")
"""Columns of `people` that cut people into groups; `experience` is `new` or `returning`."""


@dataclass(frozen=True)
class ArmInfo:
    """One arm of the pilot."""

    key: str
    weight: float = 1.0
    source: str = "imported"


@dataclass(frozen=True)
class Construct:
    """A construct of a questionnaire: which of its questions measure it, and on which scale."""

    instrument: str
    name: str
    questions: tuple[str, ...]
    reversed: tuple[bool, ...]
    low: float
    high: float


@dataclass(frozen=True)
class ModelFact:
    """A model of this round: its head, name and held-out figures (each with value, ci_low, ci_high)."""

    head: str
    name: str
    baseline: bool
    champion: bool
    metrics: Mapping[str, Any]
    round: int = 1


def frame(**columns: Any) -> pd.DataFrame:
    """A frame of these columns; an empty list makes an empty frame with the right names."""
    return pd.DataFrame(columns)


def no_items() -> pd.DataFrame:
    """Items: id, title, description, category, tags (number of), price, image_url; None where missing."""
    return frame(id=[], title=[], description=[], category=[], tags=[], price=[], image_url=[])


def no_answers() -> pd.DataFrame:
    """Answers: id, person, instrument, question, value, text, refused."""
    return frame(id=[], person=[], instrument=[], question=[], value=[], text=[], refused=[])


def no_impressions() -> pd.DataFrame:
    """Impressions: slate, person, arm, item, position."""
    return frame(slate=[], person=[], arm=[], item=[], position=[])


def no_requests() -> pd.DataFrame:
    """Requests: id, arm, person (-1 when unknown), duration_ms, failed."""
    return frame(id=[], arm=[], person=[], duration_ms=[], failed=[])


def no_interactions() -> pd.DataFrame:
    """Interactions: person, item, kind."""
    return frame(person=[], item=[], kind=[])


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that one round's suggestions may rest on."""

    arms: tuple[ArmInfo, ...]
    people: pd.DataFrame
    """id, arm, confirm (bool: in the confirmation half), first (round of the first rating, 0 for none), and the
    columns of TRAITS (text or None)."""
    ratings: pd.DataFrame
    """id, person, item (-1 when unknown), arm (of the slate, else of the person), slate (-1 for none), position
    (NaN for none), rating (1 to 5), comment (text or None), round, at (seconds, NaN when unknown)."""
    items: pd.DataFrame = field(default_factory=no_items)
    answers: pd.DataFrame = field(default_factory=no_answers)
    impressions: pd.DataFrame = field(default_factory=no_impressions)
    requests: pd.DataFrame = field(default_factory=no_requests)
    interactions: pd.DataFrame = field(default_factory=no_interactions)
    models: tuple[ModelFact, ...] = ()
    constructs: tuple[Construct, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    """Shares that the evaluation measured, such as `unknown_token_share`."""
    objectives: Mapping[str, float] = field(default_factory=dict)
    primary_metric: str = "mean_rating"
    slate_size: int = 8
    round_number: int = 1

    @cached_property
    def n(self) -> int:
        """Number of people."""
        return len(self.people)

    @cached_property
    def person(self) -> Ints:
        """Person of each rating, shape (ratings,)."""
        return integers(self.ratings["person"])

    @cached_property
    def item(self) -> Ints:
        """Item of each rating, -1 when unknown, shape (ratings,)."""
        return integers(self.ratings["item"])

    @cached_property
    def rating(self) -> Floats:
        """The ratings, 1 to 5, shape (ratings,)."""
        return floats(self.ratings["rating"])

    @cached_property
    def position(self) -> Floats:
        """Position in its list of what was rated, NaN for none, shape (ratings,)."""
        return floats(self.ratings["position"])

    @cached_property
    def third(self) -> Ints:
        """Third of the list of what was rated, as in `thirds`, shape (ratings,)."""
        return thirds(self.position, self.person, self.n)

    @cached_property
    def rating_id(self) -> Ints:
        """Row id of each rating, shape (ratings,)."""
        return integers(self.ratings["id"])

    @cached_property
    def arm_of_person(self) -> Ints:
        """Arm of each person, shape (people,)."""
        return integers(self.people["arm"])

    @cached_property
    def crossed(self) -> bool:
        """Whether most people rated lists of several arms (a crossover): arms are then compared within people."""
        arm, width = integers(self.ratings["arm"]), len(self.arms) + 1
        seen = np.bincount(self.person * width + arm + 1, minlength=self.n * width).reshape(-1, width)[:, 1:] > 0
        times = seen.sum(axis=1)
        return bool(2 * (times > 1).sum() > (times > 0).sum())

    @cached_property
    def arm_of_rating(self) -> Ints:
        """Arm that each rating is about, shape (ratings,): the person's, but in a crossover that of the list."""
        return integers(self.ratings["arm"]) if self.crossed else self.arm_of_person[self.person]

    def mean_in(self, arm: int, rows: Flags | None = None) -> Floats:
        """Mean of each person's ratings in an arm, NaN without any, shape (people,); `rows` leaves ratings out."""
        kept = self.arm_of_rating == arm if rows is None else rows & (self.arm_of_rating == arm)
        return mean_by(np.where(kept, self.person, -1), self.rating, self.n)

    @cached_property
    def confirm(self) -> Flags:
        """Whether each person is in the confirmation half, shape (people,)."""
        return self.people["confirm"].to_numpy(dtype=bool)

    @cached_property
    def traits(self) -> Mapping[str, Cut]:
        """Codes of the people, and names, of each of TRAITS; the most frequent value is number 0, -1 is missing."""
        return {trait: coded(objects(self.people[trait])) for trait in TRAITS}

    @cached_property
    def item_words(self) -> list[str]:
        """Title and category of each item in lower case."""
        pairs = zip(objects(self.items["title"]), objects(self.items["category"]), strict=True)
        return [f"{title or ''} {category or ''}".lower() for title, category in pairs]

    @cached_property
    def item_category(self) -> Cut:
        """Codes of the items, and names, of their categories; -1 is missing."""
        return coded(objects(self.items["category"]))

    @cached_property
    def category(self) -> Cut:
        """Codes of the ratings, and names, of the categories of what was rated; the most rated is number 0."""
        codes, names = self.item_category
        mine = np.append(codes, -1)[self.item]
        rated = np.bincount(mine[mine >= 0], minlength=len(names))
        order = np.argsort(-rated, kind="stable")
        rank = np.append(np.argsort(order), -1)
        return rank[mine], [names[code] for code in order[: np.count_nonzero(rated)]]

    @cached_property
    def comment(self) -> Objects:
        """The comment of each rating, None for none, shape (ratings,)."""
        return objects(self.ratings["comment"])

    @cached_property
    def has_comment(self) -> Flags:
        """Which ratings carry a comment, shape (ratings,)."""
        return self.comment.astype(bool)

    @cached_property
    def writings(self) -> tuple[Ints, Texts]:
        """Everything that people wrote, comments and then reasons for their recommendation score: who, and what."""
        a = self.answers
        why = a[(a["instrument"] == "nps") & (a["question"] == "why") & a["text"].notna()]
        person = np.concatenate([self.person[self.has_comment], integers(why["person"])])
        return person, Texts([*self.comment[self.has_comment], *why["text"]])

    @cached_property
    def numeric_answers(self) -> Mapping[tuple[str, str], tuple[Ints, Floats]]:
        """Rows of `answers` with a number and that number, by instrument and question."""
        value = floats(self.answers["value"])
        rows = np.flatnonzero(~np.isnan(value))
        said = self.answers.iloc[rows]
        (one, instruments), (two, questions) = (coded(objects(said[key])) for key in ("instrument", "question"))
        asked, code = np.unique(one * max(len(questions), 1) + two, return_inverse=True)
        chosen = [rows[code == number] for number in range(len(asked))]
        names = [(instruments[key // len(questions)], questions[key % len(questions)]) for key in asked]
        return {name: (mine, value[mine]) for name, mine in zip(names, chosen, strict=True)}

    @cached_property
    def times_rated(self) -> Ints:
        """How many ratings each person gave, shape (people,)."""
        return np.bincount(self.person, minlength=self.n)

    @cached_property
    def times_shown(self) -> Ints:
        """How many places of lists each person saw, shape (people,)."""
        return np.bincount(integers(self.impressions["person"]), minlength=self.n)

    @cached_property
    def person_mean(self) -> Floats:
        """Mean rating of each person, NaN without any, shape (people,)."""
        return mean_by(self.person, self.rating, self.n)

    @cached_property
    def first(self) -> Ints:
        """Round of each person's first rating, 0 for none, shape (people,)."""
        return integers(self.people["first"])

    @cached_property
    def began(self) -> Floats:
        """When each person gave their first rating, in seconds, shape (people,); NaN where that is not known."""
        first = integers(self.ratings["round"]) == self.first[self.person]
        earliest = np.full(self.n, np.nan)
        np.fmin.at(earliest, self.person[first], floats(self.ratings["at"])[first])
        return earliest

    def together(self, arms: Iterable[int]) -> Flags:
        """People who came while all these arms were open, so that chance decided who got which; shape (people,).

        An arm is taken to be open from the first rating in it: by its round, and within the round by its time, where
        that is known.
        """
        ours = [members for arm in arms if (members := (self.arm_of_person == arm) & (self.first > 0)).any()]
        opened = max((int(self.first[members].min()) for members in ours), default=1)
        newest = [self.began[members] for members in ours if self.first[members].min() == opened]
        moment = max((float(np.fmin.reduce(times)) for times in newest if not np.isnan(times).all()), default=-np.inf)
        early: Flags = (self.first < opened) | ((self.first == opened) & (self.began < moment))
        return ~early

    def arm_key(self, arm: int) -> str:
        """Key of arm number `arm`."""
        return self.arms[arm].key

    def pair(self, arm: int, control: int = 0) -> dict[str, str]:
        """The part of a segment that says which arm is compared with which."""
        return {"arm": self.arms[arm].key, "control": self.arms[control].key}


def in_confirmation_half(salt: str, external_ids: Iterable[str]) -> Flags:
    """Whether each person is in the confirmation half: a salted hash of the id, fixed for life.

    The prefix keeps the halves independent of the learning splits, which hash the same ids.
    """
    prefix = f"suggest:{salt}:".encode()
    digests = (hashlib.sha256(prefix + str(external_id).encode()).digest()[0] for external_id in external_ids)
    return np.fromiter((first >= 128 for first in digests), dtype=bool)
