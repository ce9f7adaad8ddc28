"""The twenty-second schema: sites and rooms that are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the moment of closing; all places of former versions are open."""
    op.add_column("sites", sa.Column("closed_at", MOMENT))
    op.add_column("rooms", sa.Column("closed_at", MOMENT))


def downgrade() -> None:
    """Refuse to go back: closed places would be open again."""
    raise RuntimeError("the closing of places is not given up")
