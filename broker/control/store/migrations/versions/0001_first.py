"""The first schema: registry, accounts, slots, snapshots, the append-only journal and the catalog of recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = "the journal is append-only"


def upgrade() -> None:
    """Create every table and, on the journal, the triggers that refuse changes."""
    _registry()
    _accounts()
    _visits()
    _journal()
    _catalog()


def downgrade() -> None:
    """Refuse: there is nothing before the first schema, and a journal is never dropped."""
    raise RuntimeError(APPEND_ONLY)


def _registry() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "terminals",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
    )
    in_use = sa.text("revoked_at IS NULL")
    op.create_index(
        "one_terminal_a_room",
        "terminals",
        ["room"],
        unique=True,
        sqlite_where=in_use,
        postgresql_where=in_use,
    )


def _accounts() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id")),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "user_tokens",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(63), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("expires_at", MOMENT, nullable=False, index=True),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
    )


def _visits() -> None:
    op.create_table(
        "slots",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("session", sa.String(40), nullable=False, unique=True),
        sa.Column("prison_site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("prison_room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("visitor_site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("visitor_room", sa.String(63), sa.ForeignKey("rooms.id"), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False, index=True),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("external_id", sa.String(200), unique=True),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("cancelled_at", MOMENT),
    )
    op.create_table(
        "snapshots",
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("session", sa.String(40), index=True),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER journal_no_{change.lower()} BEFORE {change} ON journal "
                f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
            )
        op.execute(  # INSERT OR REPLACE removes rows without firing the trigger on DELETE
            "CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal "
            "WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal) "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    elif op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()"
        )


def _catalog() -> None:
    """Create the recorder's two tables, which recorder/archive/tables.py declares."""
    op.create_table(
        "recordings",
        sa.Column("session", sa.String(40), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False, index=True),
        sa.Column("path", sa.Text),
        sa.Column("sha256", sa.String(64)),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("seconds", sa.JSON),
        sa.Column("packets", sa.BigInteger),
        sa.Column("lost", sa.BigInteger),
        sa.Column("gaps", sa.JSON),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT, index=True),
        sa.Column("policy", sa.Text),
        sa.Column("software", sa.Text),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.Text),
        sa.Column("announced", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "recording_intents",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(40), nullable=False, index=True),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
    )
