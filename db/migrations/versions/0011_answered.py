"""which instruments were answered, without reading all responses"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_response_study_id_instrument", "response", ["study_id", "instrument"])
    op.drop_index("ix_response_study_id", "response")


def downgrade() -> None:
    op.create_index("ix_response_study_id", "response", ["study_id"])
    op.drop_index("ix_response_study_id_instrument", "response")
