"""The keys by which sites witness: one for each site, apart from the key that signs the archive. The private half lies
in `keys/witness/<site>` of the installation, or elsewhere, where an attacker of this machine does not get it; the
public half lies in the archive (`.witness/<site>.pem`) and should be kept elsewhere, too. Blocks."""

import os
from pathlib import Path

from broker.kernel import atomic_files
from recorder.evidence.algorithms import Ed25519
from recorder.evidence.signing import KeyProblem, PublicKey, Signer, public_key

PRIVATE, PUBLIC = "witness", ".witness"
AWAY = "away"
"""File in the folder of a site's private key that says that the key is kept elsewhere: none is made here then."""


def witness_signer(keys_dir: Path, archive: Path, site: str) -> Signer | None:
    """Return the key of a site, made on first use, and publish its public half; None where it is kept elsewhere. Raises
    KeyProblem, also where another key is published already: a key that was exchanged must not go unseen."""
    folder = keys_dir / PRIVATE / site
    if (folder / AWAY).exists():
        return None
    signer = Ed25519().signer(folder)
    published = archive / PUBLIC / f"{site}.pem"
    if not published.exists():
        atomic_files.make_folder(published.parent)
        fresh = published.with_name(f"{published.name}.{os.getpid()}")
        fresh.write_bytes(signer.public.pem())
        fresh.chmod(0o444)
        fresh.replace(published)
        atomic_files.sync_files(published.parent, (published.name,))
    elif public_key(published).id != signer.public.id:
        raise KeyProblem(f"{published} is not the key in {folder}")
    return signer


def witness_keys(folder: Path) -> dict[str, PublicKey]:
    """Return the public keys in a folder, by site. Raises KeyProblem where a file holds none."""
    return {path.stem: public_key(path) for path in sorted(folder.glob("*.pem"))} if folder.is_dir() else {}
