"""The recorder's tables in the database. Migrations create them; their names and columns are fixed."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from broker.kernel.database import Moment

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
    Column("due_at", Moment),  # written when archived; it may only become later
    Column("manifest_sha256", String(64)),
    Column("head", String(96)),  # end of the site's chain with this recording: number and hash of the line
    Column("purge", JSON),  # set when its deletion is ordered: rule, time, both officers
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
    Column("entry", String(40)),  # its id in the chain of the site; None in rows of version 0.1.0
)
Index("legal_holds_by_entry", HOLDS.c.entry, unique=True)
APPROVALS = Table(
    "purge_permits",
    METADATA,
    Column("code_hash", String(64), primary_key=True),
    Column("plan", String(64), nullable=False),  # hash of the plan that may be deleted
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
    Column("begun", BigInteger),  # start of the process, in ticks since the machine was started
)
MARKS = Table(  # both clocks when a run of the machine was first seen; see recorder.retention.clock_trust
    "clock_marks",
    METADATA,
    Column("boot", String(40), primary_key=True),
    Column("wall", Moment, nullable=False),
    Column("mono", Float, nullable=False),
    Column("seen", Moment),  # when the clock was last seen to go on
    Column("believed_at", Moment),  # when an officer compared the clock with another one
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
EXPORTS = Table(  # requests for packages; see recorder.export.queue
    "exports",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("session", String(40), nullable=False, index=True),
    Column("site", String(63), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("receiver", Text, nullable=False),  # the name over the picture
    Column("downloaders", JSON, nullable=False),  # the accounts that may fetch the package
    Column("by", String(63), nullable=False),
    Column("at", Moment, nullable=False),
    Column("decided_by", String(63)),
    Column("decided_at", Moment),
    Column("note", Text),
    Column("progress", Float, nullable=False),
    Column("failure", String(16)),
    Column("bytes", BigInteger),
    Column("sha256", String(64)),
    Column("sound", Boolean),  # the recording was whole when it was packed
    Column("ready_at", Moment),
    Column("expires_at", Moment),
    Column("updated_at", Moment, nullable=False),
)
HEADS = Table(  # end of each site's chain after its last line; see recorder.evidence.chain_heads
    "chain_heads",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("head", String(96), nullable=False),
    Column("at", Moment, nullable=False),
)
SEEN_MONTHS = Table(  # months in each site's policy at the last purge; see recorder.retention.policy_changes
    "retention_seen",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("months", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
