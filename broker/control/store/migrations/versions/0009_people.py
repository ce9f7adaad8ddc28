"""The ninth schema: who withdrew a slot and why, the second approval where both sides hold inmates (Yunnan 7,
Guangdong 16), and the identity that a suspension binds. Slots between two prisons that stand already learn that both
sides do."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns, and mark the people of visitor sides that are prisons."""
    for name, kind in (
        ("cancelled_by", sa.Text()),
        ("cancel_code", sa.String(64)),
        ("cancel_reason", sa.Text()),
        ("second_approved_by", sa.Text()),
        ("second_article", sa.Text()),
        ("second_at", MOMENT),
    ):
        op.add_column("slots", sa.Column(name, kind))
    op.add_column("suspensions", sa.Column("identity", sa.String(64)))
    op.create_index("ix_suspensions_identity", "suspensions", ["identity"])
    _mark_inmates()


def _mark_inmates() -> None:
    db = op.get_bind()
    both = sa.text(
        "SELECT slots.id, slots.people FROM slots JOIN sites ON sites.id = slots.visitor_site"
        " WHERE sites.kind IN ('prison', 'rehab')"
    )
    change = sa.text("UPDATE slots SET people = :people WHERE id = :id")
    for id, kept in list(db.execute(both)):
        people = [
            {**person, "detained": person["side"] == "visitor" and person.get("role", "party") == "party"}
            for person in (json.loads(kept) if isinstance(kept, str) else kept)
        ]
        db.execute(change, {"id": id, "people": json.dumps(people, ensure_ascii=False)})


def downgrade() -> None:
    """Refuse: approvals and their authors are never dropped."""
    raise RuntimeError("approvals are not dropped")
