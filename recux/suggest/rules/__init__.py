"""The rules: small functions from findings to drafts. A new one is written beside its kind and named here."""

from collections.abc import Callable, Iterator, Sequence

from recux.suggest.draft import Draft
from recux.suggest.finding import Finding
from recux.suggest.rules.arms import arm_better, arm_fails_segment, arm_suits_segment, arm_worse
from recux.suggest.rules.comments import complaint_theme, theme_in_arm
from recux.suggest.rules.data import (
    duplicate_items,
    missing_field,
    ratings_drift,
    sample_ratio_mismatch,
    thin_cohort,
    unsuitable_encoder,
)
from recux.suggest.rules.drivers import weak_driver
from recux.suggest.rules.feedback import (
    careless_answers,
    cohort_does_not_answer,
    few_comments,
    people_leave,
    question_says_nothing,
    unreliable_construct,
)
from recux.suggest.rules.models import miscalibrated_model, model_forgets, unfair_model, worse_than_baseline
from recux.suggest.rules.segments import (
    category_low,
    cohort_low,
    combination_low,
    device_low,
    group_dislikes_category,
    group_minds_position,
    language_low,
    newcomers_low,
)
from recux.suggest.rules.service import failing_arm, objective_missed, slow_arm, slowness_costs_ratings
from recux.suggest.rules.slates import (
    good_items_low,
    more_of_the_same,
    popularity_bias,
    repeated_items,
    tail_disappoints,
)

Rule = Callable[[Sequence[Finding]], Iterator[Draft]]

RULES: tuple[Rule, ...] = (
    arm_better,
    arm_worse,
    arm_fails_segment,
    arm_suits_segment,
    group_dislikes_category,
    group_minds_position,
    combination_low,
    cohort_low,
    newcomers_low,
    language_low,
    device_low,
    category_low,
    good_items_low,
    tail_disappoints,
    more_of_the_same,
    popularity_bias,
    repeated_items,
    weak_driver,
    slow_arm,
    failing_arm,
    objective_missed,
    slowness_costs_ratings,
    complaint_theme,
    theme_in_arm,
    careless_answers,
    few_comments,
    people_leave,
    question_says_nothing,
    unreliable_construct,
    cohort_does_not_answer,
    sample_ratio_mismatch,
    thin_cohort,
    duplicate_items,
    missing_field,
    ratings_drift,
    unsuitable_encoder,
    worse_than_baseline,
    miscalibrated_model,
    model_forgets,
    unfair_model,
)
"""Every rule; a draft's `rule` is the function's name."""


def drafts_of(findings: Sequence[Finding]) -> list[Draft]:
    """What all rules make of the findings."""
    return [draft for rule in RULES for draft in rule(findings)]
