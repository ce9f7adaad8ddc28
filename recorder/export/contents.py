"""The contents of an export package: the names in it, the order by which it is made, and its signed index. A package
has a small archive (`archive/`) that `huijian verify` checks like any other, and copies beside it. The index lists all
files with their hashes, so that a package in which anything was changed, added or left out is found. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from broker.kernel.hash_chain import digest
from recorder.archive.manifest import software
from recorder.archive.manifest_check import is_hash, is_moment
from recorder.evidence.signing import Signer, sign

FORMAT = 1
"""Number of the format of packages."""
ARCHIVE, KEYS = "archive", "keys"
INDEX, COVER, PAGE, HEADS = "export.json", "cover.pdf", "verify.html", "heads.txt"
VIEW, EVENTS, EVENTS_PAGE = "view.mp4", "timeline.json", "timeline.html"
PACK = "pack.json"
"""The policy pack that the session froze, in its one spelling, whose hash the manifest names."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,7}")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Person(msgspec.Struct, frozen=True):
    """An officer who had a part in an export, by account and name."""

    id: str
    name: str


class Participant(msgspec.Struct, frozen=True):
    """A person of the visit as the slot names them. `side`: prison or visitor."""

    id: str
    name: str
    side: str
    relation: str = ""


class Order(msgspec.Struct, frozen=True):
    """What one package is made of, for whom and on whose word. Paths are absolute but for `recording`, the folder in
    the archive; moments are ISO 8601; `signed`: the visit was in sign language, in which silence needs no excuse;
    `pack`: the text of the policy pack that the session froze, empty where it is not known."""

    export: str
    session: str
    site: str
    recording: str
    archive_dir: str
    keys_dir: str
    signing: str
    target: str
    reason: str
    receiver: str
    requested_by: Person
    approved_by: Person
    made_at: str
    expires_at: str
    reserve: int = 0
    people: tuple[Participant, ...] = ()
    signed: bool = False
    pack: str = ""


class Packed(msgspec.Struct, frozen=True):
    """The finished package: its size and hash, and whether the recording was sound when it was packed."""

    bytes: int
    sha256: str
    sound: bool


def folder_name(session: str) -> str:
    """Return the name of the only folder in a package."""
    return f"huijian-{session}"


def index(
    order: Order,
    files: Mapping[str, Mapping[str, Any]],
    chain: Mapping[str, Any],
    manifest: bytes,
    damages: list[dict[str, Any]],
    signer: Signer,
) -> dict[str, Any]:
    """Return the signed index of a package. `files`: facts by path in the package; `chain`: what `chain_part` says of
    its part; `damages`: what the verifier found in the recording before it was packed."""
    value = {
        "kind": "export",
        "format": FORMAT,
        "software": software(),
        **{name: getattr(order, name) for name in ("export", "session", "site", "reason", "receiver")},
        **{name: msgspec.to_builtins(getattr(order, name)) for name in ("requested_by", "approved_by")},
        "made_at": order.made_at,
        "expires_at": order.expires_at,
        "recording": order.recording,
        "manifest": digest(manifest),
        "chain": dict(chain),
        "damages": damages,
        "files": {name: dict(facts) for name, facts in files.items()},
    }
    return sign(value, signer)


def malformed_member(written: Mapping[str, Any]) -> str:
    """Return which member of an index is missing or not of its type, as a sentence; empty where all are right."""
    for name, right in _MEMBERS.items():
        if not right(written.get(name)):
            return f"{name} is missing or malformed"
    return ""


def moment(value: Any) -> datetime | None:
    """Return a moment that is written in ISO 8601 with its zone, None for anything else."""
    return datetime.fromisoformat(value) if is_moment(value) else None


def _files(value: Any) -> bool:
    return isinstance(value, dict) and all(is_path(name) and _facts(facts) for name, facts in value.items())


def _facts(value: Any) -> bool:
    return isinstance(value, dict) and is_hash(value.get("sha256")) and _count(value.get("bytes"))


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _chain(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("complete"), bool):
        return False
    return is_hash(value.get("end")) and all(_count(value.get(name)) for name in ("first", "lines"))


def is_path(value: Any) -> bool:
    """Whether the value can be the path of a file in a package."""
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


_MEMBERS = {
    "kind": lambda value: value == "export",
    "format": _count,
    "export": lambda value: isinstance(value, str) and _ID.fullmatch(value) is not None,
    "session": lambda value: isinstance(value, str),
    "site": lambda value: isinstance(value, str),
    "recording": is_path,
    "manifest": is_hash,
    "made_at": is_moment,
    "chain": _chain,
    "damages": lambda value: isinstance(value, list),
    "files": _files,
}
