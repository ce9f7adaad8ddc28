"""The frames between processes, pure: one JSON object a line, a limit on its length, a version in the greeting."""

import json
from typing import Any

PROTOCOL = 2
"""Raised with every change of meaning: 2 has `extend`, and the first crossing in a lease."""
MAX_LINE = 256 * 1024


class WireError(Exception):
    """The other end sent something that is not a frame of this protocol; the connection is closed."""


def encode(frame: dict[str, Any]) -> bytes:
    """One frame as a line."""
    text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair is legal in the JSON that pages send us; json.loads reads back what this writes.
    line = text.encode("utf-8", "surrogatepass") + b"\n"
    if len(line) > MAX_LINE:
        raise WireError(f"a frame of {len(line)} bytes is over the limit of {MAX_LINE}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """The frame of a line. Raises WireError on anything but a JSON object."""
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError("not JSON, or too deep") from error
    if not isinstance(frame, dict):
        raise WireError("not an object")
    return frame


def hello(role: str, version: str, pid: int) -> dict[str, Any]:
    """The first frame of either end."""
    return {"hello": role, "protocol": PROTOCOL, "version": version, "pid": pid}


def check_hello(frame: dict[str, Any], role: str) -> None:
    """Raise WireError unless the other end is a `role` speaking this protocol."""
    if frame.get("protocol") != PROTOCOL:
        raise WireError(f"protocol {frame.get('protocol')!r}, expected {PROTOCOL}")
    if frame.get("hello") != role:
        raise WireError(f"a {frame.get('hello')!r} answered where a {role!r} was expected")
