"""Each rule speaks when its problem is planted in a pilot that went through the database, and is silent otherwise.

The plants are in `tests/suggest/plants`, in files named like those of the rules.
"""

import pytest
import sqlalchemy as sa

from recux.suggest import RULE_NAMES
from recux.suggest.rules import RULES
from tests.suggest.pilots import nothing, proposals
from tests.suggest.plants import CASES
from tests.suggest.test_rules_of_rounds import ROUND_RULES

ABOUT_PEOPLE_ALONE = {"sample_ratio_mismatch"}
"""Rules whose evidence is who is there, and no row of feedback."""


def test_every_rule_has_its_plant_and_its_name_in_words() -> None:
    rules = {rule.__name__ for rule in RULES}
    assert rules == {*CASES, *ROUND_RULES}
    assert rules == set(RULE_NAMES)


@pytest.mark.parametrize("rule", CASES)
def test_a_planted_problem_is_suggested(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][0])
    assert rule in {s.rule for s in found}
    mine = next(s for s in found if s.rule == rule)
    assert rule in ABOUT_PEOPLE_ALONE or any(mine.evidence.values())
    assert mine.tested > 1 if mine.p_adjusted is not None else mine.figure["n"] > 0
    assert not {"{", "nan"} & set("".join([*mine.title.values(), *mine.change.values()]).split())


@pytest.mark.parametrize("rule", CASES)
def test_the_placebo_of_a_rule_leaves_it_silent(sqlite_engine: sa.Engine, rule: str) -> None:
    found = proposals(sqlite_engine, CASES[rule][1])
    assert rule not in {s.rule for s in found}


@pytest.mark.parametrize("seed", range(5))
def test_a_pilot_without_problems_gets_no_suggestion(sqlite_engine: sa.Engine, seed: int) -> None:
    assert [s.title["en"] for s in proposals(sqlite_engine, nothing, seed=seed)] == []
