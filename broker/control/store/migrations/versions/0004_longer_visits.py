"""The fourth schema: approvals of longer visits (Yunnan 14), suspensions of visits (Yunnan 17; Guangdong 25, 29), and
the site over each site. Existing rows do not change."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables and the column of sites."""
    _extensions()
    _suspensions()
    op.add_column("sites", sa.Column("parent", sa.String(63)))


def _extensions() -> None:
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


def _suspensions() -> None:
    op.create_table(
        "suspensions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, index=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("home", sa.String(63), sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("person", sa.String(64), nullable=False, index=True),
        sa.Column("months", sa.Integer, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("linked", sa.JSON, nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
    )
    op.create_table(
        "suspension_steps",
        sa.Column("suspension", sa.String(64), sa.ForeignKey("suspensions.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step", sa.String(63), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("agreed", sa.Boolean, nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Refuse: approvals and suspensions are never dropped."""
    raise RuntimeError("approvals and suspensions are not dropped")
