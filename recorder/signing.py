"""Who vouches for a recording: a key made at installation signs each manifest and each line of a site's chain.

`Signer` is all that the archive knows of a key, so that a token with another algorithm (SM2) can take its place. The
public halves lie in the archive itself, named by their own hash, so that an archive and one trusted public key are
enough to check it anywhere. Blocks; for worker threads."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

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

from recorder import papers

PRIVATE = "archive-ed25519.pem"
PUBLIC_FOLDER, TRUSTED = ".keys", "trusted"
SIGNATURE = "signature"


class KeyProblem(Exception):
    """A key that is not there, is not ours to read, or is no key."""


class Signer(Protocol):
    """Something that can sign. `key` names it as `key_id` does."""

    algorithm: str
    key: str
    public: Ed25519PublicKey

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`. May block."""
        ...


class Ed25519Signer:
    """The installation's own key (RFC 8032)."""

    algorithm = "Ed25519"

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key()
        self.key = key_id(self.public)

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(data)


class Keys:
    """The public keys that are believed, by name."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self.known = {key_id(key): key for key in keys}

    def vouch(self, value: Mapping[str, Any]) -> str:
        """Why the signature inside `value` proves nothing; empty where it does."""
        said = value.get(SIGNATURE)
        if not isinstance(said, dict) or said.get("algorithm") != Ed25519Signer.algorithm:
            return "it is not signed"
        if set(said) != {"algorithm", "key", "value"}:
            return "the signature has members that nobody signed"
        key = self.known.get(str(said.get("key")))
        if key is None:
            return f"signed by a key that is not known here ({said.get('key')})"
        try:
            mark = base64.b64decode(str(said["value"]), validate=True)
            if base64.b64encode(mark).decode() != said["value"]:  # its last letter has bits that mean nothing
                return "the signature is not spelled as it was written"
            key.verify(mark, covered(value))
        except (InvalidSignature, ValueError):
            return "the signature does not fit"
        return ""


def sign(value: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """`value` with the signature of everything else in it."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    mark = base64.b64encode(signer.sign(covered(bare))).decode()
    return {**bare, SIGNATURE: {"algorithm": signer.algorithm, "key": signer.key, "value": mark}}


def covered(value: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: canonical JSON without the signature."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    return json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw key."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def installed(folder: Path, archive: Path) -> Ed25519Signer:
    """The installation's signer; made on first use, its public half put into the archive. Raises KeyProblem."""
    path = folder / PRIVATE
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        raise KeyProblem(f"{path}: {error}") from error
    signer = Ed25519Signer(_private(path))
    _publish(signer, archive / PUBLIC_FOLDER)
    return signer


def trusted(folder: Path) -> Keys:
    """The keys that an installation believes: its own, and earlier ones whose public halves lie in `trusted`.

    Raises KeyProblem, also where the private key is not ours to read.
    """
    own = _private(folder / PRIVATE).public_key()
    return Keys([own, *(public_key(path) for path in sorted((folder / TRUSTED).glob("*.pem")))])


def beside(archive: Path) -> Keys:
    """The keys that lie in an archive. They prove that it is of one piece; who made it, only a key from elsewhere.
    Raises KeyProblem."""
    return Keys(published_key(path) for path in published(archive))


def published(archive: Path) -> list[Path]:
    """The files in an archive that should hold keys."""
    folder = archive / PUBLIC_FOLDER
    return sorted(folder.glob("*.pem")) if folder.is_dir() else []


def published_key(path: Path) -> Ed25519PublicKey:
    """A key that lies in an archive, byte for byte as it was put there under its own name. Raises KeyProblem."""
    key = public_key(path)
    if key_id(key) != path.stem:
        raise KeyProblem(f"{path} is not the key it is named after")
    if path.read_bytes() != _spelled(key):
        raise KeyProblem(f"{path} is not spelled as it was written")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises KeyProblem."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path}: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return key


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


def _spelled(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


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
    papers.sync_folder(path.parent)


def _publish(signer: Ed25519Signer, folder: Path) -> None:
    path = folder / f"{signer.key}.pem"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(_spelled(signer.public))
    fresh.chmod(0o444)
    fresh.replace(path)
    papers.sync_folder(folder)
