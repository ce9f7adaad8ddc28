"""Hashes of passwords and of tokens. A password is hashed with argon2id in a thread, because a tenth of a second of one
core must not delay the event loop. A token carries 256 random bits, so a plain SHA-256 of it is enough."""

import asyncio
import hashlib
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from broker.kernel.errors import StorageUnavailable
from config import private_files

_hasher = PasswordHasher()


def new_token(prefix: str) -> str:
    """Return a new random token. The prefix (trs, usr, key, obs) tells people and secret scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> str:
    """Return what is stored of a token: 64 hex digits of SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with a salt of its own."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether a password fits its hash. A hash of None (no such user) takes as long as a wrong password."""
    return await asyncio.to_thread(fits, password_hash, password)


def fits(password_hash: str | None, password: str) -> bool:
    """Whether a password fits its hash, as `verify_password` has it; it takes a tenth of a second of one core."""
    try:
        return _hasher.verify(password_hash or _unused_hash(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _unused_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


# --- keys of the installation -------------------------------------------------------------------------------------

IDENTITY_KEY, DEVICE_KEY, CHALLENGE_KEY, FACTOR_KEY = "identity.key", "device.key", "challenge.key", "factor.key"
KEY_LENGTH = 32  # bytes


def identity_key(folder: Path) -> bytes:
    """Return the installation's secret key for digests of identity numbers, made on first use in `folder`. A stolen
    database tells no number. With another key a suspended person is found by the booking system's id only, so that the
    key belongs into the backup. Raises StorageUnavailable where it cannot be read or written."""
    return _key(folder, IDENTITY_KEY, "The identity key", "证件摘要密钥文件无效。")


def device_key(folder: Path) -> bytes:
    """Return the installation's secret key for the cookies of known devices, made on first use in `folder`. With
    another key no device is known, until its officers have signed in again. Raises StorageUnavailable."""
    return _key(folder, DEVICE_KEY, "The device key", "登录设备密钥文件无效。")


def challenge_key(folder: Path) -> bytes:
    """Return the installation's secret key for the challenges of terminals, made on first use in `folder`. With another
    key those that were given out in the last minute are refused, and terminals ask again. Raises StorageUnavailable."""
    return _key(folder, CHALLENGE_KEY, "The challenge key", "终端验证密钥文件无效。")


def factor_key(folder: Path) -> bytes:
    """Return the installation's secret key under which second factors are stored, made on first use in `folder`. With
    another key no code fits, and recovery codes do not either, so that the key belongs into the backup. Raises
    StorageUnavailable where it cannot be read or written."""
    return _key(folder, FACTOR_KEY, "The key of second factors", "两步验证密钥文件无效。")


def _key(folder: Path, name: str, title: str, invalid_zh: str) -> bytes:
    path = folder / name
    try:
        private_files.close_folder(folder)
        with suppress(FileExistsError):  # another process was first, and both read the same
            if not path.exists():
                private_files.create(path, secrets.token_bytes(KEY_LENGTH))
        key = private_files.read(path)
    except private_files.NotPrivate as error:
        raise StorageUnavailable(str(error), str(error)) from error
    except OSError as error:
        why = type(error).__name__
        raise StorageUnavailable(f"{title} cannot be used ({why}).", f"密钥文件 {name} 无法使用。") from error
    if len(key) != KEY_LENGTH:
        raise StorageUnavailable(f"{path} holds no key of {KEY_LENGTH} bytes.", invalid_zh)
    return key
