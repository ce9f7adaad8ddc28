"""Kinds of keys: how one signs, how its signature is checked, how its public half is written down. Ed25519 is ours. Any
other (SM2 in a token) comes as a package of its own that names its `Scheme` as an entry point of the group
`huijian.signing`; the setting `archive_signing` chooses who signs from now on, and every kind that is installed is
checked, so that an archive may have been signed by several in its time. Blocks; for worker threads."""

import hashlib
import os
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from broker.kernel import atomic_files

log = structlog.get_logger()
GROUP = "huijian.signing"
PRIVATE = "archive-ed25519.pem"


class KeyProblem(Exception):
    """A key that is not there, is not ours to read, or is no key."""


class PublicKey(Protocol):
    """What checks signatures. `id`: 16 hex digits that name this key and no other."""

    algorithm: str
    id: str

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the key's owner signed `data`."""
        ...

    def pem(self) -> bytes:
        """How it is written down; equal keys have one spelling."""
        ...


class Signer(Protocol):
    """Something that can sign: a key in a file, a token."""

    @property
    def public(self) -> PublicKey:
        """What checks its signatures."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`. May block. Raises KeyProblem where it cannot."""
        ...


class Scheme(Protocol):
    """A kind of key, by the name that stands in its signatures."""

    algorithm: str

    def signer(self, folder: Path) -> Signer:
        """The installation's own; `folder` is for keys that are files, which are made on first use. Raises
        KeyProblem."""
        ...

    def own(self, folder: Path) -> PublicKey:
        """The public half of the installation's own; nothing is made. Raises KeyProblem."""
        ...

    def load(self, pem: bytes) -> PublicKey | None:
        """A public key; None where it is one of another kind, or none at all."""
        ...


def scheme(algorithm: str) -> Scheme:
    """A kind of key by name. Raises KeyProblem where it is not installed."""
    found = schemes().get(algorithm)
    if found is None:
        raise KeyProblem(f"nothing here can sign by {algorithm}; installed: {', '.join(sorted(schemes()))}")
    return found


@cache
def schemes() -> dict[str, Scheme]:
    """Every kind of key that is installed."""
    found: dict[str, Scheme] = {"Ed25519": Ed25519()}
    for point in entry_points(group=GROUP):
        try:
            more: Scheme = point.load()()
        except Exception as error:  # somebody else's package; what it would have signed or checked then fails by name
            log.error("a kind of key cannot be loaded", name=point.name, why=type(error).__name__)
            continue
        found.setdefault(more.algorithm, more)  # nobody takes the place of ours
    return found


class Ed25519Public:
    """RFC 8032. Named by the first 16 hex digits of the SHA-256 of the raw key."""

    algorithm = "Ed25519"

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.id = hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]

    def verify(self, signature: bytes, data: bytes) -> bool:
        """As for any key."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Ed25519Signer:
    """A private key in memory."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = Ed25519Public(private.public_key())
        self.key = self.public.id

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(data)


class Ed25519:
    """A key made at installation, in a file that only we may read."""

    algorithm = "Ed25519"

    def signer(self, folder: Path) -> Ed25519Signer:
        """Made on first use. Raises KeyProblem."""
        path = folder / PRIVATE
        try:
            if not path.exists():
                _make(path)
        except OSError as error:
            raise KeyProblem(f"{path}: {error}") from error
        return Ed25519Signer(_private(path))

    def own(self, folder: Path) -> Ed25519Public:
        """Raises KeyProblem."""
        return Ed25519Public(_private(folder / PRIVATE).public_key())

    def load(self, pem: bytes) -> Ed25519Public | None:
        """From PEM."""
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            return None
        return Ed25519Public(key) if isinstance(key, Ed25519PublicKey) else None


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyProblem(f"{path} can be read by others")
        private = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path}: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return private


def _make(path: Path) -> None:
    """A new key, whole or not at all; of two processes that make one at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # somebody else's key is as good as ours, and it may have signed already
    finally:
        fresh.unlink()
    atomic_files.sync_folder(path.parent)
