"""The schema of frozen packs: the rules by which each session ran, under the hash of their one spelling. Existing rows
do not change."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of frozen packs."""
    op.create_table(
        "packs",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("canonical", sa.Text, nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Refuse: the rules by which sessions ran are never dropped."""
    raise RuntimeError("frozen packs are not dropped")
