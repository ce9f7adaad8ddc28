"""The thirteenth schema: the history of the tests of each room's equipment."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of tests."""
    op.create_table(
        "equipment_tests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("terminal", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("session", sa.String(64)),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
    )
    op.create_index("ix_equipment_tests_room_at", "equipment_tests", ["room", "at"])


def downgrade() -> None:
    """Refuse: the history would be lost."""
    raise RuntimeError("the history of equipment tests is not dropped")
