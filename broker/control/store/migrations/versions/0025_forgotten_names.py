"""The twenty-fifth schema: slots of visits whose names were forgotten keep none either, as former versions did."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SLOTS = sa.table("slots", sa.column("session", sa.String), sa.column("people", sa.JSON))
VISITS = sa.table("visits", sa.column("session", sa.String), sa.column("named", sa.Boolean))
WORDS = {"name": "", "dialect_reason": "", "relation_reason": ""}
AT_ONCE = 500


def upgrade() -> None:
    """Remove the names and what officers wrote about the people; ids, sides and relations stay."""
    forgotten = sa.select(VISITS.c.session).where(VISITS.c.named.is_(False)).order_by(VISITS.c.session)
    db, after = op.get_bind(), ""
    while sessions := list(db.execute(forgotten.where(VISITS.c.session > after).limit(AT_ONCE)).scalars()):
        for row in db.execute(sa.select(SLOTS).where(SLOTS.c.session.in_(sessions))).all():
            people = [_unnamed(person) for person in row.people]
            db.execute(sa.update(SLOTS).where(SLOTS.c.session == row.session).values(people=people))
        after = sessions[-1]


def _unnamed(person: dict[str, Any]) -> dict[str, Any]:
    return person | {member: empty for member, empty in WORDS.items() if member in person}


def downgrade() -> None:
    """Leave the slots as they are: what was forgotten does not come back."""
