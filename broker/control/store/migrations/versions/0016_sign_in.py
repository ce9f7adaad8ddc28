"""The sixteenth schema: second factors, recovery codes, invitations, and what an officer sees of the own sign-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, and the columns of sign-ins; those that go on stay as they are."""
    op.add_column("user_tokens", sa.Column("id", sa.String(40)))
    op.add_column("user_tokens", sa.Column("created_at", MOMENT))
    op.add_column("user_tokens", sa.Column("seen_at", MOMENT))
    op.add_column("user_tokens", sa.Column("idle_seconds", sa.Integer()))
    op.add_column("user_tokens", sa.Column("idle_at", MOMENT))
    op.add_column("user_tokens", sa.Column("device", sa.String(80)))
    op.add_column("user_tokens", sa.Column("must_enrol", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_user_tokens_id", "user_tokens", ["id"])
    op.create_index("ix_user_tokens_idle_at", "user_tokens", ["idle_at"])
    op.create_table(
        "second_factors",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("user", sa.String(63), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("counter", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(63), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
    )
    op.create_table(
        "invitations",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(63), nullable=False, index=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
    )


def downgrade() -> None:
    """Refuse to go back: accounts whose second factor is gone would be as open as before it."""
    raise RuntimeError("second factors are not given up")
