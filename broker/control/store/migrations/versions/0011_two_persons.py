"""The eleventh schema: since when and on whose word an account stands, and the changes of accounts that wait for a
second officer's word. Accounts of former versions stand on none, and count as old enough for permits."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns of accounts, and the table of changes."""
    for name, kind in (("credential_at", MOMENT), ("credential_by", sa.Text()), ("vouchers", sa.JSON())):
        op.add_column("users", sa.Column(name, kind))
    op.create_table(
        "account_changes",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("user", sa.String(63), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id")),
        sa.Column("password_hash", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("proposer", sa.String(63), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", MOMENT),
        sa.Column("reason", sa.Text()),
    )


def downgrade() -> None:
    """Refuse: who let an account in is never dropped."""
    raise RuntimeError("the standing of accounts is not dropped")
