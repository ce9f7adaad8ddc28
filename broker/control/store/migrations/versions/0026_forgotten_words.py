"""The twenty-sixth schema: visits whose names were forgotten keep no words of officers either: why they were cancelled,
ended, extended, not booked again, or their absence decided so, and notes and warnings."""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

VISITS = sa.table("visits", sa.column("session", sa.String), sa.column("named", sa.Boolean))
SNAPSHOTS = sa.table(
    "snapshots", sa.column("session", sa.String), sa.column("state", sa.String), sa.column("data", sa.JSON)
)
REBOOKINGS = sa.table("rebookings", sa.column("session", sa.String), sa.column("cause", sa.Text))
CODE = re.compile(r"[a-z][a-z_]{0,39}")
AT_ONCE = 500
ABSENCES = sa.table("absences", sa.column("id", sa.String), sa.column("session", sa.String))


def upgrade() -> None:
    """Remove the words; codes, articles, times and authors stay."""
    forgotten = sa.select(VISITS.c.session).where(VISITS.c.named.is_(False))
    decided = sa.select(ABSENCES.c.id).where(ABSENCES.c.session.in_(forgotten))
    for name, key, column, rows, left in (
        ("slots", "session", "cancel_reason", forgotten, None),
        ("extensions", "session", "reason", forgotten, ""),
        ("rebookings", "session", "reason", forgotten, ""),
        ("absence_decisions", "absence", "reason", decided, ""),
    ):
        table = sa.table(name, sa.column(key, sa.String), sa.column(column, sa.Text))
        op.execute(sa.update(table).where(table.c[key].in_(rows)).values({column: left}))
    db, after = op.get_bind(), ""
    ordered = forgotten.order_by(VISITS.c.session)
    while sessions := list(db.execute(ordered.where(VISITS.c.session > after).limit(AT_ONCE)).scalars()):
        for row in db.execute(sa.select(REBOOKINGS).where(REBOOKINGS.c.session.in_(sessions))).all():
            mine = REBOOKINGS.c.session == row.session
            db.execute(sa.update(REBOOKINGS).where(mine).values(cause=_code(row.cause)))
        ended = sa.select(SNAPSHOTS).where(SNAPSHOTS.c.session.in_(sessions), SNAPSHOTS.c.state == "ended")
        for row in db.execute(ended).all():
            data = _without_words(row.data)
            db.execute(sa.update(SNAPSHOTS).where(SNAPSHOTS.c.session == row.session).values(data=data))
        after = sessions[-1]


def _code(cause: str) -> str:
    return cause if CODE.fullmatch(cause) else ""


def _without_words(saved: dict[str, Any]) -> dict[str, Any]:
    """Empty the members of a snapshot of the twenty-fifth schema that officers wrote."""
    acts = saved.get("acts") or {}
    for part, words in (
        *((saved.get(name), ("note", "reason")) for name in ("hold", "drill")),
        *((word, ("note",)) for word in (saved.get("farewell") or {}).values()),
        *((one, ("reason", "note")) for name in ("extensions", "requests") for one in saved.get(name) or ()),
        *((one, ("zh", "en")) for one in acts.get("warnings") or ()),
    ):
        for name in words:
            if part and name in part:
                part[name] = ""
    for note in acts.get("notes") or ():
        note[2] = ""
    if end := saved.get("end"):
        end["cause"] = _code(end["cause"])
    return saved


def downgrade() -> None:
    """Leave the rows as they are: what was forgotten does not come back."""
