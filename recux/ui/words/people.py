"""Words of people: the steps of their way, and why answers are flagged or not counted."""

from recux.ui.language import _


def steps() -> dict[str, str]:
    """The steps of a participant's way."""
    return {
        "in_study": _("In the study"),
        "opened": _("Opened the link"),
        "consented": _("Agreed to take part"),
        "rated": _("Rated an item"),
        "answered": _("Answered a question"),
        "finished": _("Finished"),
    }


def flag_columns() -> dict[str, str]:
    """The columns of flagged answers."""
    return {
        "reason": _("Reason"),
        "people": _("People"),
        "rule": _("What it means"),
        "participant": _("Participant"),
        "arm": _("Arm"),
    }


def flag(code: str) -> str:
    """Why answers were flagged, in short."""
    names = {
        "straight_lining": _("always the same answer"),
        "too_fast": _("too fast"),
        "contradiction": _("contradicts itself"),
        "duplicate_comments": _("repeated comments"),
        "attention": _("failed attention question"),
    }
    return names.get(code, code)


def flag_rule(code: str) -> str:
    """The rule behind a flag."""
    rules = {
        "straight_lining": _(
            "the same answer to all of 5 or more questions that include reversed ones, or to all of 5 or more items"
        ),
        "too_fast": _("a questionnaire faster than 500 words a minute, or 5 or more items at under a second each"),
        "contradiction": _(
            "agreed, or disagreed, with a statement and its opposite alike, on average by three fifths of the scale"
        ),
        "duplicate_comments": _(
            "the same comment of 4 or more words on two items, or one of 20 or more words that another person gave"
        ),
        "attention": _("another answer to an attention question than the one it asked for"),
    }
    return rules.get(code, code)


def not_counted(why: str) -> str:
    """Why somebody's answers do not count; an admin's own words are shown as they are."""
    names = {"test": _("test participant"), "soft_launch": _("discarded after the soft launch")}
    return names.get(why, why)
