"""From rows to figures: what people said, did and waited for, with intervals, for everyone together and by arm."""

from recux.evaluation.figure import FigureValue
from recux.evaluation.store import evaluate_round

__all__ = ["FigureValue", "evaluate_round"]
