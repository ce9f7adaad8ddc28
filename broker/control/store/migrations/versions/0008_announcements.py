"""The eighth schema: announcements of why visits stop, and their filing with the province (Guangdong 36). Existing
rows do not change."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of announcements."""
    op.create_table(
        "announcements",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False, index=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), index=True),
        sa.Column("filed_by", sa.String(63)),
        sa.Column("filed_site", sa.String(63), sa.ForeignKey("sites.id")),
        sa.Column("filed_at", MOMENT),
    )


def downgrade() -> None:
    """Refuse: announcements are never dropped."""
    raise RuntimeError("announcements are not dropped")
