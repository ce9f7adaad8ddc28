"""The tables of the history. `visits`, `visit_people` and `visit_facets` are an index: they can be made anew from
slots, snapshots, journal and recordings. Marks and ratings are what auditors wrote, and cannot."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from broker.control.store.tables import metadata
from broker.kernel.database import Moment

visits = Table(
    "visits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session", ForeignKey("slots.session"), nullable=False, unique=True),
    Column("moment", BigInteger, nullable=False),  # start of the slot in Unix seconds: the order of the history
    Column("state", String(16), nullable=False),
    Column("began_at", Moment),
    Column("ended_at", Moment),
    Column("seconds", Float),  # from the first crossing to the end
    Column("ending", String(40)),
    Column("ending_side", String(16)),
    Column("article", Text),
    Column("cause", String(40)),
    Column("interventions", JSON, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("officers", JSON, nullable=False),
    Column("extended", Float, nullable=False),  # seconds that approvals have added
    Column("pack", String(64)),
    Column("film_seconds", Float),
    Column("coverage_prison", Float),  # share of the time in which enough officers watched
    Column("coverage_visitor", Float),
    Column("quality_prison", String(8)),
    Column("quality_visitor", String(8)),
    Column("named", Boolean, nullable=False),  # whether the names of the people are still kept
    Column("relisten_due", Moment),  # null where the visit is none of the share that is heard again
    Column("facets", JSON, nullable=False),  # as they stand in visit_facets, by which they are found and removed there
    Column("indexed_at", Moment, nullable=False),
)
Index("visits_by_moment", visits.c.moment, visits.c.id, visits.c.seconds)
Index("visits_by_relisten", visits.c.relisten_due, visits.c.id)

visit_people = Table(
    "visit_people",
    metadata,
    Column("visit", ForeignKey("visits.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("part", String(16), nullable=False),  # inmate, visitor or interpreter
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # in the spelling that is compared
)

visit_facets = Table(
    "visit_facets",
    metadata,
    Column("facet", String(16), primary_key=True),
    Column("value", String(200), primary_key=True),
    Column("moment", BigInteger, primary_key=True, autoincrement=False),
    Column("visit", ForeignKey("visits.id"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,  # the key is the whole row: one tree and not two
)

visit_marks = Table(
    "visit_marks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, index=True),
    Column("at", Float, nullable=False),  # seconds of the film
    Column("to", Float),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("by", String(63), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", String(63)),
    Column("withdrawn_why", Text),
)

visit_ratings = Table(
    "visit_ratings",
    metadata,
    Column("session", ForeignKey("slots.session"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, and 2 of another person
    Column("by", String(63), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
