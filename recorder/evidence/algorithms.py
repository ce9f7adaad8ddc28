"""The kinds of keys: how each signs, checks a signature and writes its public half down. Ed25519 is built in. Another
kind (SM2 in a token) is a separate package that names its `Scheme` as an entry point of the group `huijian.signing`.
The setting `archive_signing` chooses which kind signs from now on; every installed kind is checked, because an archive
may have been signed by several in its time. Blocks; for worker threads."""

import hashlib
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

from config import private_files

log = structlog.get_logger()
GROUP = "huijian.signing"
PRIVATE = "archive-ed25519.pem"


class KeyProblem(Exception):
    """A key that is missing, that other users can read, or that is not a key."""

    for_operators = True


class PublicKey(Protocol):
    """The public half of a key, which checks signatures. `id`: 16 hex digits that name this key and no other."""

    algorithm: str
    id: str

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` is the key owner's signature of `data`."""
        ...

    def pem(self) -> bytes:
        """Return the key in PEM; equal keys have one spelling."""
        ...


class Signer(Protocol):
    """The private half of a key: a file, or a token."""

    @property
    def public(self) -> PublicKey:
        """The public half, which checks its signatures."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`. May block. Raises KeyProblem."""
        ...


class Scheme(Protocol):
    """A kind of key, named as in its signatures."""

    algorithm: str

    def signer(self, folder: Path) -> Signer:
        """Return the installation's own private key; a kind of key file makes it in `folder` on first use. Raises
        KeyProblem."""
        ...

    def own(self, folder: Path) -> PublicKey:
        """Return the public half of the installation's own key, which must exist. Raises KeyProblem."""
        ...

    def load(self, pem: bytes) -> PublicKey | None:
        """Return the public key in `pem`, None where it is of another kind or no key."""
        ...


def scheme(algorithm: str) -> Scheme:
    """Return a kind of key by name. Raises KeyProblem where it is not installed."""
    found = schemes().get(algorithm)
    if found is None:
        raise KeyProblem(f"nothing here can sign by {algorithm}; installed: {', '.join(sorted(schemes()))}")
    return found


@cache
def schemes() -> dict[str, Scheme]:
    """Return every installed kind of key, by name."""
    found: dict[str, Scheme] = {"Ed25519": Ed25519()}
    for point in entry_points(group=GROUP):
        try:
            more: Scheme = point.load()()
        except Exception as error:  # a foreign package; signatures of its kind then fail by name
            log.error("kind of key not loaded", name=point.name, why=type(error).__name__)
            continue
        found.setdefault(more.algorithm, more)  # a package cannot replace the built-in kind
    return found


class Ed25519Public:
    """An Ed25519 public key (RFC 8032). Its id is the first 16 hex digits of the SHA-256 of the raw key."""

    algorithm = "Ed25519"

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.id = hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` is the signature of `data`."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo in PEM."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Ed25519Signer:
    """An Ed25519 private key in memory."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = Ed25519Public(private.public_key())
        self.key = self.public.id

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(data)


class Ed25519:
    """A key made at installation, in a file that only its owner can read."""

    algorithm = "Ed25519"

    def signer(self, folder: Path) -> Ed25519Signer:
        """Return the key, made on first use. Raises KeyProblem."""
        path = folder / PRIVATE
        try:
            if not path.exists():
                _make(path)
        except OSError as error:
            raise KeyProblem(f"{path}: {error}") from error
        return Ed25519Signer(_private(path))

    def own(self, folder: Path) -> Ed25519Public:
        """Return the public half of the key, which must exist. Raises KeyProblem."""
        return Ed25519Public(_private(folder / PRIVATE).public_key())

    def load(self, pem: bytes) -> Ed25519Public | None:
        """Return the Ed25519 key in `pem`, None for anything else."""
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            return None
        return Ed25519Public(key) if isinstance(key, Ed25519PublicKey) else None


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        private = load_pem_private_key(private_files.read(path), None)
    except private_files.NotPrivate as error:
        raise KeyProblem(str(error)) from error
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path}: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return private


def _make(path: Path) -> None:
    """Write a new key, complete or not at all. Of two processes that do it at once, the key of the first stays."""
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        private_files.close_folder(path.parent)
        private_files.create(path, data)
    except FileExistsError:
        return  # another process was first, and its key may have signed already
    except private_files.NotPrivate as error:
        raise KeyProblem(str(error)) from error
