"""Which participants teach, which test, and which are kept back: fixed for life by a salted hash."""

import hashlib
from collections.abc import Iterable
from typing import Literal

Split = Literal["train", "heldout", "audit"]
TRAIN_SHARE, HELDOUT_SHARE = 0.70, 0.15


def unit_hash(text: str, salt: str) -> float:
    """A number in [0, 1) that depends on ``text`` and ``salt`` only (first 8 bytes of SHA-256)."""
    digest = hashlib.sha256(f"{salt}\x1f{text}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_of(participant_id: str, salt: str) -> Split:
    """The side a participant is on: 70 % train, 15 % heldout, 15 % audit.

    The same id and salt give the same side for ever, whatever else is collected later.
    """
    place = unit_hash(participant_id, salt)
    if place < TRAIN_SHARE:
        return "train"
    return "heldout" if place < TRAIN_SHARE + HELDOUT_SHARE else "audit"


def duplicates_to_drop(texts: Iterable[tuple[str, str, str]]) -> set[str]:
    """Keys of training examples whose text also stands on a side that tests.

    ``texts`` holds (key, split, text). Texts are compared without case and with blanks squeezed; blank texts never
    count as duplicates. Dropping the training copy leaves the test sides as they were collected.
    """
    rows = [(key, split, normalised(text)) for key, split, text in texts]
    tested = {text for _, split, text in rows if split != "train" and text}
    return {key for key, split, text in rows if split == "train" and text in tested}


def normalised(text: str) -> str:
    """``text`` without case and with runs of blanks squeezed: what counts as the same text."""
    return " ".join(text.casefold().split())
