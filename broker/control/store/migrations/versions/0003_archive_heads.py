"""The third schema: heads of the site chains, months that policies asked for, and clocks that officers have confirmed.

Existing rows do not change. The recorder's next start stores the heads of the chains as it finds them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; existing rows do not change."""
    op.add_column("recordings", sa.Column("head", sa.String(96)))
    for column in (
        sa.Column("seen", MOMENT),
        sa.Column("believed_at", MOMENT),
        sa.Column("believed_by", sa.String(63)),
    ):
        op.add_column("clock_marks", column)
    op.add_column("recorder_locks", sa.Column("begun", sa.BigInteger))
    op.create_table(
        "chain_heads",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("head", sa.String(96), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "retention_seen",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("months", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Refuse: the heads of the chains are never dropped."""
    raise RuntimeError("the heads of the chains are not dropped")
