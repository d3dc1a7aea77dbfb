"""who sees to a suggestion, and how much work it is"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("suggestion") as batch_op:
        batch_op.add_column(sa.Column("effort", sa.Float(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("owner", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True))
    with op.batch_alter_table("suggestion") as batch_op:
        batch_op.alter_column("effort", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("suggestion") as batch_op:
        batch_op.drop_column("owner")
        batch_op.drop_column("effort")
