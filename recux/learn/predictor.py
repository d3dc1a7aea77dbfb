"""A saved model, loaded and asked: the same for a fine-tuned encoder and for a baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from recux.learn.calibration import Calibration, Halves, conformal_sets, expected_stars, predicted_stars
from recux.learn.errors import HeadMissing, ModelUnreadable, WeightsCorrupt, WeightsMissing
from recux.learn.examples import Pair
from recux.learn.files import read_json
from recux.learn.saved import about

Array = NDArray[np.float64]
Inputs = Sequence[str] | Sequence[Pair]


class Scorer(Protocol):
    """What gives raw probabilities: ``EncoderScorer`` and the classes in ``baselines``."""

    @property
    def heads(self) -> Iterable[str]:
        """What it predicts."""

    def raw(self, inputs: Any) -> dict[str, Array]:
        """By head: P(1..5) as (n, 5) or P(yes) as (n,)."""


@dataclass(frozen=True)
class Predictor:
    """A model ready to serve."""

    scorer: Scorer
    calibration: Calibration
    model: str
    """Name given in every answer."""
    about: dict[str, Any]

    def probabilities(self, inputs: Inputs, heads: Sequence[str]) -> dict[str, Array]:
        """Calibrated probabilities of those ``heads`` that the model has, or that a base rate stands in for."""
        raw = {h: np.full(len(inputs), rate) for h, rate in self.calibration.rate.items()}
        raw |= self.scorer.raw(inputs) if len(inputs) else {}
        return {h: self.calibration.served(h, raw[h]) for h in heads if h in raw}

    def satisfaction(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """For each comment: probabilities of 1..5, expected, predicted, 90 % set, P(would recommend) or None."""
        self.need("satisfaction")
        p = self.probabilities(texts, ("satisfaction", "recommend"))
        rows = self.stars("satisfaction", p)
        flags = p.get("recommend")
        return [row | {"recommend": None if flags is None else float(flags[i])} for i, row in enumerate(rows)]

    def rating(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """For each pair: probabilities of 1..5, expected, predicted, and the 90 % set."""
        self.need("rating")
        return self.stars("rating", self.probabilities(pairs, ("rating",)))

    def behaviour(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """For each pair: P(click) and P(purchase), None for what was never observed."""
        self.need("click", "purchase")
        p = self.probabilities(pairs, ("click", "purchase"))
        return [
            {head: float(p[head][i]) if head in p else None for head in ("click", "purchase")} | {"model": self.model}
            for i in range(len(pairs))
        ]

    def stars(self, head: str, by_head: dict[str, Array]) -> list[dict[str, Any]]:
        """Answers of an ordinal head."""
        p = by_head.get(head, np.zeros((0, 5)))
        called = predicted_stars(p, self.calibration.cuts.get(head))
        sets = conformal_sets(p, self.calibration.quantile.get(head, 1.0), called)
        answers = zip(p, expected_stars(p), called, sets, strict=True)
        return [
            {
                "probabilities": [float(x) for x in row],
                "expected": float(mean),
                "predicted": int(star),
                "set_90": inside,
                "model": self.model,
            }
            for row, mean, star, inside in answers
        ]

    def need(self, *heads: str) -> None:
        """Raise ``HeadMissing`` unless the model has one of ``heads``."""
        if not set(heads) & set(self.scorer.heads):
            raise HeadMissing(
                f"model {self.model} was not trained for {' or '.join(heads)}; it has {', '.join(self.scorer.heads)}."
                " Collect such labels and run a round"
            )


def load(folder: Path, *, model: str | None = None, device: str = "auto") -> Predictor:
    """The model in ``folder``; ``model`` is the name it answers with (default: the folder's).

    Raises ``ModelUnreadable`` when the folder is incomplete or damaged. Nothing in it is executed.
    """
    description = about(folder)
    try:
        scorer = scorer_of(folder, description, device)
        calibration = read_calibration(folder)
    except (WeightsCorrupt, WeightsMissing, OSError, ValueError, KeyError, BadZipFile) as problem:
        raise ModelUnreadable(f"{folder} cannot be read ({problem}); run the round again") from problem
    return Predictor(scorer, calibration, model or folder.name, description)


def scorer_of(folder: Path, description: dict[str, Any], device: str) -> Scorer:
    """The model's own kind of scorer."""
    if description["kind"] == "encoder":
        from recux.learn.scoring import load_encoder_scorer

        return load_encoder_scorer(folder, description, device)
    from recux.learn.baselines import LOADERS

    scorer: Scorer = LOADERS[description["kind"]](folder)
    return scorer


def read_calibration(folder: Path) -> Calibration:
    """The calibration beside the model; none yet means raw probabilities and sets of all stars."""
    file = folder / "calibration.json"
    return Calibration(**read_json(file)) if file.is_file() else Calibration()


def read_crossed(folder: Path) -> Halves | None:
    """What each half of the held-out participants was measured with when the model was made; None of older models."""
    file = folder / "crossed.json"
    if not file.is_file():
        return None
    try:
        first, second = (Calibration(**one) for one in read_json(file))
    except (OSError, ValueError, TypeError) as problem:
        raise ModelUnreadable(f"{file} cannot be read ({problem}); run the round again") from problem
    return first, second
