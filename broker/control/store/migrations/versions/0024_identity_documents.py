"""The twenty-fourth schema: what officers check people's documents against before a visit."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; of slots that were booked before, nothing but digests is known."""
    op.create_table(
        "identity_documents",
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), primary_key=True),
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
    )


def downgrade() -> None:
    """Drop the table; officers are then shown no document."""
    op.drop_table("identity_documents")
