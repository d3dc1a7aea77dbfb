"""how participants come in and which steps they take"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
STRING = sqlmodel.sql.sqltypes.AutoString
BEFORE = {
    "study": {
        "steps": '["consent", "slate", "questionnaires", "thanks"]',
        "design": "between",
        "per_list": "[]",
        "debrief": "{}",
        "panel": "{}",
    },
    "participant": {"came_by": "invite", "passed": "[]"},
}
"""What rows from before hold in the new columns."""
KINDS = "view", "click", "purchase", "dismiss"
NEW_KINDS = "like", "know"


def upgrade() -> None:
    with op.batch_alter_table("study") as batch:
        batch.add_column(_filled("study", "steps", JSON))
        batch.add_column(_filled("study", "design", STRING(length=16)))
        batch.add_column(sa.Column("shuffle", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(_filled("study", "per_list", JSON))
        batch.add_column(_filled("study", "debrief", JSON))
        batch.add_column(sa.Column("own_answers", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(_filled("study", "panel", JSON))
        batch.add_column(sa.Column("open_hash", STRING(length=64), nullable=True))
        batch.add_column(sa.Column("open_cap", sa.Integer(), nullable=True))
        batch.create_unique_constraint(op.f("uq_study_open_hash"), ["open_hash"])
        batch.create_check_constraint(op.f("ck_study_design_known"), "design in ('between', 'crossover')")
        batch.create_check_constraint(op.f("ck_study_open_cap_positive"), "open_cap >= 1")
    with op.batch_alter_table("participant") as batch:
        batch.add_column(sa.Column("second_arm_id", sa.Integer(), nullable=True))
        batch.add_column(_filled("participant", "came_by", STRING(length=8)))
        batch.add_column(_filled("participant", "passed", JSON))
        batch.create_foreign_key(
            op.f("fk_participant_second_arm_id"), "arm", ["second_arm_id"], ["id"], ondelete="SET NULL"
        )
        batch.create_check_constraint(op.f("ck_participant_came_by_known"), "came_by in ('invite', 'open', 'panel')")
        batch.create_index(op.f("ix_participant_second_arm_id"), ["second_arm_id"])
    with op.batch_alter_table("slate") as batch:
        batch.add_column(sa.Column("period", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_slate_period_from_one"), "period >= 1")
    with op.batch_alter_table("impression") as batch:
        batch.add_column(sa.Column("rank", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_impression_rank_from_one"), "rank >= 1")
    _without_defaults("study", "steps", "design", "shuffle", "per_list", "debrief", "own_answers", "panel")
    _without_defaults("participant", "came_by", "passed")
    _allow_kinds(*KINDS, *NEW_KINDS)
    op.create_table(
        "panel_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("lookup", STRING(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_panel_member_study_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_panel_member_participant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_member")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_panel_member_participant_id")),
        sa.UniqueConstraint("study_id", "lookup", name=op.f("uq_panel_member_study_id_lookup")),
    )


def downgrade() -> None:
    op.drop_table("panel_member")
    op.execute("delete from interaction where kind in ('like', 'know')")
    _allow_kinds(*KINDS)
    with op.batch_alter_table("impression") as batch:
        batch.drop_constraint(op.f("ck_impression_rank_from_one"), type_="check")
        batch.drop_column("rank")
    with op.batch_alter_table("slate") as batch:
        batch.drop_constraint(op.f("ck_slate_period_from_one"), type_="check")
        batch.drop_column("period")
    with op.batch_alter_table("participant") as batch:
        batch.drop_index(op.f("ix_participant_second_arm_id"))
        batch.drop_constraint(op.f("ck_participant_came_by_known"), type_="check")
        batch.drop_constraint(op.f("fk_participant_second_arm_id"), type_="foreignkey")
        for name in ("second_arm_id", "came_by", "passed"):
            batch.drop_column(name)
    with op.batch_alter_table("study") as batch:
        batch.drop_constraint(op.f("ck_study_open_cap_positive"), type_="check")
        batch.drop_constraint(op.f("ck_study_design_known"), type_="check")
        batch.drop_constraint(op.f("uq_study_open_hash"), type_="unique")
        for name in (
            "steps",
            "design",
            "shuffle",
            "per_list",
            "debrief",
            "own_answers",
            "panel",
            "open_hash",
            "open_cap",
        ):
            batch.drop_column(name)


def _filled(table: str, name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, nullable=False, server_default=BEFORE[table][name])


def _without_defaults(table: str, *names: str) -> None:
    """The defaults were for the rows that were there; from now on the program fills these columns."""
    with op.batch_alter_table(table) as batch:
        for name in names:
            batch.alter_column(name, server_default=None)


def _allow_kinds(*kinds: str) -> None:
    with op.batch_alter_table("interaction") as batch:
        batch.drop_constraint(op.f("ck_interaction_kind_known"), type_="check")
        batch.create_check_constraint(
            op.f("ck_interaction_kind_known"), f"kind in ({', '.join(repr(kind) for kind in kinds)})"
        )
