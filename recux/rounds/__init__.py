"""Rounds: a batch is closed, its round fine-tunes, evaluates, suggests and promotes, come what may."""

from recux.rounds.batches import close_batch, due, verify_batch

__all__ = ["close_batch", "due", "verify_batch"]
