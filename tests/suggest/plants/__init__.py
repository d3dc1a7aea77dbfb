"""What makes each rule speak, and what looks alike and must not: a file for each file of rules."""

from tests.suggest.pilots import Plant
from tests.suggest.plants import arms, comments, data, drivers, feedback, segments, service, slates

CASES: dict[str, tuple[Plant, Plant]] = {
    rule: pair
    for kind in (arms, segments, slates, drivers, service, comments, feedback, data)
    for rule, pair in kind.CASES.items()
}
"""By rule: the problem that it is about, and its placebo. Rules that compare rounds are in `test_rules_of_rounds`."""
