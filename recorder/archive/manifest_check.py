"""The check of a manifest's members before any of them is used: the verifier reads files that may have been changed
by an attacker. Beside it the check of a policy pack's text against the hash that the manifest names: where they agree,
the rules by which the visit was supervised are proved. Pure."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeGuard

_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{64}")
FROZEN_PACK = "frozen_pack"
"""Kind of the damage where the text of a pack is not the one that was frozen."""
PACK_DIFFERS = "规则包文本与冻结的散列不符: the text of the pack has another hash than the one that was frozen"


def malformed_member(written: Mapping[str, Any]) -> str:
    """Return which member is missing or not of its type, as a sentence; empty where all members are right."""
    for name, right in _MEMBERS.items():
        if not right(written.get(name)):
            return f"{name} is missing or malformed"
    return ""


def frozen_hash(written: Mapping[str, Any]) -> str:
    """Return the hash of the pack that a manifest names; empty where it names none, as in former versions."""
    policy = written.get("policy")
    named = policy.get("sha256") if isinstance(policy, dict) else None
    return named if isinstance(named, str) and is_hash(named) else ""


def pack_differs(text: bytes, sha256: str) -> bool:
    """Whether a pack's one spelling is not the one that was hashed. Where no hash was frozen, nothing can differ."""
    return bool(sha256) and hashlib.sha256(text).hexdigest() != sha256


def has_files(written: Mapping[str, Any]) -> bool:
    """Whether the manifest or seal lists files with their hashes."""
    return _files(written.get("files"))


def is_moment(value: Any) -> bool:
    """Whether the value is an ISO 8601 moment with its time zone."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def is_site(value: Any) -> TypeGuard[str]:
    """Whether the value can be the id of a site, and so the name of its folder."""
    return _matches(_SITE, value)


def is_hash(value: Any) -> bool:
    """Whether the value is a SHA-256 or SM3 in hex."""
    return _matches(_HASH, value)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _facts(value: Any) -> bool:
    """Whether the value has the hashes and the size of a file."""
    if not isinstance(value, dict) or not set(value) <= {"sha256", "bytes", "sm3"}:
        return False
    return is_hash(value.get("sha256")) and _count(value.get("bytes")) and is_hash(value.get("sm3", "0" * 64))


def _files(value: Any) -> bool:
    return isinstance(value, dict) and all(_matches(_FILE, name) and _facts(facts) for name, facts in value.items())


def _chain(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or not is_hash(value.get("head")):
        return False
    return all(_count(value.get(name)) for name in ("start", "end"))


def _tracks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(track, dict) and "seconds" in track for track in value)


def _list(value: Any) -> bool:
    return isinstance(value, list)


_MEMBERS: dict[str, Callable[[Any], bool]] = {
    "session": lambda value: _matches(_SESSION, value),
    "site": is_site,
    "files": _files,
    "chain": _chain,
    "tracks": _tracks,
    "gaps": _list,
    "parts": _list,
    "rules": lambda value: value is None or isinstance(value, dict),
    "policy": lambda value: isinstance(value, dict) and is_hash(value.get("sha256") or "0" * 64),
    "started_at": is_moment,
    "ended_at": is_moment,
    "due_at": lambda value: value is None or is_moment(value),
    "previous": lambda value: value is None or isinstance(value, dict),
}
