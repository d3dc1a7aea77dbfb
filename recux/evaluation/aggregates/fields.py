"""The fields of a person that are kept, by name.

``mean_rating``, ``nps`` (-1, 0, 1), ``csat``, ``ces``, ``sus``, ``umux_lite``; ``rank.METRIC``; ``diversity``,
``novelty``, ``serendipity``; ``score.INSTRUMENT.CONSTRUCT`` (as a share of its range) and
``answer.INSTRUMENT.CONSTRUCT.QUESTION`` (of those who answered all of its questions, reversed ones turned round);
``asked.INSTRUMENT``; ``n.WHAT`` counts; ``flag.REASON`` and ``spoke``; ``here`` for everybody; ``cohort``, its
place in the list of cohorts;
``first.CONTROL.ARM.METRIC`` and ``then.CONTROL.ARM.METRIC`` are ARM minus CONTROL of people who met the control first,
or last, with NPS and constructs as they are kept.
"""

from collections.abc import Sequence
from functools import cache

from recux.evaluation.satisfaction import construct_range
from recux.evaluation.values import construct_of
from recux.instruments import Instruments

CENTRES = {
    "mean_rating": (3.0, 4.0),
    "nps": (0.0, 2.0),
    "csat": (0.0, 1.0),
    "ces": (4.0, 6.0),
    "sus": (50.0, 100.0),
    "umux_lite": (55.4, 65.0),
    "novelty": (5.0, 20.0),
}
"""Middle of a field's range, from which its powers are summed, and the range's width."""
PAIRS = {
    "ctr": ("n.clicked", "n.shown"),
    "purchase_rate": ("n.purchased", "n.shown"),
    "dismiss_rate": ("n.dismissed", "n.shown"),
    "known_rate": ("n.known", "n.shown"),
    "failure_rate": ("n.failed", "n.calls"),
}
"""Rates and the two fields that they are the ratio of."""
SIDES = ("first", "then")
COHORT = "cohort"
WHOLE = ("mean_rating", "nps", "csat", "ces", "sus", "umux_lite")
"""Metrics of a person that are fields as they are; rates and constructs are made of fields."""


@cache
def centre_of(name: str) -> tuple[float, float]:
    """Where a field's powers are summed from, and the width of its range."""
    if name in CENTRES:
        return CENTRES[name]
    kind, _, rest = name.partition(".")
    if kind in SIDES:
        return 0.0, 2 * centre_of(rest.split(".", 2)[2])[1]
    if kind in {"n", "answer", "asked", "flag"}:
        return 0.0, 1.0
    share = "." in name or kind in {"diversity", "serendipity"}  # ranking figures and constructs
    return (0.5, 1.0) if share else (0.0, 1.0)


def questions_of(names: Sequence[str]) -> dict[str, list[str]]:
    """The fields of each construct's questions, by INSTRUMENT.CONSTRUCT, in the order of the fields."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name.startswith("answer."):
            found.setdefault(name[len("answer.") :].rpartition(".")[0], []).append(name)
    return found


def range_of(metric: str, instruments: Instruments) -> tuple[float, float]:
    """Lowest value of ``metric``, and the width by which what is kept of it is multiplied: of constructs their range,
    of NPS 100.
    """
    if metric == "nps":
        return 0.0, 100.0
    instrument, construct = construct_of(metric, instruments)
    if instrument is None or construct is None:
        return 0.0, 1.0
    low, high = construct_range(instrument, construct)
    return float(low), float(high - low)
