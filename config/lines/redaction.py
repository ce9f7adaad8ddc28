"""Values in the lines of a log, pure: what tells of a person or opens a door is left out, whatever the code has put
there. It is the second net; the first is that lines are given ids and numbers only.

The net works on values, so that it costs nothing where no line is written."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any

from config.lines.records import word_of

HIDDEN = "***"
LONGEST = 300
"""Characters of one value, and members of one list."""
_READ = 2000
"""Characters of a value that are looked at: a secret that is cut off before its end would no longer be recognized."""
_DEEPEST = 3
_ID_NUMBERS = range(10**17, 10**18)
HIDDEN_KEYS = frozenset(
    {
        *("name", "names", "person_name", "phone", "address", "address_of_person", "addresses", "remote", "peer", "ip"),
        *("host", "id_number", "identity", "token", "tokens", "cookie", "cookies", "authorization", "password"),
        *("secret", "headers", "header", "body", "request", "url", "sdp", "offer", "text"),
    }
)
"""Members whose value is never written."""

_NET = re.compile(
    r"""
    (?i:authorization|cookie)["']?\s*[:=].*                # a header with all that follows
    | (?i:bearer)\s+\S+
    | (?:usr|trm|trs|key|obs|inv|drl)_(?![a-z2-7]{26}\b)[A-Za-z0-9_-]{12,}   # a token, and not the id of its holder
    | [2-9A-HJKMNP-Z]{4}(?:-[2-9A-HJKMNP-Z]{4}){3}         # a code by which a terminal is enrolled
    | (?i:huijian[a-z_-]*)=[^\s;,]+                        # a cookie
    | (?<=://)[^/\s@]*@                                    # the password in an address
    | (?<!\d)\d{17}[\dXx](?!\d)                           # a resident identity number
    | (?<![0-9A-Fa-f.])1[3-9]\d{9}(?![0-9A-Fa-f.])         # a mobile telephone
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                         # electronic mail
    | [^\x00-\x7f]+                                       # people's names; ids are ASCII
    """,
    re.VERBOSE,
)
"""No alternative asks for a boundary of words before it: in the text of an object `\\n` may stand there."""
_ADDRESSES = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d)|(?<![0-9A-Fa-f:.])[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
)


def redacted(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a line with what must not be in a log replaced by `***`."""
    return {key: HIDDEN if key.lower() in HIDDEN_KEYS else value_of(value) for key, value in event.items()}


def value_of(value: Any, depth: int = 0) -> Any:
    """Return a value as it may be written: a number, a short text, or a list or mapping of them. Of other objects only
    the name of the type is left, because their text may quote anything."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return HIDDEN if value in _ID_NUMBERS else value
    if isinstance(value, str | PurePath):
        return text_of(str(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, BaseException):
        return text_of(word_of(value))
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {text_of(str(key)): HIDDEN if str(key).lower() in HIDDEN_KEYS else value_of(inner, depth + 1)
                for key, inner in list(value.items())[:LONGEST]}  # fmt: skip
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [value_of(inner, depth + 1) for inner in list(value)[:LONGEST]]
    return type(value).__name__


def text_of(text: str) -> str:
    """Return a text as it may be written, cut after `LONGEST` characters."""
    read = _ADDRESSES.sub(_address, _NET.sub(HIDDEN, text[:_READ]))
    return read if len(read) <= LONGEST else read[:LONGEST] + "…"


def _address(found: re.Match[str]) -> str:
    """Leave what only looks like an address, and those that are the same on every machine."""
    try:
        parsed = ip_address(found[0].rstrip("."))
    except ValueError:
        return found[0]
    return found[0] if parsed.is_loopback or parsed.is_unspecified else HIDDEN
