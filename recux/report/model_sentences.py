"""What rounds store about models in English, once more for the catalogue: measures, reasons, who serves and why."""

import re
from collections.abc import Callable

from recux.report.language import N_

NAMES = {
    "encoder": N_("the fine-tuned encoder"),
    "tfidf_logistic": N_("word counts (TF-IDF)"),
    "participant_item_means": N_("means of people and items"),
    "base_rate": N_("rates of clicks and purchases"),
    "gradient_boosting": N_("gradient boosting"),
    "overall_quantiles": N_("quantiles of all calls"),
    "and the incumbent": N_("and the incumbent"),
}
"""Models by what they are called in stored sentences."""
CODES = re.compile(rf"\b({'|'.join(NAMES)})\b")


SCRIPTS = (
    N_("Chinese characters"), N_("Japanese"), N_("Korean"), N_("Cyrillic"), N_("Arabic"), N_("Hebrew"), N_("Greek"),
    N_("Thai"), N_("Devanagari"), N_("Latin letters"),
)  # fmt: skip
"""Scripts by their names in stored sentences."""
IN_SCRIPT = re.compile(r"(?P<share>\d+%) of the tokens in texts in (?P<script>[^,]+)")


def in_scripts(text: str, translate: Callable[[str], str]) -> str:
    """Which share of the tokens is meant, script by script."""

    def one(found: re.Match[str]) -> str:
        told = translate(N_("{share} of the tokens in texts in {script}"))
        return told.format(share=found["share"], script=translate(found["script"]))

    return IN_SCRIPT.sub(one, text)


def named(text: str, translate: Callable[[str], str]) -> str:
    """``text`` with the models in it by their names in words."""
    return CODES.sub(lambda found: translate(NAMES[found.group()]), text)


def messages() -> list[str]:
    """Every sentence that a model's figures or its champion's reason may carry; names in braces differ."""

    def _(message: str) -> str:
        """Marks a sentence for the catalogue, as it is."""
        return message

    return [
        _("the baseline {model} ({measured}) serves: {reason}"),
        _("{model} ({measured}) stays: {reason}"),
        _("nothing can serve yet: {reason}"),
        _("{model} ({measured}) does not beat {others}"),
        _("{model} ({measured}) beats {others}"),
        _("Cohen's kappa of predicted and true stars, quadratic weights"),
        _("expected calibration error of the predicted class, 15 equal bins, after calibration"),
        _("mean distance from predicted p50, in ms"),
        _("mean distance of predicted from true stars"),
        _("mean of -log of the probability given to what happened, summed over {heads}"),
        _("mean of -log of the probability given to what happened"),
        _("mean quantile loss of p50 to p99, in ms"),
        _("mean squared distance of the probability from 0 or 1"),
        _("probability that a random row with 4 or 5 stars is scored above a random one with fewer"),
        _("probability that a random yes is scored above a random no"),
        _(
            "probability that a random comment of someone who would recommend is scored above one of someone who would "
            "not"
        ),
        _("share of durations up to the predicted {quantile}"),
        _("share of flipped predictions"),
        _("share of rows whose 90 % set holds the star"),
        _("share of rows whose predicted class is right"),
        _("squared distance of the five probabilities from the true star, summed, mean of rows"),
        _("unweighted mean of the classes' F1"),
        _("percentile bootstrap over participants, 1000 resamples"),
        _("fewer than two cohorts with {n} held-out participants"),
        _("not defined on these rows (one class only)"),
        _("no labelled rows of held-out participants yet"),
        _(
            "{share} of the tokens are unknown to the encoder {name} (limit {most}), so it cannot serve these texts; a "
            "base model such as {better} would suit"
        ),
        _(
            "unknown to the encoder {name}: {scripts} (limit {most}); what it says of these texts rests on the bag of "
            "words beside it; a base model such as {better} would read them all"
        ),
        _("cancelled by hand"),
    ]
