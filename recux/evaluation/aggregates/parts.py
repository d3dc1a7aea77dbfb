"""What each person adds to the sums: fields, and items that were shown to them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.evaluation import catalogue, data_quality
from recux.evaluation.aggregates.fields import SIDES, WHOLE, range_of
from recux.evaluation.lists import METRICS, per_slate
from recux.evaluation.recommendation import RELEVANT_FROM
from recux.evaluation.satisfaction import construct_range, construct_scores, keyed_table, last_wave, table
from recux.evaluation.snapshot import Snapshot
from recux.evaluation.values import Data, measured, values_of
from recux.instruments import Instrument

Ints = NDArray[np.int64]


@dataclass
class Parts:
    """The contributions of some people to one arm, or to everyone."""

    fields: pd.DataFrame
    """Rows are people, columns are fields; NaN where there is none."""
    items: pd.DataFrame
    """Columns ``participant``, ``item``, ``times``, ``reacted`` (0 or 1)."""


def parts_of(data: Snapshot, *, arm: str, flags: pd.DataFrame) -> Parts:
    """The contributions of all people in ``data`` to ``arm`` (empty: everyone), but for novelty and serendipity."""
    part = data if arm == "" else data.of_arm(arm)
    columns: dict[str, pd.Series[float]] = dict(_values(part))
    columns |= _shown(part) | _ranked(part) | _calls(part)
    if arm == "":
        columns |= _flagged(part, flags) | dict(_both_arms(data))
    fields = pd.DataFrame({name: series for name, series in columns.items() if len(series)})
    if arm == "":
        fields["here"] = 1.0
    return Parts(fields.astype("float64"), _items(part.exposures))


def _values(part: Snapshot) -> Iterator[tuple[str, "pd.Series[float]"]]:
    data = Data(part.ratings, last_wave(part.answers), part.exposures, part.instruments)
    for metric in WHOLE:
        found = values_of(metric, data)
        yield metric, found / 100 if metric == "nps" else found
    yield "n.ratings", data.ratings.groupby("participant").size().astype("float64")
    for name, answers in data.answers.groupby("instrument"):
        yield f"asked.{name}", pd.Series(1.0, index=answers["participant"].unique())
        if str(name) in part.instruments:
            yield from _constructs(part.instruments[str(name)], answers)


def _constructs(instrument: Instrument, answers: pd.DataFrame) -> Iterator[tuple[str, "pd.Series[float]"]]:
    wide = table(answers, [question.name for question in instrument.questions])
    for construct in instrument.constructs:
        place, (low, high) = f"{instrument.id}.{construct.name}", construct_range(instrument, construct)
        yield f"score.{place}", (construct_scores(wide, instrument, construct) - low) / (high - low)
        keyed = keyed_table(wide, instrument, construct).dropna()
        if len(construct.questions) > 1:
            for question in construct.questions:
                yield f"answer.{place}.{question}", keyed[question]


def _shown(part: Snapshot) -> dict[str, "pd.Series[float]"]:
    by_person = part.exposures.groupby("participant")
    return {
        "n.shown": by_person.size().astype("float64"),
        "n.clicked": by_person["clicked"].sum().astype("float64"),
        "n.purchased": by_person["purchased"].sum().astype("float64"),
        "n.dismissed": by_person["dismissed"].sum().astype("float64"),
        "n.known": by_person["known"].sum().astype("float64"),
        "n.rated_shown": by_person["rating"].count().astype("float64"),
    }


def _ranked(part: Snapshot) -> dict[str, "pd.Series[float]"]:
    shown = part.exposures
    found: dict[str, pd.Series[float]] = {}
    if shown["rating"].notna().any():
        slates = per_slate(shown, k=part.k, relevant_from=RELEVANT_FROM)
        found |= {f"rank.{name}": slates.groupby("participant")[name].mean().dropna() for name in METRICS}
    if len(shown):
        codes = pd.Index(part.items["item"]).get_indexer(shown["item"])
        apart = catalogue.slate_diversity(shown, codes, part.items)
        found["diversity"] = apart.groupby("participant")["distance"].mean()
    return found


def _calls(part: Snapshot) -> dict[str, "pd.Series[float]"]:
    known = part.requests[part.requests["participant"] > 0].groupby("participant")
    return {"n.calls": known.size().astype("float64"), "n.failed": known["failed"].sum().astype("float64")}


def _flagged(part: Snapshot, flags: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    spoke = pd.Index(part.ratings["participant"]).union(pd.Index(part.answers["participant"])).unique()
    found = {"spoke": pd.Series(1.0, index=spoke)}
    for reason in data_quality.RULES:
        who = flags["participant"][flags["reason"] == reason].unique()
        found[f"flag.{reason}"] = pd.Series(spoke.isin(who).astype(np.float64), index=spoke)
    return found


def _both_arms(data: Snapshot) -> Iterator[tuple[str, "pd.Series[float]"]]:
    """Differences within the people who met several arms, by the order in which they met them."""
    if data.first_arms.empty:
        return
    whole = Data(data.ratings, last_wave(data.answers, by_arm=True), data.exposures, data.instruments)
    control, *others = data.arms
    for arm in others:
        a, b = whole.of_arm(control), whole.of_arm(arm)
        named = [data.primary_metric] if "." in data.primary_metric else []
        for metric in (*measured(whole, data.recorded), *named):
            change = (values_of(metric, b) - values_of(metric, a)).dropna()
            change = change[change.index.isin(data.first_arms.index)]
            first = data.first_arms[change.index] == control
            _, scale = range_of(metric, data.instruments)
            for side, chosen in zip(SIDES, (first, ~first), strict=True):
                yield f"{side}.{control}.{arm}.{metric}", change[chosen] / scale


def _items(shown: pd.DataFrame) -> pd.DataFrame:
    reacted = shown["rating"].notna() | shown["clicked"] | shown["purchased"]
    rows = shown[["participant", "item"]].assign(times=1, reacted=reacted.astype("int64"))
    found = rows.groupby(["participant", "item"], as_index=False).agg({"times": "sum", "reacted": "max"})
    return found.astype("int64")


def surprise(part: Snapshot, popular: Ints, people: int) -> dict[str, "pd.Series[float]"]:
    """Novelty and serendipity of each person, by how many of ``people`` reacted to each item.

    ``popular`` has one count for each of ``part.items``, in their order. These two depend on everybody, so they are
    kept as they were when the person last took part.
    """
    shown = part.exposures
    codes = pd.Index(part.items["item"]).get_indexer(shown["item"])
    bits = -np.log2(np.maximum(popular, 1) / max(people, 1))
    novelty = pd.Series(bits[codes], index=shown["participant"]).groupby(level=0).mean()
    rated = shown["rating"].notna().to_numpy()
    place = 1 + len(popular) - np.searchsorted(np.sort(popular), popular, side="right")
    length = shown.groupby("slate")["item"].transform("size").to_numpy()
    lucky = (shown["rating"].to_numpy() >= RELEVANT_FROM) & (place[codes] > length)
    found = pd.Series(lucky[rated].astype(np.float64), index=shown["participant"][rated])
    return {"novelty": novelty, "serendipity": found.groupby(level=0).mean()}
