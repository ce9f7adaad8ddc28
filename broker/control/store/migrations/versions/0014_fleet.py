"""The fourteenth schema: what terminals report, orders that wait for them, and spare terminals, which belong to a site
and act for a room only by an approver's word."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the site and the home of each terminal, reports and orders. Until now a terminal has acted for its home."""
    _add_site("terminals")
    _add_site("enrolment_codes")
    in_use = sa.text("revoked_at IS NULL")
    op.drop_index("one_terminal_a_room", "terminals")
    op.drop_index("one_terminal_a_key", "terminals")
    with op.batch_alter_table("terminals") as table:
        table.alter_column("site", existing_type=sa.String(63), nullable=False)
        table.alter_column("room", existing_type=sa.String(63), nullable=True)
        table.add_column(sa.Column("home", sa.String(63)))
        table.create_foreign_key("fk_terminals_site", "sites", ["site"], ["id"])
        table.create_foreign_key("fk_terminals_home", "rooms", ["home"], ["id"])
    op.execute("UPDATE terminals SET home = room")
    op.create_index("ix_terminals_site", "terminals", ["site"])
    op.create_index("ix_terminals_home", "terminals", ["home"])
    op.create_index(
        "one_terminal_a_room", "terminals", ["room"], unique=True, sqlite_where=in_use, postgresql_where=in_use
    )
    op.create_index("one_terminal_a_key", "terminals", ["public_key"], unique=True)
    with op.batch_alter_table("enrolment_codes") as table:
        table.alter_column("site", existing_type=sa.String(63), nullable=False)
        table.alter_column("room", existing_type=sa.String(63), nullable=True)
        table.create_foreign_key("fk_enrolment_codes_site", "sites", ["site"], ["id"])
    op.create_table(
        "terminal_reports",
        sa.Column("terminal", sa.String(40), sa.ForeignKey("terminals.id"), primary_key=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("reported_at", MOMENT),
        sa.Column("report", sa.JSON()),
    )
    op.create_table(
        "terminal_orders",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("terminal", sa.String(40), sa.ForeignKey("terminals.id"), nullable=False, index=True),
        sa.Column("order", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False, index=True),
        sa.Column("sent_to", sa.String(40)),
        sa.Column("done_at", MOMENT),
    )


def _add_site(table: str) -> None:
    op.add_column(table, sa.Column("site", sa.String(63)))
    op.execute(f"UPDATE {table} SET site = (SELECT site FROM rooms WHERE rooms.id = {table}.room)")


def downgrade() -> None:
    """Refuse: a spare terminal has no room that a former schema could give it."""
    raise RuntimeError("spare terminals are not dropped")
