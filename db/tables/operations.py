"""What running the service needs: who is at work, what was done when, and who must stay erased."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, now, one_of


class WorkerLease(SQLModel, table=True):
    """A worker that is alive, for as long as it keeps prolonging its row. Whoever has none is dead."""

    __tablename__ = "worker_lease"
    executor_id: str = Field(primary_key=True, max_length=64)
    host: str = Field(max_length=255)
    pid: int
    queues: list[str] = Field(sa_type=JSON_TYPE)
    """The queues that it takes rounds from."""
    version: str = Field(max_length=32)
    """Version of the workflow that it runs (``recux.rounds.queue.VERSION``)."""
    started_at: datetime = Field(default_factory=now)
    expires_at: datetime = Field(index=True)


class Tick(SQLModel, table=True):
    """When a repeated task was last taken on, so that of several workers one does it."""

    name: str = Field(primary_key=True, max_length=64)
    at: datetime


class Erasure(SQLModel, table=True):
    """Someone who was erased or withdrew, or a study that was erased, by a hash only they can be found again by.

    The list is copied to a file beside the database and applied again to whatever is restored from a backup.
    """

    __table_args__ = (one_of("kind", "person", "withdrawal", "study"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=16)
    subject: str = Field(max_length=64)
    """HMAC of the participant's id (for a study: of nothing) under the study's salt, which is kept in no list."""
    at: datetime = Field(default_factory=now)
