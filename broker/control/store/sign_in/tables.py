"""The tables of second factors, recovery codes, invitations and linked identities."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from broker.control.store.tables import metadata
from broker.kernel.database import Moment

second_factors = Table(
    "second_factors",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # totp or webauthn
    Column("name", Text, nullable=False),
    Column("secret", Text, nullable=False),  # sealed by signaling: TOTP's secret, or the credential of WebAuthn
    Column("counter", Integer, nullable=False),  # the latest time step, or the authenticator's count
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("hash", String(64), primary_key=True),  # keyed digest
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment),
)

invitations = Table(
    "invitations",
    metadata,
    Column("hash", String(64), primary_key=True),  # of the token in the link
    Column("user", String(63), nullable=False, index=True),  # an account that may not be confirmed yet
    Column("by", Text, nullable=False),  # author as in the journal
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

linked_identities = Table(
    "linked_identities",  # persons of an identity service, each linked to the account of an officer
    metadata,
    Column("hash", String(64), primary_key=True),  # of the service's issuer and its subject
    Column("user", ForeignKey("users.id"), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
)
