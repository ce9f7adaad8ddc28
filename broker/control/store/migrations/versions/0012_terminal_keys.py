"""The twelfth schema: terminals are known by their public keys. One that a former version has enrolled keeps its token
until it has exchanged it for a key; the token opens nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the keys of terminals, the one-time codes, and the credentials that are given for signatures."""
    in_use = sa.text("revoked_at IS NULL")
    op.drop_index("one_terminal_a_room", "terminals")
    with op.batch_alter_table("terminals") as table:
        table.alter_column("token_hash", existing_type=sa.String(64), nullable=True)
        table.add_column(sa.Column("public_key", sa.Text()))
        table.add_column(sa.Column("key_kind", sa.String(16)))
        table.add_column(sa.Column("key_at", MOMENT))
        table.add_column(sa.Column("conflicted_at", MOMENT))
    op.create_index(
        "one_terminal_a_room", "terminals", ["room"], unique=True, sqlite_where=in_use, postgresql_where=in_use
    )
    op.create_index("one_terminal_a_key", "terminals", ["public_key"], unique=True)
    op.create_table(
        "enrolment_codes",
        sa.Column("group", sa.String(4), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("by", sa.Text(), nullable=False),
    )
    op.create_table(
        "terminal_sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("terminal", sa.String(40), sa.ForeignKey("terminals.id"), nullable=False, index=True),
        sa.Column("instance", sa.String(40), nullable=False, index=True),
        sa.Column("nonce", sa.String(64), nullable=False, unique=True),
        sa.Column("challenged_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False, index=True),
        sa.Column("superseded_at", MOMENT),
    )


def downgrade() -> None:
    """Refuse: a terminal without its key could not prove who it is."""
    raise RuntimeError("the keys of terminals are not dropped")
