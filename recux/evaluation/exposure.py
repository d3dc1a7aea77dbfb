"""What people were shown, and what they did with it: one row an impression, joined to ratings and interactions.

Slates count once they were served. Where a slate says which of its items were shown, the others are left out (unless
somebody rated, clicked or marked them, so must have seen them); where it says nothing, all of it was. A rating or click
that names no slate belongs to the last slate served to that person before it that held the item.
"""

import numpy as np
import pandas as pd

from recux.evaluation.rows import NO_SLATE

DONE = {"clicked": "click", "purchased": "purchase", "dismissed": "dismiss", "known": "know"}


def exposures(
    impressions: pd.DataFrame, ratings: pd.DataFrame, interactions: pd.DataFrame, *, untimed: bool | None = None
) -> pd.DataFrame:
    """Columns ``slate``, ``participant``, ``arm``, ``item``, ``position``, ``score``, ``rating`` (NaN: unrated),
    ``clicked``, ``purchased``, ``dismissed`` ("not for me"), ``known`` ("I know it already"); in order of slate and
    position. Impressions that nobody can have seen are left out.

    ``untimed`` says that the study's slates have no times, so that all of them count; None: these rows say so.
    """
    known = impressions.sort_values(["slate", "position"], ignore_index=True)
    rated = with_slates(ratings, known).drop_duplicates(["slate", "item"], keep="last")
    rows = known.merge(rated[["slate", "item", "rating"]], on=["slate", "item"], how="left")
    done = with_slates(interactions, known)
    for name, kind in DONE.items():
        rows[name] = _pairs(rows).isin(_pairs(done[done["kind"] == kind]))
    seen = rows["rating"].notna() | rows[list(DONE)].any(axis=1) | rows["shown"]
    columns = ["slate", "participant", "arm", "item", "position", "score", "rating", *DONE]
    return rows.loc[_visible(rows, seen, untimed), columns].reset_index(drop=True)


def with_slates(rows: pd.DataFrame, impressions: pd.DataFrame) -> pd.DataFrame:
    """``rows`` (participant, item, slate, moment) with the slate filled in where none was named and one fits."""
    loose = rows[rows["slate"] == NO_SLATE]
    if loose.empty or impressions.empty:
        return rows
    places = impressions[["participant", "item", "slate", "served_at"]]
    fits = loose.drop(columns="slate").reset_index(names="row").merge(places, on=["participant", "item"])
    fits = fits[~(fits["served_at"] > fits["moment"])]
    last = fits.sort_values(["served_at", "slate"], na_position="first").drop_duplicates("row", keep="last")
    filled = rows["slate"].copy()
    filled.loc[last["row"].to_numpy()] = last["slate"].to_numpy()
    return rows.assign(slate=filled)


def _pairs(rows: pd.DataFrame) -> "pd.Series[int]":
    """Slate and item in one number: row ids stay far below 2^31."""
    return rows["slate"].astype("int64") * (1 << 32) + rows["item"].astype("int64")


def _visible(
    rows: pd.DataFrame, seen: "pd.Series[bool]", untimed: bool | None
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    codes, slates = pd.factorize(rows["slate"].to_numpy())
    touched = np.bincount(codes, weights=seen, minlength=len(slates))[codes] > 0
    says = np.bincount(codes, weights=rows["shown"], minlength=len(slates))[codes] > 0
    timed = rows["served_at"].notna().to_numpy()
    if untimed is None:  # a source that never says when, but people reacted
        untimed = not timed.any() and bool(seen.any())
    served = np.ones(len(rows), dtype=bool) if untimed else timed | touched
    return np.asarray(served & (seen.to_numpy() | ~says), dtype=np.bool_)
