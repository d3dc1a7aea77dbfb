"""The report's part about the models."""

from collections.abc import Iterator

from recux.insight.models import AHEAD
from recux.report.language import _
from recux.report.model_sentences import named
from recux.report.parts import Json, Section, Table
from recux.report.words import CHANGES, COLD_START, estimate, name_of, said

MODELS = ("auc", "f1_macro", "accuracy", "mae", "qwk", "brier", "ece", "log_loss")


def models(models: Json) -> Section:
    """What the models learned, and how far they can be trusted."""
    if not models:
        return Section("models", _("What did the models learn?"), [_("No round has trained a model yet.")])
    text, tables = [_("Measured on people whom no model has seen.")], []
    for head, one in models.items():
        serves = _("{model} serves").format(model=named(one["champion_name"] or "", _) or _("an earlier model"))
        reason = f" ({said(one['reason'])})" if one["reason"] else ""
        text.append(
            _(
                "{head}: {model} from {base}, trained on {n} rows, measured on {tested}, "
                "{seconds} s on {device}; {end}."
            ).format(
                head=name_of(head),
                model=named(one["name"], _),
                base=one["base_model"],
                n=f"{one['n_train']:,}",
                tested=f"{one['n_test']:,}",
                seconds=f"{one['seconds']:.0f}",
                device=one["device"],
                end=f"{serves}{reason}",
            )
        )
        baseline = one["baseline"] or {}
        rows = [[name_of(m), estimate(one[m], m), estimate(baseline.get(m), m)] for m in MODELS if m in one]
        against = _("baseline: {name}").format(name=named(baseline.get("name", ""), _) or _("none"))
        tables += [
            Table([name_of(head), named(one["name"], _), against], rows),
            *_ahead(one["ahead"]),
            *_cold_start(one["cold_start"]),
            *_trust(one["closer"]),
        ]
    return Section("models", _("What did the models learn?"), text, tables)


def _ahead(ahead: Json) -> Iterator[Table]:
    """The model that served before, on people who came after it had learned."""
    then, later = ahead["then"], ahead["later"]
    rows = [[name_of(m), estimate(then.get(m), m), estimate(later[m], m)] for m in AHEAD if m in later]
    if rows:
        yield Table([_("The model that served before"), _("When it was chosen"), _("On people who came later")], rows)


def _cold_start(groups: Json) -> Iterator[Table]:
    """Ratings of people and items that the model hardly knows."""
    rows = [
        [_(COLD_START.get(known, known)), *(estimate(part.get(name), name) for name in ("mae", "qwk", "log_loss"))]
        for known, part in groups.items()
    ]
    if rows:
        yield Table([_("Known before the rating"), *(name_of(name) for name in ("mae", "qwk", "log_loss"))], rows)


def _trust(closer: Json) -> Iterator[Table]:
    """How a model treats cohorts and small changes of the words."""
    if not closer:
        return
    gap = [_("Largest gap in error between two cohorts"), estimate(closer["cohort_gap"], "")]
    flips = [
        [_("Predictions that flip: {change}").format(change=_(CHANGES[name])), estimate(one, "flips")]
        for name, one in closer["changes"].items()
    ]
    yield Table([_("Can it be trusted?"), ""], [gap, *flips])
