"""How well people are heard: careless answers, few comments, people who leave, questions that tell nothing."""

import numpy as np

from recux.stats import cluster_ratio, compare_proportions, cronbach_alpha, proportion
from recux.suggest import family
from recux.suggest.columns import Flags, most_frequent
from recux.suggest.finding import Finding, from_difference, from_estimate, ids_of
from recux.suggest.frames import Construct, Evidence
from recux.suggest.outcomes import RATING, answer, careless_people, reached

FEWEST = 20
"""People, for a statement about the feedback itself."""
FEWEST_CARELESS = 3
CHANCE_CARELESS = 0.01
"""Share of attentive people who happen to look careless; the observed share must lie wholly above it."""
SAME_ANSWER = 0.95
STEPS = (("shown", "rated"), ("rated", "rated_all"), ("rated", "answered"))


def feedback(e: Evidence) -> list[Finding]:
    """Counts about the feedback, and the test whether some cohort answers less."""
    return [
        *(same_ratings(e) or careless(e)),
        *comment_rate(e),
        *drop_off(e),
        *same_answers(e),
        *reliability(e),
        *non_response(e),
    ]


def careless(e: Evidence) -> list[Finding]:
    """People who gave one and the same rating throughout, or rated faster than one can read."""
    flags = careless_people(e)
    judged = ~np.isnan(flags)
    careless_now, n = int(np.nansum(flags)), int(judged.sum())
    if n < FEWEST or careless_now < FEWEST_CARELESS:
        return []
    found = from_estimate(
        proportion(careless_now, n),
        kind="careless",
        metric="careless",
        definition="share of people with 5 or more ratings whose ratings are all the same, or given in under 1 s each",
        facts={"people": careless_now},
        ids={"ratings": ids_of(e.rating_id[(flags == 1)[e.person]])},
    )
    return [found] if found and found.low > CHANCE_CARELESS else []


def comment_rate(e: Evidence) -> list[Finding]:
    """Share of ratings with a comment."""
    people = int(np.count_nonzero(e.times_rated))
    if people < FEWEST:
        return []
    share = cluster_ratio(e.has_comment.astype(float), np.ones(len(e.rating)), e.person)
    found = from_estimate(
        share if e.has_comment.any() else proportion(0, people),  # where nobody writes, nothing varies
        kind="comment_rate",
        metric="comment_rate",
        definition="share of ratings with a comment",
    )
    return [found] if found else []


def drop_off(e: Evidence) -> list[Finding]:
    """The step at which the largest share of those who came so far leaves; steps that nobody took are not counted."""
    found = []
    for before, after in STEPS:
        came, went_on = reached(e, before), reached(e, after)
        if came.sum() < FEWEST or not went_on.any():
            continue
        lost = int((came & ~went_on).sum())
        step = from_estimate(
            proportion(lost, int(came.sum())),
            kind="drop_off",
            metric="drop_off",
            definition=f"share of people who came to '{before}' and not to '{after}'",
            where={"from": before, "step": after},
            facts={"lost": lost},
        )
        found.extend([step] if step else [])
    return sorted(found, key=lambda f: -f.value)[:1]


def same_ratings(e: Evidence) -> list[Finding]:
    """Ratings that are nearly all alike: then the question is at fault, not people who do not look."""
    values, times = np.unique(e.rating, return_counts=True)
    people = int(np.count_nonzero(e.times_rated))
    if people < FEWEST or times.max() < SAME_ANSWER * len(e.rating):
        return []
    alike = (e.rating == values[times.argmax()]).astype(float)
    found = from_estimate(
        cluster_ratio(alike, np.ones(len(alike)), e.person) if len(values) > 1 else proportion(people, people),
        kind="same_answer",
        metric="same_answer",
        definition="share of ratings that are the most frequent one",
        where={"question": RATING},
        ids={"ratings": ids_of(e.rating_id)},
    )
    return [found] if found else []


def same_answers(e: Evidence) -> list[Finding]:
    """Questions that nearly everybody answers alike."""
    found = []
    for (instrument, question), (rows, values) in sorted(e.numeric_answers.items()):
        people = len(np.unique(e.answers["person"].to_numpy()[rows]))
        _, times = np.unique(values, return_counts=True)
        if people < FEWEST or times.max() < SAME_ANSWER * len(values):
            continue
        finding = from_estimate(
            proportion(int(times.max()), len(values)),
            kind="same_answer",
            metric="same_answer",
            definition="share of people who give the most frequent answer",
            where={"question": f"{instrument}/{question}"},
            ids={"answers": ids_of(e.answers["id"].to_numpy()[rows])},
        )
        found.extend([finding] if finding else [])
    return found


def reliability(e: Evidence) -> list[Finding]:
    """Cronbach's alpha of every construct with two questions or more."""
    found = [_alpha(e, construct) for construct in e.constructs if len(construct.questions) > 1]
    return [finding for finding in found if finding is not None]


def _alpha(e: Evidence, construct: Construct) -> Finding | None:
    columns = [answer(e, construct.instrument, question) for question in construct.questions]
    turned = [
        construct.low + construct.high - column if flag else column
        for column, flag in zip(columns, construct.reversed, strict=True)
    ]
    table = np.column_stack(turned)
    estimate = cronbach_alpha(table[~np.isnan(table).any(axis=1)])
    if estimate.n < FEWEST:
        return None
    return from_estimate(
        estimate,
        kind="alpha",
        metric="alpha",
        definition="Cronbach's alpha of the construct",
        where={"construct": f"{construct.instrument}.{construct.name}"},
        facts={"questions": len(construct.questions)},
    )


def non_response(e: Evidence) -> list[Finding]:
    """Each cohort's share of people who answered, of those who were shown something, against all others."""
    shown, answered = reached(e, "shown"), reached(e, "rated")
    codes, names = most_frequent(e.traits["cohort"], 30)
    if len(names) < 2 or not answered.any():
        return []
    found = [
        _cohort_response(names[k], shown & (codes == k), shown & (codes != k), answered) for k in range(len(names))
    ]
    return family.equal_shares([finding for finding in found if finding is not None], family.OTHERS / 6)


def _cohort_response(cohort: str, inside: Flags, rest: Flags, answered: Flags) -> Finding | None:
    if min(inside.sum(), rest.sum()) < FEWEST // 2:
        return None
    compared = compare_proportions(
        int((rest & answered).sum()), int(rest.sum()), int((inside & answered).sum()), int(inside.sum())
    )
    return from_difference(
        compared,
        kind="non_response",
        metric="response_rate",
        definition="share of the cohort who rated after being shown something, minus that of all others",
        where={"cohort": cohort},
        facts={"share": float(answered[inside].mean()), "share_rest": float(answered[rest].mean())},
    )
