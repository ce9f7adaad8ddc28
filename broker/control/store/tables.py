"""The tables of the store and of the journal. The recorder declares its own in recorder/archive/tables.py; migrations
make all of them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from broker.kernel.database import Moment

metadata = MetaData()


sites = Table(
    "sites",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("parent", String(63)),  # the site over this one: the city's over a bureau, the province's over a city's
    Column("closed_at", Moment),  # null while it is open
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("site", ForeignKey("sites.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("closed_at", Moment),  # null while it is open
)

terminals = Table(
    "terminals",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("site", ForeignKey("sites.id"), nullable=False, index=True),
    Column("room", ForeignKey("rooms.id")),  # that it acts for; null for a spare, and while a spare acts in its place
    Column("home", ForeignKey("rooms.id"), index=True),  # that it was enrolled for; null for a spare
    Column("token_hash", String(64), unique=True),  # of a former version's token; null once the terminal has a key
    Column("enrolled_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("public_key", Text),  # SubjectPublicKeyInfo, DER in Base64
    Column("key_kind", String(16)),  # what keeps the private key: file or tpm
    Column("key_at", Moment),
    Column("conflicted_at", Moment),  # its key was used in two places; null again once an administrator has decided
)
_in_use = terminals.c.revoked_at.is_(None)
Index(
    "one_terminal_a_room",  # Yunnan 27(1): one device acts for a room
    terminals.c.room,
    unique=True,
    sqlite_where=_in_use,
    postgresql_where=_in_use,
)

Index("one_terminal_a_key", terminals.c.public_key, unique=True)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("group", String(4), primary_key=True),  # the first characters of the code, which say which one it is
    Column("hash", String(64), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("room", ForeignKey("rooms.id")),  # null for a spare of the site
    Column("replaces", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),  # wrong ones
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("by", Text, nullable=False),  # author as in the journal
)

terminal_sessions = Table(
    "terminal_sessions",  # credentials that terminals were given for a signature
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("terminal", ForeignKey("terminals.id"), nullable=False, index=True),
    Column("instance", String(40), nullable=False, index=True),  # the running program
    Column("nonce", String(64), nullable=False, unique=True),  # its hash
    Column("challenged_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("superseded_at", Moment),  # when another running program took its place
)

terminal_reports = Table(
    "terminal_reports",  # the last one of each terminal
    metadata,
    Column("terminal", ForeignKey("terminals.id"), primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("reported_at", Moment),
    Column("report", JSON),
)

terminal_orders = Table(
    "terminal_orders",  # to test and to restart, which wait for a terminal that is off line
    metadata,
    Column("id", String(40), primary_key=True),
    Column("terminal", ForeignKey("terminals.id"), nullable=False, index=True),
    Column("order", String(16), nullable=False),
    Column("by", Text, nullable=False),  # author as in the journal
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("sent_to", String(40)),  # the running program that it was first sent to
    Column("done_at", Moment),
)

users = Table(
    "users",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("name", Text, nullable=False),
    Column("site", ForeignKey("sites.id")),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("credential_at", Moment),  # when the password was set or the account enabled; null under a former version
    Column("credential_by", Text),  # author of that, as in the journal
    Column("vouchers", JSON),  # accounts on whose word it stands; null for none
)

account_changes = Table(
    "account_changes",  # that wait, or waited, for a second officer's word
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("user", String(63), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("site", ForeignKey("sites.id")),
    Column("password_hash", Text),  # null where no password is set, and once it is decided
    Column("author", Text, nullable=False),
    Column("proposer", String(63), nullable=False),  # "" for a command
    Column("at", Moment, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("reason", Text),
)

user_tokens = Table(
    "user_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("id", String(40), index=True),  # by which its owner ends it; null under a former version
    Column("created_at", Moment),
    Column("seen_at", Moment),  # to the minute
    Column("idle_seconds", Integer),  # it ends after so long without use; null: by expires_at alone
    Column("idle_at", Moment, index=True),  # when that is
    Column("device", String(80)),  # browser and system in words
    Column("must_enrol", Boolean, nullable=False, server_default=false()),  # for setting up a second factor alone
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

slots = Table(
    "slots",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", String(40), nullable=False, unique=True),
    Column("prison_site", ForeignKey("sites.id"), nullable=False),
    Column("prison_room", ForeignKey("rooms.id"), nullable=False),
    Column("visitor_site", ForeignKey("sites.id"), nullable=False),
    Column("visitor_room", ForeignKey("rooms.id"), nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
    Column("minutes", Integer, nullable=False),
    Column("people", JSON, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("article", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("external_id", String(200), unique=True),  # null where the booking system gave none
    Column("language", String(35), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("cancelled_at", Moment),
    Column("cancelled_by", Text),  # author as in the journal; null in rows of former versions
    Column("cancel_code", String(64)),
    Column("cancel_reason", Text),
    Column("second_approved_by", Text),  # of the visitor side's institution, where both sides hold inmates
    Column("second_article", Text),
    Column("second_at", Moment),
    Column("drill", Boolean, nullable=False, server_default=false()),  # no visit, but a drill with invented people
)

drills = Table(
    "drills",
    metadata,
    Column("session", ForeignKey("slots.session"), primary_key=True),
    Column("prison_room", ForeignKey("rooms.id"), nullable=False),
    Column("visitor_room", ForeignKey("rooms.id"), nullable=False),
    Column("prison_site", ForeignKey("sites.id"), nullable=False),
    Column("visitor_site", ForeignKey("sites.id"), nullable=False),
    Column("begun_at", Moment, nullable=False, index=True),
    Column("ended_at", Moment),
    Column("by", Text, nullable=False),  # author as in the journal
    Column("state", String(16), nullable=False, index=True),  # running, passed or failed
    Column("failed_at", String(32), nullable=False),  # name of the step that failed first; "" where none did
    Column("result", JSON),  # as it was signed; null while the drill runs
)

drill_officers = Table(
    "drill_officers",  # credentials of synthetic officers, for as long as their drill runs
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, index=True),
    Column("user", String(80), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

extensions = Table(
    "extensions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, index=True),
    Column("by", String(63), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("article", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("refused", String(40)),  # code of the refusal where the session did not take it
)

identities = Table(
    "identities",  # ids and digests of identity numbers that were booked for one person
    metadata,
    Column("person", String(64), primary_key=True),
    Column("identity", String(64), primary_key=True, index=True),
)

identity_documents = Table(
    "identity_documents",  # what officers check people's documents against; removed with the names of a visit
    metadata,
    Column("session", ForeignKey("slots.session"), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("last_four", String(4), nullable=False),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, index=True),
    Column("side", String(16), nullable=False),
    Column("home", ForeignKey("sites.id"), nullable=False, index=True),
    Column("person", String(64), nullable=False, index=True),
    Column("identity", String(64), index=True),  # digest of the person's identity number, where booking gave it
    Column("months", Integer, nullable=False),
    Column("code", String(64), nullable=False),
    Column("article", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(63), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("linked", JSON, nullable=False),
    Column("plan", JSON, nullable=False),  # the steps that the rules had on that day
)

suspension_steps = Table(
    "suspension_steps",
    metadata,
    Column("suspension", ForeignKey("suspensions.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("step", String(63), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("agreed", Boolean, nullable=False),
    Column("by", String(63), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("article", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

rebookings = Table(
    "rebookings",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, unique=True),  # one request a session
    Column("slot", ForeignKey("slots.id"), nullable=False),
    Column("cause", Text, nullable=False),
    Column("article", Text, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("new_slot", ForeignKey("slots.id"), index=True),
    Column("by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", Moment),
)

absences = Table(
    "absences",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, unique=True),
    Column("slot", ForeignKey("slots.id"), nullable=False),
    Column("side", String(16), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False, index=True),
    Column("people", JSON, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Column("by", String(80), nullable=False),  # "" for the timer of check-in
)

absence_decisions = Table(
    "absence_decisions",
    metadata,
    Column("absence", ForeignKey("absences.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("decision", String(16), nullable=False),
    Column("by", String(63), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("people", JSON, nullable=False),
    Column("consequence", String(16)),
    Column("article", Text, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("session", ForeignKey("slots.session"), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("data", JSON, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

announcements = Table(
    "announcements",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("code", String(64), nullable=False),
    Column("cause", Text, nullable=False),
    Column("issuer", String(16), nullable=False),
    Column("article", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("by", String(63), nullable=False),
    Column("site", ForeignKey("sites.id"), nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Column("session", ForeignKey("slots.session"), index=True),  # the visit that stopped, where it is about one
    Column("filed_by", String(63)),
    Column("filed_site", ForeignKey("sites.id")),
    Column("filed_at", Moment),
)

equipment_tests = Table(
    "equipment_tests",  # results of the tests of each room's equipment
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room", ForeignKey("rooms.id"), nullable=False),
    Column("terminal", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("session", String(64)),
    Column("passed", Boolean, nullable=False),
    Column("parts", JSON, nullable=False),
    Column("figures", JSON, nullable=False),
    Index("ix_equipment_tests_room_at", "room", "at"),
)

packs = Table(
    "packs",  # as sessions have frozen them
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("canonical", Text, nullable=False),  # text, because these bytes are hashed
    Column("kept_at", Moment, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),  # text, because these bytes are hashed
    Column("session", String(40), index=True),
    Column("kind", String(63), nullable=False),
    Column("author", Text, nullable=False),
    Column("data", Text, nullable=False),  # canonical JSON, because these bytes are hashed
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

journal_removals = Table(
    "journal_removals",  # up to where entries may be removed; a trigger of the journal asks for it
    metadata,
    Column("through", Integer, primary_key=True, autoincrement=False),
    Column("head", String(64), nullable=False),
    Column("checkpoint", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
