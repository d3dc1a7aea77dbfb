"""Which people answered without care, and what was not answered. Nothing is removed: flagged answers stay in every
figure unless somebody asks to see it without them.

The rules, in words for the page beside them, are in ``RULES``.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recux.evaluation.figure import FigureValue, figure
from recux.instruments import Instrument, Instruments
from recux.stats import proportion

STRAIGHT, FAST, CONTRADICTION = "straight_lining", "too_fast", "contradiction"
DUPLICATE, INATTENTIVE = "duplicate_comments", "attention"
RULES = {
    STRAIGHT: "the same answer to all of 5 or more questions that include reversed ones, or to all of 5 or more items",
    FAST: "a questionnaire faster than 500 words a minute, or 5 or more items at under a second each",
    CONTRADICTION: "agreed, or disagreed, with a statement and its opposite alike, on average by 60 % of the scale",
    DUPLICATE: "the same comment of 4 or more words on two items, or one of 20 or more words that another person gave",
    INATTENTIVE: "another answer to an attention question than the one it asked for",
}
ENOUGH = 5
"""Answers from which a pattern counts."""
FASTEST_RATING = 1.0
"""Seconds, median."""
WORDS_PER_SECOND = 500 / 60
"""Twice the usual speed of silent reading (Brysbaert 2019, Journal of Memory and Language 109)."""
CHARACTERS_A_WORD = 1.5
"""Of Chinese."""
OPPOSED = 0.6
OWN_WORDS, COPIED_WORDS = 4, 20


def flags(
    ratings: pd.DataFrame,
    answers: pd.DataFrame,
    comments: pd.DataFrame,
    timings: pd.DataFrame,
    instruments: Instruments,
) -> pd.DataFrame:
    """Columns ``participant`` and ``reason``, one row for each person and reason.

    ``comments`` has ``participant`` and ``comment``; ``timings`` has ``participant``, ``seconds`` and ``words`` of
    each completed questionnaire whose time is known; ``instruments`` are the study's.
    """
    found = {
        STRAIGHT: _same_rating(ratings) | _same_answer(answers, instruments),
        FAST: _hasty_rating(ratings) | _hasty_reading(timings),
        CONTRADICTION: _contradicting(answers, instruments),
        DUPLICATE: _repeating(comments),
        INATTENTIVE: _inattentive(answers, instruments),
    }
    rows = [(person, reason) for reason, people in found.items() for person in sorted(people)]
    return pd.DataFrame(rows, columns=["participant", "reason"]).astype({"participant": "int64", "reason": "str"})


def without(rows: pd.DataFrame, flagged: pd.DataFrame) -> pd.DataFrame:
    """``rows`` of the people whom no rule flagged."""
    return rows[~rows["participant"].isin(flagged["participant"].unique())].reset_index(drop=True)


def count(flagged: pd.DataFrame) -> dict[str, int]:
    """Number of people by reason, 0 included."""
    found = flagged["reason"].value_counts()
    return {reason: int(found.get(reason, 0)) for reason in RULES}


def flagged_shares(flagged: pd.DataFrame, spoke: int) -> dict[str, FigureValue]:
    """Share of the ``spoke`` people who rated or answered that each rule flags, as ``flagged.REASON``."""
    return shares_of(count(flagged), spoke)


def shares_of(counts: Mapping[str, int], spoke: int) -> dict[str, FigureValue]:
    """The same from the number of people by reason."""
    return {
        f"flagged.{reason}": figure(
            proportion(number, spoke), f"Share of those who rated or answered who gave {RULES[reason]}"
        )
        for reason, number in counts.items()
    }


def unanswered(answers: pd.DataFrame, instruments: Instruments) -> tuple[dict[str, float], dict[str, float]]:
    """Of those who filled in an instrument, the share without an answer, and the share who refused, by question.

    Questions are named ``INSTRUMENT/QUESTION``. Questions that a person was not asked by design are not missing.
    """
    missing: dict[str, float] = {}
    refused: dict[str, float] = {}
    for instrument_id, rows in answers.groupby("instrument", sort=True):
        name = str(instrument_id)
        said = _said(rows)
        refusals = rows[rows["refused"]].groupby("question")["response"].nunique()
        for question, asked in _asked(instruments.get(name), rows).items():
            answered = said[said["question"] == question]["response"].isin(asked).sum()
            refusal = int(refusals.get(question, 0))
            missing[f"{name}/{question}"] = 1 - float(answered + refusal) / len(asked)
            if refusal:
                refused[f"{name}/{question}"] = refusal / len(asked)
    return missing, refused


def words_in(text: str) -> float:
    """Words of a text; Chinese characters count as two thirds of one."""
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    return chinese / CHARACTERS_A_WORD + len("".join(c if c < "\u2e80" else " " for c in text).split())


def _said(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["value"].notna() | rows["worded"]]


def _asked(instrument: Instrument | None, rows: pd.DataFrame) -> dict[str, "pd.Index[int]"]:
    """For each question the responses in which it was to be asked; questions asked of nobody are left out."""
    if instrument is None:
        everybody = pd.Index(rows["response"].unique())
        return dict.fromkeys(sorted(rows["question"].unique()), everybody)
    wide = rows.pivot(index="response", columns="question", values="value")
    asked = {}
    for question in instrument.questions:
        condition = question.ask_if
        holds = np.ones(len(wide), dtype=bool)
        if condition is not None:
            value = wide[condition.question] if condition.question in wide else pd.Series(np.nan, index=wide.index)
            holds = value.between(_or(condition.at_least, -np.inf), _or(condition.at_most, np.inf)).to_numpy()
        if np.any(holds):
            asked[question.name] = wide.index[holds]
    return asked


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def _same_rating(ratings: pd.DataFrame) -> set[int]:
    by_person = ratings.groupby("participant")["rating"].agg(["size", "min", "max"])
    return set(by_person.index[(by_person["size"] >= ENOUGH) & (by_person["min"] == by_person["max"])])


def _hasty_rating(ratings: pd.DataFrame) -> set[int]:
    """Gaps of exactly 0 are a log's, not a person's: such ratings were not timed one by one."""
    timed = ratings[["participant", "moment"]].sort_values(["participant", "moment"])
    gap = timed.groupby("participant")["moment"].diff().dt.total_seconds()
    by_person = gap[gap > 0].groupby(timed["participant"]).agg(["size", "median"])
    return set(by_person.index[(by_person["size"] >= ENOUGH - 1) & (by_person["median"] < FASTEST_RATING)])


def _hasty_reading(timings: pd.DataFrame) -> set[int]:
    fast = timings["seconds"] < timings["words"] / WORDS_PER_SECOND
    return set(timings["participant"][fast])


def _tables(answers: pd.DataFrame, instruments: Instruments) -> list[tuple[Instrument, pd.DataFrame]]:
    """Raw answers, responses x scale questions, of the instruments with reversed questions."""
    found = []
    for name in sorted(set(answers["instrument"].unique()) & set(instruments)):
        instrument = instruments[name]
        if any(question.reverse for question in instrument.questions):
            rows = answers[answers["instrument"] == name]
            wide = rows.pivot(index=["response", "participant"], columns="question", values="value")
            scales = [question.name for question in instrument.questions if question.low is not None]
            found.append((instrument, wide.reindex(columns=scales)))
    return found


def _same_answer(answers: pd.DataFrame, instruments: Instruments) -> set[int]:
    people: set[int] = set()
    for _, wide in _tables(answers, instruments):
        same = (wide.notna().sum(axis=1) >= ENOUGH) & (wide.min(axis=1) == wide.max(axis=1))
        people |= set(wide.index[same].get_level_values("participant"))
    return people


def _contradicting(answers: pd.DataFrame, instruments: Instruments) -> set[int]:
    """People whose mean answers to plain and to reversed questions lie far apart once the latter are turned round."""
    people: set[int] = set()
    for instrument, wide in _tables(answers, instruments):
        for construct in instrument.constructs:
            apart = _apart(wide, instrument, construct.questions)
            people |= set(apart.index[apart >= OPPOSED].get_level_values("participant"))
    return people


def _apart(wide: pd.DataFrame, instrument: Instrument, names: tuple[str, ...]) -> "pd.Series[float]":
    """Distance between plain and reversed questions as a share of the scale, 0 to 1; empty without either."""
    turned = [name for name in names if instrument.question(name).reverse]
    plain = [name for name in names if name not in turned]
    if not turned or not plain:
        return pd.Series([], dtype="float64", index=wide.index[:0])
    low, high = instrument.question(names[0]).bounds
    distance = (wide[plain].mean(axis=1) - (low + high - wide[turned]).mean(axis=1)).abs()
    return distance / (high - low)


def _inattentive(answers: pd.DataFrame, instruments: Instruments) -> set[int]:
    people: set[int] = set()
    for name in set(answers["instrument"].unique()) & set(instruments):
        for question in instruments[name].questions:
            if question.expected is not None:
                rows = answers[(answers["instrument"] == name) & (answers["question"] == question.name)]
                people |= set(rows["participant"][rows["value"].notna() & (rows["value"] != question.expected)])
    return people


def long_comments(comments: pd.DataFrame) -> pd.DataFrame:
    """Columns ``participant`` and ``text`` (normalised) of comments that no two people would write alike."""
    rows = _normalised(comments)
    return rows.loc[rows["length"] >= COPIED_WORDS, ["participant", "text"]].drop_duplicates(ignore_index=True)


def _normalised(comments: pd.DataFrame) -> pd.DataFrame:
    text = comments["comment"].str.casefold().str.split().str.join(" ")
    length = pd.Series([words_in(one) for one in text], index=comments.index, dtype="float64")
    return pd.DataFrame({"participant": comments["participant"], "text": text, "length": length})


def _repeating(comments: pd.DataFrame) -> set[int]:
    rows = _normalised(comments)
    own = rows[(rows["length"] >= OWN_WORDS) & rows.duplicated(["participant", "text"], keep=False)]
    shared = rows[rows["length"] >= COPIED_WORDS].drop_duplicates(["participant", "text"])
    return set(own["participant"]) | set(shared[shared.duplicated("text", keep=False)]["participant"])
