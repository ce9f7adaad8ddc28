"""The twenty-sixth schema: visits whose names were forgotten keep no words of officers either about why they were
cancelled, extended, not booked again, or their absence decided so."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

VISITS = sa.table("visits", sa.column("session", sa.String), sa.column("named", sa.Boolean))
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


def downgrade() -> None:
    """Leave the rows as they are: what was forgotten does not come back."""
