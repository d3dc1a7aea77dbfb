"""what admins set for a study and its people"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STUDY_CHECKS = {
    "min_group_positive": "min_group >= 1",
    "planned_n_two": "planned_n >= 2",
    "soft_limit_positive": "soft_limit >= 1",
}
UNIQUE = "uq_user_account_oidc_issuer_oidc_subject"


def upgrade() -> None:
    with op.batch_alter_table("study") as table:
        table.add_column(sa.Column("min_group", sa.Integer(), nullable=False, server_default="5"))
        table.add_column(sa.Column("planned_n", sa.Integer(), nullable=True))
        table.add_column(sa.Column("soft_limit", sa.Integer(), nullable=True))
        table.add_column(sa.Column("archived_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        table.add_column(sa.Column("edit_version", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("study") as table:
        table.alter_column("min_group", server_default=None)
        table.alter_column("edit_version", server_default=None)
        for name, rule in STUDY_CHECKS.items():
            table.create_check_constraint(op.f(f"ck_study_{name}"), rule)
    with op.batch_alter_table("participant") as table:
        table.add_column(sa.Column("rejected_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        table.add_column(sa.Column("rejected_for", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True))
        table.add_column(sa.Column("invited_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        table.add_column(sa.Column("reminded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    with op.batch_alter_table("user_account") as table:
        table.add_column(sa.Column("oidc_issuer", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True))
        table.add_column(sa.Column("oidc_subject", sqlmodel.sql.sqltypes.AutoString(length=255), nullable=True))
        table.create_unique_constraint(op.f(UNIQUE), ["oidc_issuer", "oidc_subject"])


def downgrade() -> None:
    with op.batch_alter_table("user_account") as table:
        table.drop_constraint(op.f(UNIQUE), type_="unique")
        table.drop_column("oidc_subject")
        table.drop_column("oidc_issuer")
    with op.batch_alter_table("participant") as table:
        for name in ("reminded_at", "invited_at", "rejected_for", "rejected_at"):
            table.drop_column(name)
    with op.batch_alter_table("study") as table:
        for name in STUDY_CHECKS:
            table.drop_constraint(op.f(f"ck_study_{name}"), type_="check")
        for name in ("edit_version", "archived_at", "soft_limit", "planned_n", "min_group"):
            table.drop_column(name)
