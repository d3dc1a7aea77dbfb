"""Pilots with known truth, for the demo, the tests and the benches. Nothing else in recux may know the truth."""

from recux.simulate.pilot import simulate_pilot, simulate_round
from recux.simulate.truth import Truth, draw_truth

__all__ = ["Truth", "draw_truth", "simulate_pilot", "simulate_round"]
