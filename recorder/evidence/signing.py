"""Signatures of manifests, seals and chain lines, by a key that is made at installation.

`recorder.evidence.algorithms` has the kinds of keys. The public keys lie in the archive itself, named by their own
hash, so that an archive and one trusted public key are enough to check it anywhere. Blocks; for worker threads."""

import base64
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from broker.kernel import atomic_files, canonical_json
from recorder.evidence.algorithms import PRIVATE, Ed25519Signer, KeyProblem, PublicKey, Signer, scheme, schemes

__all__ = ["PRIVATE", "Ed25519Signer", "KeyProblem", "PublicKey", "Signer"]
DEFAULT = "Ed25519"
PUBLIC_FOLDER, TRUSTED = ".keys", "trusted"
SIGNATURE = "signature"


class Keys:
    """The public keys that are trusted, by id."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self.by_id = {key.id: key for key in keys}

    def vouch(self, value: Mapping[str, Any]) -> str:
        """Return why the signature inside `value` proves nothing; empty where it is genuine."""
        signature = value.get(SIGNATURE)
        if not isinstance(signature, dict) or not isinstance(signature.get("algorithm"), str):
            return "not signed"
        if set(signature) != {"algorithm", "key", "value"}:
            return "the signature has members that are not signed"
        key = self.by_id.get(str(signature["key"]))
        if key is None:
            return f"signed by an unknown key ({signature['algorithm']} {signature['key']})"
        if key.algorithm != signature["algorithm"]:
            return f"signed by {signature['algorithm']} with a key of {key.algorithm}"
        try:
            decoded = base64.b64decode(str(signature["value"]), validate=True)
            if base64.b64encode(decoded).decode() != signature["value"]:  # the last letter of Base64 has unused bits
                return "the signature is spelled differently than it was written"
            right = key.verify(decoded, signed_bytes(value))
        except ValueError:
            right = False
        return "" if right else "the signature does not match"


def sign(value: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """Return `value` with a signature of all its other members."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    signature, public = base64.b64encode(signer.sign(signed_bytes(bare))).decode(), signer.public
    return {**bare, SIGNATURE: {"algorithm": public.algorithm, "key": public.id, "value": signature}}


def signed_bytes(value: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: canonical JSON without the signature."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    return canonical_json.sorted_utf8(bare)


def installed(folder: Path, archive: Path, algorithm: str = DEFAULT) -> Signer:
    """Return the installation's private key, made on first use, and publish its public half. Raises KeyProblem."""
    signer = scheme(algorithm).signer(folder)
    _publish(signer.public, archive / PUBLIC_FOLDER)
    return signer


def trusted(folder: Path, algorithm: str = DEFAULT) -> Keys:
    """Return the keys that an installation trusts: its own, and earlier ones whose public halves lie in `trusted`.

    Raises KeyProblem, also where the private key is not readable.
    """
    earlier = sorted((folder / TRUSTED).glob("*.pem"))
    return Keys([scheme(algorithm).own(folder), *(public_key(path) for path in earlier)])


def beside(archive: Path) -> Keys:
    """Return the keys in an archive. They prove that it is consistent; its origin is proved only by a key from
    elsewhere. Raises KeyProblem."""
    return Keys(published_key(path) for path in published(archive))


def published(archive: Path) -> list[Path]:
    """Return the files in an archive that should hold keys."""
    folder = archive / PUBLIC_FOLDER
    return sorted(folder.glob("*.pem")) if folder.is_dir() else []


def published_key(path: Path) -> PublicKey:
    """Return a key in an archive. Raises KeyProblem where its name or its bytes are not as they were published."""
    key = public_key(path)
    if key.id != path.stem:
        raise KeyProblem(f"{path} does not hold the key of its name")
    if path.read_bytes() != key.pem():
        raise KeyProblem(f"{path} is not the key as it was published")
    return key


def public_key(path: Path) -> PublicKey:
    """Return the public key in a file, of any installed kind. Raises KeyProblem."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyProblem(f"{path}: {error}") from error
    for kind in schemes().values():
        key = kind.load(data)
        if key is not None:
            return key
    raise KeyProblem(f"{path} holds no key of an installed kind ({', '.join(sorted(schemes()))})")


def _publish(key: PublicKey, folder: Path) -> None:
    path = folder / f"{key.id}.pem"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(key.pem())
    fresh.chmod(0o444)
    fresh.replace(path)
    atomic_files.sync_folder(folder)
