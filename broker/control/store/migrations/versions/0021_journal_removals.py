"""The twenty-first schema: the beginning of the journal may be removed, up to a row that says so."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = "the journal is append-only"
LAST = "(SELECT coalesce(max(through), 0) FROM journal_removals)"


def upgrade() -> None:
    """Add the table of removals, append-only like the journal, and let the journal's trigger ask for it."""
    op.create_table(
        "journal_removals",
        sa.Column("through", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("checkpoint", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    elif op.get_bind().dialect.name == "postgresql":
        _postgresql()


def downgrade() -> None:
    """Refuse to go back: what was removed stays removed, and its record with it."""
    raise RuntimeError("the record of what was removed from the journal is not given up")


def _sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER journal_removals_no_{change.lower()} BEFORE {change} ON journal_removals "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    op.execute("DROP TRIGGER journal_no_delete")
    op.execute(
        f"CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal WHEN OLD.seq > {LAST} "
        f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
    )


def _postgresql() -> None:
    op.execute("DROP TRIGGER journal_append_only ON journal")
    for table, changes in (("journal", "UPDATE OR TRUNCATE"), ("journal_removals", "UPDATE OR DELETE OR TRUNCATE")):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE {changes} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()"
        )
    op.execute(
        "CREATE FUNCTION journal_keeps_its_end() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF OLD.seq > {LAST} THEN RAISE EXCEPTION '{APPEND_ONLY}'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal "
        "FOR EACH ROW EXECUTE FUNCTION journal_keeps_its_end()"
    )
