"""The archive's third schema: where the sites' chains end, what policies asked for, which clocks were believed.

What is there stays. The recorder's next start keeps the heads of the chains as it finds them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; nothing that is there changes."""
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
    """What the chains were is never forgotten."""
    raise RuntimeError("the heads of the chains are not dropped")
