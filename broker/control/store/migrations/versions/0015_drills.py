"""The fifteenth schema: drills, their results, and the credentials of their synthetic officers."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the mark of a drill to slots, and the tables of drills."""
    op.add_column("slots", sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "drills",
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), primary_key=True),
        sa.Column("prison_room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("visitor_room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("prison_site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("visitor_site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False, index=True),
        sa.Column("ended_at", MOMENT),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("failed_at", sa.String(32), nullable=False),
        sa.Column("result", sa.JSON()),
    )
    op.create_table(
        "drill_officers",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, index=True),
        sa.Column("user", sa.String(80), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables; a drill is then no longer told from a visit, so that its slots are cancelled first."""
    raise RuntimeError("drills are not turned into visits")
