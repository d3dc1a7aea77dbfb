"""The tables. People's words live here, so the rules live here too: keys, checks and uniqueness are the database's.

Times are aware and UTC. ``row_key`` is the idempotency key of a row that arrives from outside: a hash of what makes
it the same row (see ``recux.ingest``), so that the same file twice changes nothing. Ratings and answers are
append-only: a correction is a new row, and exactly one row per key is ``current``.
"""

from db.tables.access import Audit, Session, User
from db.tables.aggregates import ArmAggregate, CommentMark, PersonAggregate, StudyAggregate
from db.tables.api import ApiKey, ApiReply
from db.tables.columns import JSON_TYPE, now
from db.tables.feedback import Answer, Rating, Response
from db.tables.operations import Erasure, Tick, WorkerLease
from db.tables.people import Consent, PanelMember, Participant
from db.tables.results import (
    Alert,
    AlertChannel,
    AlertDelivery,
    CommentReading,
    CommentTag,
    CommentTheme,
    Decision,
    ModelExample,
    ReportLink,
)
from db.tables.rounds import Batch, BatchRow, Figure, ModelVersion, Round
from db.tables.shown import LONGEST_DURATION, ImportRun, Impression, Interaction, Item, Request, Slate
from db.tables.studies import Arm, ConsentText, Study, StudyInstrument
from db.tables.suggestions import Suggestion, SuggestionEvent

__all__ = [
    "JSON_TYPE",
    "LONGEST_DURATION",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "Answer",
    "ApiKey",
    "ApiReply",
    "Arm",
    "ArmAggregate",
    "Audit",
    "Batch",
    "BatchRow",
    "CommentMark",
    "CommentReading",
    "CommentTag",
    "CommentTheme",
    "Consent",
    "ConsentText",
    "Decision",
    "Erasure",
    "Figure",
    "ImportRun",
    "Impression",
    "Interaction",
    "Item",
    "ModelExample",
    "ModelVersion",
    "PanelMember",
    "Participant",
    "PersonAggregate",
    "Rating",
    "ReportLink",
    "Request",
    "Response",
    "Round",
    "Session",
    "Slate",
    "Study",
    "StudyAggregate",
    "StudyInstrument",
    "Suggestion",
    "SuggestionEvent",
    "Tick",
    "User",
    "WorkerLease",
    "now",
]
