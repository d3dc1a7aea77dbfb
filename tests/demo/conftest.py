"""The small encoder of the rounds' tests, so that a demonstration learns in seconds."""

from tests.rounds.conftest import tiny_encoder

__all__ = ["tiny_encoder"]
