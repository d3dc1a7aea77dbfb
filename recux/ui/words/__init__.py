"""Codes of the database in words, in the reader's language: one module a subject, all read as `words.name`."""

from recux.ui.words.alerts import alert_rule, channel
from recux.ui.words.experiment import because, sentence, verdict
from recux.ui.words.figures import by, compared_by, dimension, metric, points, row_columns, short
from recux.ui.words.imports import import_counts, kind
from recux.ui.words.models import change, head, known, measure, model
from recux.ui.words.people import flag, flag_columns, flag_rule, not_counted, steps
from recux.ui.words.rounds import at_work, closed_by, loop, round_columns, round_status, stage
from recux.ui.words.studies import SOURCES, check, domain, study_status
from recux.ui.words.suggestions import category, said
from recux.ui.words.team import audit_columns, role
from recux.ui.words.trends import as_of, period, trend

__all__ = [
    "SOURCES",
    "alert_rule",
    "as_of",
    "at_work",
    "audit_columns",
    "because",
    "by",
    "category",
    "change",
    "channel",
    "check",
    "closed_by",
    "compared_by",
    "dimension",
    "domain",
    "flag",
    "flag_columns",
    "flag_rule",
    "head",
    "import_counts",
    "kind",
    "known",
    "loop",
    "measure",
    "metric",
    "model",
    "not_counted",
    "period",
    "points",
    "role",
    "round_columns",
    "round_status",
    "row_columns",
    "said",
    "sentence",
    "short",
    "stage",
    "steps",
    "study_status",
    "trend",
    "verdict",
]
