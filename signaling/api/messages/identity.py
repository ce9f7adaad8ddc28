"""What a terminal and the server say to each other about the terminal's identity: enrolment, challenge, sign-in and
migration, and the texts that are signed for them. A text begins with its purpose, so that a signature that was made for
one purpose is worth nothing for another; it names the server that the terminal believes it speaks to, so that it is
worth nothing before another one."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Id, Inbound, Moment, Outbound, Token

KEYS = 512  # characters; the SubjectPublicKeyInfo of P-256 has 91 bytes, 124 in Base64
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{4,}={0,2}$", max_length=KEYS)]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=16, max_length=128)]
Instance = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{16,40}$", max_length=40)]
"""The name that a running program has made for itself, anew at each start."""
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^\x00-\x20\x7f-\xa0/@?#]{1,255}$", max_length=264)]
"""Scheme, host and port of the server, as the terminal was told them: `https://huijian.example`."""
TypedCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z -]+$", min_length=16, max_length=64)]
KeyKind = Literal["file", "tpm"]


def enrolment_text(origin: str, code: str, key: str) -> bytes:
    """Return what a terminal signs to prove that it has the private half of the `key` that it sends with a code."""
    typed = code.replace(" ", "").replace("-", "").upper()
    return _text("enrolment", origin, _digest(typed), key)


def migration_text(origin: str, token: str, key: str) -> bytes:
    """Return what a terminal signs to exchange the token of a former version for its `key`."""
    return _text("migration", origin, _digest(token), key)


def session_text(origin: str, terminal: str, instance: str, nonce: str) -> bytes:
    """Return what a terminal signs to sign in."""
    return _text("session", origin, terminal, instance, nonce)


def _text(purpose: str, *lines: str) -> bytes:
    return "\n".join((f"huijian terminal {purpose} 1", *lines)).encode()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Enrolment(Inbound):
    """A one-time code, and the public key of the terminal at which it was typed: SubjectPublicKeyInfo of a P-256 key,
    DER in Base64. The signature is ECDSA with SHA-256, DER in Base64, over the lines `huijian terminal enrolment 1`,
    `origin`, the SHA-256 of the code (hexadecimal; capitals, no separators) and `key`, joined by a line feed."""

    code: TypedCode
    key: Base64
    key_kind: KeyKind
    origin: Origin
    signature: Base64


class Migration(Inbound):
    """The token of a former version, and the key that takes its place. The signature is over the lines `huijian
    terminal migration 1`, `origin`, the SHA-256 of the token (hexadecimal) and `key`."""

    token: Token
    key: Base64
    key_kind: KeyKind
    origin: Origin
    signature: Base64


class EnrolledTerminal(Outbound):
    """The terminal that the key belongs to from now on."""

    terminal: str
    room: str
    site: str


class ChallengeAsked(Inbound):
    """The terminal that wants to sign in."""

    terminal: Id


class Challenge(Outbound):
    """A nonce for one sign-in of this terminal, and for how long it is good. It is given for every id, whether there is
    such a terminal or not."""

    nonce: str
    seconds: int = Field(ge=1)


class TerminalSignIn(Inbound):
    """A signed challenge, over the lines `huijian terminal session 1`, `origin`, `terminal`, `instance`, `nonce`."""

    terminal: Id
    instance: Instance
    nonce: Nonce
    origin: Origin
    signature: Base64


class TerminalSession(Outbound):
    """A bearer credential of this running program for some minutes. Before they are over the program signs in anew;
    what goes on under the former credential goes on under the new one."""

    token: Token
    seconds: int = Field(ge=1)
    expires_at: Moment
    room: str
    site: str
