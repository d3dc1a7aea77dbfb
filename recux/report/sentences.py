"""Definitions, methods and reasons of figures in the reader's language.

They are stored in English beside each figure, some with numbers in them. Here stands each sentence once more, for the
catalogue; ``{n}`` and other names in braces stand for what differs.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from recux.report import model_sentences
from recux.report.language import N_

Translate = Callable[[str], str]

MEAN = "; mean of people's means"
END = N_("mean of the means of people")
BRACES = re.compile(r"\\\{\w+\\\}")


def said(text: str | None, translate: Translate) -> str:
    """A stored sentence, as ``translate`` says it; as it is where there is no translation."""
    if not text:
        return ""
    whole, mean, _rest = text.partition(MEAN)
    return f"{_one(whole, translate)}; {translate(END)}" if mean else _one(text, translate)


def _one(text: str, translate: Translate) -> str:
    for pattern, message in _patterns():
        found = pattern.fullmatch(text)
        if found:
            parts = found.groupdict().items()
            return translate(message).format(**{name: _part(name, part, translate) for name, part in parts})
    return translate(text)


def _part(name: str, part: str, translate: Translate) -> str:
    """What stands in the place of a name in braces."""
    if name in {"reason", "method"}:
        return said(part, translate)
    if name in {"model", "others"}:
        return model_sentences.named(part, translate)
    if name == "scripts":
        return model_sentences.in_scripts(part, translate)
    return translate(part) if name == "kind" else part


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(pattern(message), message) for message in (*messages(), *model_sentences.messages()) if "{" in message]


def pattern(message: str) -> re.Pattern[str]:
    """What fits ``message`` with anything in the place of its names in braces."""
    return re.compile(BRACES.sub(lambda m: f"(?P<{m.group()[2:-2]}>.+?)", re.escape(message)))


def messages() -> list[str]:
    """Every sentence that a figure may carry."""

    def _(message: str) -> str:
        """Marks a sentence for the catalogue, as it is."""
        return message

    return [
        _("{method}, widened for lopsided answers"),  # what may follow another sentence comes first
        _("{method}, the smaller arm's variance drawn towards the pooled one"),
        _("{method}, durations kept to {share}"),
        _("{reason}, at an equal mix of cohorts"),
        _("{reason} (popularity as of each person's last round)"),
        _("Promoters (9-10) minus detractors (0-6) in per cent of those who answered, -100 to 100"),
        _("Share of people who answered 4 or 5 of 5"),
        _("Mean answer to how easy it was, 1 (hard) to 7 (easy)"),
        _("Mean System Usability Scale score of people who answered all ten questions, 0 to 100"),
        _("Mean UMUX-Lite score as an estimate of SUS (.65 raw + 22.9), 22.9 to 87.9"),
        _("Mean of people's own mean ratings, 1 to 5 ({n} ratings)"),
        _("Mean of people's {construct} scores, {low} to {high}"),
        _("Cronbach's alpha of {n} questions, people who answered all"),
        _("Mean of people's answers to all questionnaires, each put on 0 to 100 (100 is best)"),
        _("Share of shown items that got a {kind}, all people's together ({n} shown)"),
        _("click"),
        _("purchase"),
        _('Share of shown items that were marked "not for me", all people\'s together ({n} shown)'),
        _('Share of shown items that were marked "I know it already", all people\'s together ({n} shown)'),
        _("Share of relevant items among the first {k} rated ones of a slate"),
        _("Share of a slate's relevant items that are among the first {k} rated ones"),
        _("Harmonic mean of precision and recall at {k}"),
        _("NDCG at {k}, gain 2^rating - 1, discount log2(rank + 1), against the best order of the slate"),
        _("1 / rank of the first relevant item among the first {k} rated ones, 0 without one"),
        _("Average precision at {k}"),
        _("Share of slates with a relevant item among the first {k} rated ones"),
        _("Probability that a relevant item of a slate scores above another one of it (ties half)"),
        _("Change in {metric} from round {before} to round {after}, the same people in both"),
        _("Change in {metric} from round {before} to round {after}, different people"),
        _("Difference in {metric}: {arm} minus {control}"),
        _("Share of the catalogue that was shown to somebody"),
        _("Inequality of exposure over the catalogue: 0 all items equally often, 1 one item only"),
        _("1 - cosine of category and tags, mean over the pairs of a slate, then over slates and people"),
        _(
            "-log2 of the share of people who reacted to an item (at least one), mean over shown items and people, "
            "in bits"
        ),
        _("Share of rated items that are relevant and not among the most popular ones, mean over people"),
        _("{share} of calls were answered or had failed within this, in ms"),
        _("Share of calls that ended in an error or a timeout; n = people they were made for"),
        _("Share of calls that were answered; n = people they were made for"),
        _("Share of calls that ended in an error or a timeout; n = calls"),
        _("Share of calls that were answered; n = calls"),
        _("{n} requests, this quantile needs {needed}"),
        _("1 request, this quantile needs {needed}"),
        _("no requests"),
        _("an arm has fewer than 5 participants"),
        _("an arm has {reason}"),
        _("the same in every resample"),
        _("a question, or the sum of all, does not vary"),
        _("all participants have the same mean"),
        _("all participants have the same ratio"),
        _("alpha needs at least two questions"),
        _("an arm has fewer than three participants"),
        _("an arm has fewer than two answers"),
        _("an arm has nobody to count"),
        _("every pair has the same difference"),
        _("everybody has the same difference"),
        _("no item of a shown slate was rated"),
        _("no participants"),
        _("nobody to count"),
        _("not defined in more than 5 % of the resamples"),
        _("the statistic is not defined on these rows"),
        _("{n} participants, resampling needs at least 5"),
        _("{n} people answered together, alpha needs at least 3"),
        _("{n} participants are too few for {size} drivers"),
        _("the outcome or a driver does not vary"),
        _("an arm has no participants"),
        _("a question has no variance of its own (Heywood case): one factor does not fit"),
        _("nobody was assigned"),
        _("exact interval for equal answers"),
        _("no slate has more than {k} rated items and a relevant one: with k = slate length recall is always 1"),
        _("agreed, or disagreed, with a statement and its opposite alike, on average by 60 % of the scale"),
        _("adjusted wald"),
        _("Clopper-Pearson"),
        _("covariate-adjusted Welch's t test (CUPED)"),
        _("Welch's t test (the covariate does not vary)"),
        _("Welch's t test on participants' means"),
        _("paired t test"),
        _("bootstrap of participants, {n} draws"),
        _("linearised t interval over participants"),
        _("two-period crossover, Welch's t test on differences by sequence"),
        _("difference at an equal mix (direct standardisation), Welch's t test"),
        _("exact, complete separation"),
        _("ordinal GEE, independence, bias-reduced covariance"),
        _("sign-flip permutation, bootstrap interval"),
        _("Fisher's exact test, square-and-add Clopper-Pearson interval"),
        _("one factor by maximum likelihood, delta method on the logit scale"),
        _("Feldt's F interval, listwise"),
        _("Feldt's F interval, pairwise"),
        _("Fisher's z interval"),
        _("anytime-valid interval (normal mixture)"),
        _("nothing varies beside the covariate"),
        _("only one participant"),
        _("a question does not vary"),
        _("some questions are exact combinations of others"),
        _("improper solution: a unique variance of 0, or constructs that coincide"),
        _("a sequence has fewer than two people"),
        _("the drivers explain nothing, or repeat each other"),
        _("a group is empty"),
        _("everybody is of one kind"),
        _("no kind has two people in both groups"),
        _("all values within each kind are equal"),
        _("one answer has no interval"),
        _("all answers are in one group: use adjusted_wald"),
        _("all values are equal"),
        _("all ratings are equal"),
        _("the arms do not overlap on the scale"),
        _("the regression did not converge"),
        _("{n} pairs, at least {needed} are needed"),
        _("no known item has a grade above 0"),
        _("all rated items are alike"),
        _("no known item is relevant"),
        _("covariances of different people contradict each other"),
        _("all questions were answered alike by everybody"),
        _("nobody answered every question"),
        _("one factor needs at least three questions"),
        _("{n} complete answers are too few for {needed} questions"),
        _("{n} people are too few for {needed} questions"),
        _("the answers say too little of the one factor for an interval"),
        _("fewer than four people"),
        _("a round has fewer than {n} participants"),
        _("nothing was shown"),
        _("fewer than two items have no pairs"),
        _("no rated item in the list"),
        _("the list is empty"),
        _("no slate has two items with a category or tags"),
        _("one person's reactions say nothing about what is popular"),
        _("no shown item was rated"),
        _("no slate has both relevant and other items"),
        _("no slate has a relevant item"),
        _("McDonald's omega of {n} questions, people who answered all"),
        _("Correlation of {question} with the sum of the other questions, after reversing"),
        _("Share of those who rated or answered who gave {reason}"),
        _("the same answer to all of 5 or more questions that include reversed ones, or to all of 5 or more items"),
        _("a questionnaire faster than 500 words a minute, or 5 or more items at under a second each"),
        _("the same comment of 4 or more words on two items, or one of 20 or more words that another person gave"),
        _("another answer to an attention question than the one it asked for"),
        _("t interval corrected for skewness (Hall)"),
        _("Korn-Graubard interval over participants"),
        _("complete count of what was shown: no sample, so the interval has no width"),
        _("order-statistic interval"),
        _("Welch's t test"),
        _("score test"),
        _("hidden: fewer than {n} people, who could be recognised"),
        _("too few people: {n_control} in the control and {n_changed} with the change"),
        _("too few people before or after"),
        _("the two arms do not have the sizes that were planned"),
        _("the two arms have different mixes of cohorts"),
        _("another accepted change reached the same people in this round"),
        _("nobody said that it was put into practice before this round's data"),
        _("the frozen prediction does not fit its hash"),
        _("the figure no longer exists"),
        _("nobody rated anything"),
        _("nobody answered a question with a scale"),
        _("no slate was shown to anybody"),
        _("no {kind} was ever recorded in this study, so there may be no record of them"),
        _('no item was ever marked "not for me" in this study, so there may be no record of them'),
        _('no item was ever marked "I know it already" in this study, so there may be no record of them'),
        _("not estimable"),
        _("monitoring starts at {n} participants per arm"),
        _("all values within each arm are equal"),
        _("Difference in {metric}: {arm} minus {control}, within the same people"),
        _("fewer than two people"),
        _("nobody answered"),
        _("only one arm gets people"),
        _("the interval is not defined on these rows"),
        _("the whole interval is within {margin} of no difference"),
        _("adjusted p = {p}, below {level}"),
        _("significant alone, but not after correcting for all comparisons (adjusted p = {p})"),
        _("the interval holds both no difference and differences that matter"),
        _("people are not split between the arms as planned (sample ratio), so no difference can be trusted"),
        _(
            "The mix of cohorts is not the same (adjusted p = {p}); what the difference is within cohorts cannot be "
            "told."
        ),
        _(
            "The mix of cohorts is not the same (adjusted p = {p}), and within cohorts the difference points the other "
            "way ({within}): Simpson's paradox."
        ),
        _("The mix of cohorts is not the same (adjusted p = {p}); within cohorts the difference is {within}."),
    ]
