"""Export packages for tests: the order for a small recording, the package that it leads to, and packages that were
signed again."""

import json
import zipfile
from pathlib import Path
from typing import Any

from broker.kernel import atomic_files
from broker.kernel.canonical_json import sorted_utf8
from broker.kernel.hash_chain import digest
from recorder.archive.manifest import file_facts
from recorder.evidence.signing import Signer, sign
from recorder.export.build import build
from recorder.export.contents import Order, Participant, Person, folder_name
from recorder.retention.removal import folder_of

RECEIVER = "昆明市中级人民法院"


def order_of(root: Path, done: dict[str, Any], target: Path, **changes: Any) -> Order:
    """Return the order for a recording. `done`: what archiving it has returned."""
    values: dict[str, Any] = {
        "export": "exp_1",
        "session": done["session"],
        "site": done["site"],
        "recording": str(folder_of(done["path"], done["session"])),
        "archive_dir": str(root),
        "keys_dir": str(root.parent / "keys"),
        "signing": "Ed25519",
        "target": str(target),
        "reason": "庭审举证，案号 2026-114",
        "receiver": RECEIVER,
        "requested_by": Person("shen", "沈某"),
        "approved_by": Person("bai", "白某"),
        "made_at": "2026-12-01T09:00:00+08:00",
        "expires_at": "2026-12-08T09:00:00+08:00",
        "people": (Participant("prs_a", "甲某", "prison"), Participant("prs_b", "乙某", "visitor", "妻子")),
    }
    return Order(**{**values, **changes})


def unpacked(order: Order, place: Path) -> Path:
    """Make the package of an order, unpack it into `place`, and return its folder."""
    build(order, lambda _: None)
    with zipfile.ZipFile(order.target) as file:
        file.extractall(place)
    folder = place / folder_name(order.session)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def recording(package: Path) -> Path:
    """Return the folder of the recording in a package."""
    return next(package.glob("archive/*/*/*/*/*"))


def sign_again(package: Path, signer: Signer, **manifest: Any) -> None:
    """Sign everything in a package anew, so that all of it fits, with changed members of the manifest."""
    (package / "keys" / f"{signer.public.id}.pem").write_bytes(signer.public.pem())
    path = recording(package) / "manifest.json"
    written = atomic_files.read_json(path) or {}
    atomic_files.write_json(path, sign({**written, **manifest}, signer))
    chain, lines = next(package.glob("archive/*/chain.jsonl")), []
    for line in chain.read_bytes().splitlines():
        value = json.loads(line)
        if lines:
            value["before"] = digest(lines[-1])
        if value["session"] == written["session"]:
            value["manifest"] = file_facts(path)["sha256"]
        lines.append(sorted_utf8(sign(value, signer)))
    chain.write_bytes(b"".join(line + b"\n" for line in lines))
    list_again(package, signer, digest(lines[-1]))


def list_again(package: Path, signer: Signer, end: str = "") -> None:
    """Write the index of a package anew, by the files that it has. `end`: the end of its chain, where that is another
    one now."""
    index = atomic_files.read_json(package / "export.json") or {}
    paths = [path for path in package.rglob("*") if path.is_file() and path.name != "export.json"]
    files = {path.relative_to(package).as_posix(): file_facts(path) for path in paths}
    chain = {**index["chain"], "end": end or index["chain"]["end"]}
    manifest = file_facts(recording(package) / "manifest.json")["sha256"]
    index |= {"files": files, "chain": chain, "manifest": manifest}
    atomic_files.write_json(package / "export.json", sign(index, signer))


def with_entries(source: Path, target: Path, *names: str) -> Path:
    """Write a copy of a ZIP that has further entries."""
    target.write_bytes(source.read_bytes())
    with zipfile.ZipFile(target, "a") as file:
        for name in names:
            file.writestr(name, b"other")
    return target
