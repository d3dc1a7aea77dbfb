"""What to change next, why, what it should bring, and later whether it did."""

from recux.suggest.judge import judge
from recux.suggest.life import accept, assign, decline, implement, set_effort, try_as_arm
from recux.suggest.propose import drafts_of, propose
from recux.suggest.rules.names import RULE_NAMES
from recux.suggest.score_cards import ScoreCard, score_cards

__all__ = [
    "RULE_NAMES",
    "ScoreCard",
    "accept",
    "assign",
    "decline",
    "drafts_of",
    "implement",
    "judge",
    "propose",
    "score_cards",
    "set_effort",
    "try_as_arm",
]
