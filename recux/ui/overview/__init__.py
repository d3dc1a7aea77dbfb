"""The parts of the front page: how satisfied people are."""
