"""Hashes of passwords and of tokens. A password is hashed with argon2id in a thread, because a tenth of a second of one
core must not delay the event loop. A token carries 256 random bits, so a plain SHA-256 of it is enough."""

import asyncio
import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD = 10
_hasher = PasswordHasher()


def new_token(prefix: str) -> str:
    """Return a new random token. The prefix (trm, usr, key, obs) tells people and secret scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> str:
    """Return what is stored of a token: 64 hex digits of SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with a salt of its own."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether a password fits its hash. A hash of None (no such user) takes as long as a wrong password."""
    return await asyncio.to_thread(_fits, password_hash, password)


def _fits(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _unused_hash(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _unused_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
