"""The second schema: due dates, legal holds, purge approvals and locks, clock marks and view copies.

Recordings that exist already have no due date, and so are never due, until the recorder's next start reads their
manifests.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; existing rows do not change."""
    for column in (
        sa.Column("due_at", MOMENT),
        sa.Column("manifest_sha256", sa.String(64)),
        sa.Column("purge", sa.JSON),
    ):
        op.add_column("recordings", column)
    op.create_index("recordings_by_due", "recordings", ["due_at", "session"])
    _holds()
    _purge()
    _views()


def downgrade() -> None:
    """Refuse: legal holds and due dates are never dropped."""
    raise RuntimeError("legal holds and due dates are not dropped")


def _holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(40), nullable=False, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT),
        sa.Column("lifted_by", sa.String(63)),
        sa.Column("lifted_why", sa.Text),
    )


def _purge() -> None:
    op.create_table(
        "purge_permits",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("site", sa.String(63)),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("used_by", sa.String(63)),
    )
    op.create_table(
        "recorder_locks",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("boot", sa.String(40), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "clock_marks",
        sa.Column("boot", sa.String(40), primary_key=True),
        sa.Column("wall", MOMENT, nullable=False),
        sa.Column("mono", sa.Float, nullable=False),
    )


def _views() -> None:
    op.create_table(
        "view_copies",
        sa.Column("session", sa.String(40), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
