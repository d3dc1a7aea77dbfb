"""Every failure that a person can meet is one of these.

A message says what was wrong, where (file, line, column, id), and what to do about it. The command line prints it
as one line and exits with 1; pages and the API show the same words.
"""


class RecuxError(Exception):
    """The root of recux's own errors: expected failures with a message meant for people."""


class NotFound(RecuxError):
    """Something named by the caller (a study, a round, a file) does not exist."""


class InvalidInput(RecuxError):
    """Data or arguments from outside break a rule."""


class Conflict(RecuxError):
    """The request is well formed but does not fit the present state (a closed study, a taken slug)."""


class NotAllowed(RecuxError):
    """Who asks may not do this, or could not be recognised."""


class NotOpen(NotAllowed):
    """The study takes nobody in now: it has not started, is paused, closed or full."""


class Unavailable(RecuxError):
    """Something recux depends on (database, model weights, a remote recommender) cannot be reached or is damaged."""
