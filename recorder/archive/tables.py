"""The recorder's tables. Migrations make them."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from broker.kernel.moments import Moment

METADATA = MetaData()
RECORDINGS = Table(
    "recordings",
    METADATA,
    Column("session", String(40), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("path", Text),
    Column("sha256", String(64)),
    Column("bytes", BigInteger),
    Column("seconds", JSON),
    Column("packets", BigInteger),
    Column("lost", BigInteger),
    Column("gaps", JSON),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("policy", Text),
    Column("software", Text),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("announced", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),  # written when archived; may only move away
    Column("manifest_sha256", String(64)),
    Column("head", String(96)),  # where the site's chain ended with it: number and hash of the line
    Column("purge", JSON),  # from the moment it is being deleted: by which rule, when, by whom, with whom
)
Index("recordings_by_due", RECORDINGS.c.due_at, RECORDINGS.c.session)
INTENTS = Table(
    "recording_intents",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session", String(40), nullable=False),
    Column("part", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("path", Text, nullable=False),
)
HOLDS = Table(
    "legal_holds",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session", String(40), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("by", String(63), nullable=False),
    Column("at", Moment, nullable=False),
    Column("lifted_at", Moment),
    Column("lifted_by", String(63)),
    Column("lifted_why", Text),
)
APPROVALS = Table(
    "purge_permits",
    METADATA,
    Column("code_hash", String(64), primary_key=True),
    Column("plan", String(64), nullable=False),  # hash of exactly what may be deleted
    Column("as_of", Moment, nullable=False),
    Column("site", String(63)),
    Column("by", String(63), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("used_by", String(63)),
)
LOCKS = Table(
    "recorder_locks",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("boot", String(40), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("until", Moment, nullable=False),
    Column("begun", BigInteger),  # when the process began, in ticks of this run of the machine
)
MARKS = Table(  # what both clocks said when a run of the machine was first seen; see recorder.retention.clock_trust
    "clock_marks",
    METADATA,
    Column("boot", String(40), primary_key=True),
    Column("wall", Moment, nullable=False),
    Column("mono", Float, nullable=False),
    Column("seen", Moment),  # when it was last seen to go on
    Column("believed_at", Moment),  # an officer has compared it with another clock
    Column("believed_by", String(63)),
)
VIEWS = Table(
    "view_copies",
    METADATA,
    Column("session", String(40), primary_key=True),
    Column("state", String(16), nullable=False, index=True),  # queued, making, ready, failed
    Column("progress", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("bytes", BigInteger),
    Column("sha256", String(64)),
    Column("queued_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
HEADS = Table(  # where each site's chain ended when it was last written; see recorder.evidence.chain_heads
    "chain_heads",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("head", String(96), nullable=False),
    Column("at", Moment, nullable=False),
)
SEEN_MONTHS = (
    Table(  # what each site's policy asked for when it was last looked at; see recorder.retention.policy_changes
        "retention_seen",
        METADATA,
        Column("site", String(63), primary_key=True),
        Column("months", Integer, nullable=False),
        Column("at", Moment, nullable=False),
    )
)
