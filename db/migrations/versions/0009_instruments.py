"""instruments as they were when a study was launched"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString


def json_type() -> sa.types.TypeEngine:
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "study_instrument",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("instrument", TEXT(length=64), nullable=False),
        sa.Column("version", TEXT(length=32), nullable=False),
        sa.Column("fingerprint", TEXT(length=64), nullable=False),
        sa.Column("content", json_type(), nullable=False),
        sa.Column("frozen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_study_instrument_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "instrument", name=op.f("pk_study_instrument")),
    )
    with op.batch_alter_table("response") as table:
        table.add_column(sa.Column("shown", json_type(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("response") as table:
        table.drop_column("shown")
    op.drop_table("study_instrument")
