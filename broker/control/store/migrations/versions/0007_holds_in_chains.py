"""The seventh schema: the id under which a legal hold stands in the chain of its site.

Existing rows do not change. The recorder's next start enters the holds that stand into the chains.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index; existing rows have no entry yet."""
    op.add_column("legal_holds", sa.Column("entry", sa.String(40)))
    op.create_index("legal_holds_by_entry", "legal_holds", ["entry"], unique=True)


def downgrade() -> None:
    """Refuse: holds are never forgotten."""
    raise RuntimeError("the entries of legal holds are not dropped")
