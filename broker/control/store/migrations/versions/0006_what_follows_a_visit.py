"""The sixth schema: re-booking requests (Yunnan 18), absences and what officers decide about them (Guangdong 23).

What a timer of an earlier version took from visitors becomes a forfeit that says so: in force as before, with the note
that a person has to confirm it, so that an officer can find it and take it back.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from broker.kernel.database import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
AUTOMATIC = "系统自动作出，待人工确认 · made automatically, to be confirmed"


def upgrade() -> None:
    """Add the tables, and turn the automatic forfeits of earlier versions into rows."""
    _rebookings()
    _absences()
    _take_over()


def _rebookings() -> None:
    op.create_table(
        "rebookings",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, unique=True),
        sa.Column("slot", sa.String(40), sa.ForeignKey("slots.id"), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("new_slot", sa.String(40), sa.ForeignKey("slots.id"), index=True),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", MOMENT),
    )


def _absences() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, unique=True),
        sa.Column("slot", sa.String(40), sa.ForeignKey("slots.id"), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False, index=True),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False, index=True),
        sa.Column("by", sa.String(80), nullable=False),
    )
    op.create_table(
        "absence_decisions",
        sa.Column("absence", sa.String(64), sa.ForeignKey("absences.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("site", sa.String(63), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("consequence", sa.String(16)),
        sa.Column("article", sa.Text, nullable=False),
    )


def _take_over() -> None:
    db = op.get_bind()
    ended = sa.select(_SLOTS, _SNAPSHOTS.c.data).join(_SNAPSHOTS, _SNAPSHOTS.c.session == _SLOTS.c.session)
    for row in db.execute(ended).all():
        end = row.data.get("end") or {}
        if end.get("lost") and end.get("side") == "visitor":
            _forfeited(db, row, end)


def _forfeited(db: sa.Connection, row: sa.Row[Any], end: dict[str, Any]) -> None:
    listed = (person for person in row.people if person["side"] == "visitor")
    people = [person["id"] for person in listed if person.get("role", "party") == "party"]
    note, at, by = f"abs_{row.session}", datetime.fromisoformat(end["at"]), end.get("by") or ""
    values = {"site": row.visitor_site, "people": people, "at": at, "by": by}
    db.execute(_ABSENCES.insert().values(id=note, session=row.session, slot=row.id, side="visitor", **values))
    db.execute(
        _DECISIONS.insert().values(
            absence=note,
            number=1,
            decision="forfeit",
            reason=(end.get("cause") if by else "") or AUTOMATIC,
            consequence=end["lost"],
            article=end.get("article") or "",
            **values,
        )
    )


def _table(name: str, *texts: str, **others: Any) -> sa.TableClause:
    columns = {**dict.fromkeys(texts, sa.Text()), **others}
    return sa.table(name, *(sa.column(column, kind) for column, kind in columns.items()))


_SLOTS = _table("slots", "id", "session", "visitor_site", people=sa.JSON())
_SNAPSHOTS = _table("snapshots", "session", data=sa.JSON())
_ABSENCES = _table("absences", "id", "session", "slot", "side", "site", "by", people=sa.JSON(), at=Moment())
_DECISIONS = _table(
    "absence_decisions",
    "absence",
    "decision",
    "by",
    "site",
    "reason",
    "consequence",
    "article",
    number=sa.Integer(),
    people=sa.JSON(),
    at=Moment(),
)


def downgrade() -> None:
    """Refuse: requests and decisions are never dropped."""
    raise RuntimeError("re-booking requests and absences are not dropped")
