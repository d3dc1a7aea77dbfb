"""count a study's people without reading them"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = ["study_id", "arm_id", "created_at", "withdrawn_at", "rejected_at", "test"]


def upgrade() -> None:
    op.create_index("ix_participant_counting", "participant", COLUMNS)


def downgrade() -> None:
    op.drop_index("ix_participant_counting", "participant")
