"""The tenth schema: the ids under which a person of one identity number was booked, so that a suspension by an id binds
them where they are booked by the number alone. No former version kept identities, so there is nothing to fill in."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of ids and identities."""
    op.create_table(
        "identities",
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("identity", sa.String(64), primary_key=True, index=True),
    )


def downgrade() -> None:
    """Refuse: without it, suspensions do not bind."""
    raise RuntimeError("identities are not dropped")
