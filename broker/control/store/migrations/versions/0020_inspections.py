"""The twentieth schema: inspections of single visits by procurators."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of inspections; no earlier rows are concerned."""
    op.create_table(
        "inspections",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, index=True),
        sa.Column("user", sa.String(63), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    )


def downgrade() -> None:
    """Refuse to go back: the reasons of looks at visits are not given up."""
    raise RuntimeError("inspections are not given up")
