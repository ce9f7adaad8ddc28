"""The seventeenth schema: the history of visits, marks on recordings, and ratings of the re-listen duty."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of the history. The running service fills the history from slots, journal and archive."""
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, unique=True),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("began_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("seconds", sa.Float()),
        sa.Column("ending", sa.String(40)),
        sa.Column("ending_side", sa.String(16)),
        sa.Column("article", sa.Text()),
        sa.Column("cause", sa.String(40)),
        sa.Column("interventions", sa.JSON(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("officers", sa.JSON(), nullable=False),
        sa.Column("extended", sa.Float(), nullable=False),
        sa.Column("pack", sa.String(64)),
        sa.Column("film_seconds", sa.Float()),
        sa.Column("coverage_prison", sa.Float()),
        sa.Column("coverage_visitor", sa.Float()),
        sa.Column("quality_prison", sa.String(8)),
        sa.Column("quality_visitor", sa.String(8)),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("relisten_due", MOMENT),
        sa.Column("facets", sa.JSON(), nullable=False),
        sa.Column("indexed_at", MOMENT, nullable=False),
    )
    op.create_index("visits_by_moment", "visits", ["moment", "id", "seconds"])
    op.create_index("visits_by_relisten", "visits", ["relisten_due", "id"])
    op.create_table(
        "visit_people",
        sa.Column("visit", sa.Integer(), sa.ForeignKey("visits.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
    )
    op.create_table(
        "visit_facets",
        sa.Column("facet", sa.String(16), primary_key=True),
        sa.Column("value", sa.String(200), primary_key=True),
        sa.Column("moment", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("visit", sa.Integer(), sa.ForeignKey("visits.id"), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "visit_marks",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), nullable=False, index=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("to", sa.Float()),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("withdrawn_by", sa.String(63)),
        sa.Column("withdrawn_why", sa.Text()),
    )
    op.create_table(
        "visit_ratings",
        sa.Column("session", sa.String(40), sa.ForeignKey("slots.session"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("by", sa.String(63), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Remove the tables of the history. What auditors wrote would be lost."""
    raise RuntimeError("marks and ratings are not thrown away")
