"""Questionnaires: one versioned, sourced file each. A new one is one new file."""

from recux.instruments.loading import available, check_answer, construct_named, load, read
from recux.instruments.model import Condition, Construct, Instrument, Instruments, Option, Question, in_language

__all__ = [
    "Condition",
    "Construct",
    "Instrument",
    "Instruments",
    "Option",
    "Question",
    "available",
    "check_answer",
    "construct_named",
    "in_language",
    "load",
    "read",
]
