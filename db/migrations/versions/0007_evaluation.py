"""what rounds keep so that the next one reads only its batch"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString


def json_type() -> sa.types.TypeEngine:
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def upgrade() -> None:
    with op.batch_alter_table("figure") as table:
        table.add_column(sa.Column("details", json_type(), nullable=False, server_default="{}"))
    with op.batch_alter_table("figure") as table:
        table.alter_column("details", server_default=None)
    op.create_index("ix_slate_study_id_served_at", "slate", ["study_id", "served_at"])
    op.create_index("ix_interaction_study_id_kind", "interaction", ["study_id", "kind"])
    op.create_table(
        "study_aggregate",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("settings", json_type(), nullable=False),
        foreign("study_aggregate", "study_id", "study"),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study_aggregate")),
    )
    op.create_table(
        "arm_aggregate",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("arm", TEXT(length=64), nullable=False),
        sa.Column("sums", json_type(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("calls", sa.LargeBinary(), nullable=False),
        foreign("arm_aggregate", "study_id", "study"),
        sa.PrimaryKeyConstraint("study_id", "arm", name=op.f("pk_arm_aggregate")),
    )
    op.create_table(
        "person_aggregate",
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("arm", TEXT(length=64), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("own_arm", sa.Integer(), nullable=True),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        foreign("person_aggregate", "participant_id", "participant"),
        foreign("person_aggregate", "study_id", "study"),
        sa.PrimaryKeyConstraint("participant_id", "arm", name=op.f("pk_person_aggregate")),
    )
    op.create_index(op.f("ix_person_aggregate_study_id"), "person_aggregate", ["study_id"])
    op.create_table(
        "comment_mark",
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        foreign("comment_mark", "participant_id", "participant"),
        foreign("comment_mark", "study_id", "study"),
        sa.PrimaryKeyConstraint("participant_id", "mark", name=op.f("pk_comment_mark")),
    )
    op.create_index("ix_comment_mark_study_id_mark", "comment_mark", ["study_id", "mark"])


def downgrade() -> None:
    for name in ("comment_mark", "person_aggregate", "arm_aggregate", "study_aggregate"):
        op.drop_table(name)
    op.drop_index("ix_interaction_study_id_kind", "interaction")
    op.drop_index("ix_slate_study_id_served_at", "slate")
    with op.batch_alter_table("figure") as table:
        table.drop_column("details")
