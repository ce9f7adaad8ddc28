"""The twenty-third schema: the last verification of each recording."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of results; none of former versions are known, so that such recordings count as not verified."""
    op.create_table(
        "verifications",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("manifest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the table: results can be had again."""
    op.drop_table("verifications")
