"""The eighteenth schema: requests for export packages of recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of exports."""
    op.create_table(
        "exports",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("session", sa.String(40), nullable=False, index=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("downloaders", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.String(63)),
        sa.Column("decided_at", MOMENT),
        sa.Column("note", sa.Text()),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("failure", sa.String(16)),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("sound", sa.Boolean()),
        sa.Column("ready_at", MOMENT),
        sa.Column("expires_at", MOMENT),
        sa.Column("updated_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Remove the table; what was handed over stays in the journal."""
    op.drop_table("exports")
