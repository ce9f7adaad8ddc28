"""The fourth schema: who made which visit longer, and why (Yunnan 14). Nothing that is there changes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "extensions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, index=True),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("article", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("refused", sa.String(40)),
    )


def downgrade() -> None:
    """Who made a visit longer is never forgotten."""
    raise RuntimeError("approvals are not dropped")
