"""Who vouches for a recording: a key made at installation signs each manifest and each line of a site's chain.

`recorder.evidence.algorithms` knows the kinds of keys. The public halves lie in the archive itself, named by their own
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
    """The public keys that are believed, by name."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self.known = {key.id: key for key in keys}

    def vouch(self, value: Mapping[str, Any]) -> str:
        """Why the signature inside `value` proves nothing; empty where it does."""
        said = value.get(SIGNATURE)
        if not isinstance(said, dict) or not isinstance(said.get("algorithm"), str):
            return "it is not signed"
        if set(said) != {"algorithm", "key", "value"}:
            return "the signature has members that nobody signed"
        key = self.known.get(str(said["key"]))
        if key is None:
            return f"signed by a key that is not known here ({said['algorithm']} {said['key']})"
        if key.algorithm != said["algorithm"]:
            return f"signed by {said['algorithm']} with a key of {key.algorithm}"
        try:
            mark = base64.b64decode(str(said["value"]), validate=True)
            if base64.b64encode(mark).decode() != said["value"]:  # its last letter has bits that mean nothing
                return "the signature is not spelled as it was written"
            right = key.verify(mark, covered(value))
        except ValueError:
            right = False
        return "" if right else "the signature does not fit"


def sign(value: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """`value` with the signature of everything else in it."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    mark, public = base64.b64encode(signer.sign(covered(bare))).decode(), signer.public
    return {**bare, SIGNATURE: {"algorithm": public.algorithm, "key": public.id, "value": mark}}


def covered(value: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: canonical JSON without the signature."""
    bare = {key: inner for key, inner in value.items() if key != SIGNATURE}
    return canonical_json.sorted_utf8(bare)


def installed(folder: Path, archive: Path, algorithm: str = DEFAULT) -> Signer:
    """The installation's signer; made on first use, its public half put into the archive. Raises KeyProblem."""
    signer = scheme(algorithm).signer(folder)
    _publish(signer.public, archive / PUBLIC_FOLDER)
    return signer


def trusted(folder: Path, algorithm: str = DEFAULT) -> Keys:
    """The keys that an installation believes: its own, and earlier ones whose public halves lie in `trusted`.

    Raises KeyProblem, also where the private key is not ours to read.
    """
    earlier = sorted((folder / TRUSTED).glob("*.pem"))
    return Keys([scheme(algorithm).own(folder), *(public_key(path) for path in earlier)])


def beside(archive: Path) -> Keys:
    """The keys that lie in an archive. They prove that it is of one piece; who made it, only a key from elsewhere.
    Raises KeyProblem."""
    return Keys(published_key(path) for path in published(archive))


def published(archive: Path) -> list[Path]:
    """The files in an archive that should hold keys."""
    folder = archive / PUBLIC_FOLDER
    return sorted(folder.glob("*.pem")) if folder.is_dir() else []


def published_key(path: Path) -> PublicKey:
    """A key that lies in an archive, byte for byte as it was put there under its own name. Raises KeyProblem."""
    key = public_key(path)
    if key.id != path.stem:
        raise KeyProblem(f"{path} is not the key it is named after")
    if path.read_bytes() != key.pem():
        raise KeyProblem(f"{path} is not spelled as it was written")
    return key


def public_key(path: Path) -> PublicKey:
    """A public key of any kind that is installed. Raises KeyProblem."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyProblem(f"{path}: {error}") from error
    for kind in schemes().values():
        key = kind.load(data)
        if key is not None:
            return key
    raise KeyProblem(f"{path} is no key of a kind that is known here ({', '.join(sorted(schemes()))})")


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
