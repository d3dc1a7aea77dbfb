"""Verdicts on arms, in words."""

from collections.abc import Mapping

from recux.evaluation.experiment import Comparison
from recux.ui import definitions
from recux.ui.language import _
from recux.ui.plain import plain
from recux.ui.words.figures import metric


def verdict(code: str) -> str:
    """An arm's verdict against the control."""
    names = {
        "better": _("better"),
        "worse": _("worse"),
        "equivalent": _("no difference that matters"),
        "cannot_tell": _("cannot tell yet"),
    }
    return names.get(code, code)


def sentence(one: Comparison, arms: Mapping[str, str]) -> str:
    """A comparison in one sentence."""
    texts = {
        "better": _("{arm} is better than {control}"),
        "worse": _("{arm} is worse than {control}"),
        "equivalent": _("No difference that matters between {arm} and {control}"),
        "cannot_tell": _("Cannot tell yet whether {arm} differs from {control}"),
    }
    return texts[one.verdict].format(arm=plain(arms[one.arm]), control=plain(arms[one.control]))


def because(one: Comparison) -> str:
    """Why that verdict."""
    reason = definitions.said(one.because)
    return _("Decided by: {metric}. {reason}").format(metric=metric(one.metric), reason=reason[:1].upper() + reason[1:])
