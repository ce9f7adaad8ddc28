"""The nineteenth schema: persons of an identity service, linked to accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of identities."""
    op.create_table(
        "linked_identities",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(63), sa.ForeignKey("users.id"), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Remove the table; officers then sign in by their passwords."""
    op.drop_table("linked_identities")
