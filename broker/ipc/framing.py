"""The frames between processes: one JSON object a line, a limit on its length, a version in the greeting."""

import json
import os
from importlib.metadata import version
from typing import Any, TypeVar, cast

from msgspec import Struct, ValidationError, convert, to_builtins

PROTOCOL = 3
"""Raised with every change of meaning. 3: typed messages, named by their `type`."""
MAX_LINE = 256 * 1024
JsonObject = dict[str, object]
"""Content that other documents define: a problem document (RFC 9457), an event of timeline.jsonl."""
T = TypeVar("T")


class WireError(Exception):
    """The other end sent something that is not a frame of this protocol; the connection is closed."""


class Frame(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="frame", tag=str.lower):
    """Base of what may stand on one line; its `frame` member names the class."""


class Greeting(Frame, frozen=True):
    """The first frame of either end."""

    role: str
    protocol: int
    version: str
    pid: int


class Request(Frame, frozen=True):
    """A command; with number 0 its reply is not wanted."""

    number: int
    command: Any


class Reply(Frame, frozen=True):
    """The reply to the request of that number."""

    number: int
    reply: Any


class Refusal(Frame, frozen=True):
    """A problem document (RFC 9457) in place of a reply."""

    number: int
    problem: JsonObject


class News(Frame, frozen=True):
    """A fact, which is sent without a request."""

    fact: Any


FromServer = Reply | Refusal | News


def encode(frame: Frame) -> bytes:
    """Return a frame as a line. Raises WireError when it is too long."""
    text = json.dumps(to_builtins(frame), ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair is legal in the JSON that pages send; json.loads reads back what this writes.
    line = text.encode("utf-8", "surrogatepass") + b"\n"
    if len(line) > MAX_LINE:
        raise WireError(f"a frame of {len(line)} bytes is over the limit of {MAX_LINE}")
    return line


def decode(line: bytes, expected: type[T]) -> T:
    """Return the frame of a line, with the message in it still undecoded. Raises WireError."""
    return cast(T, _decode(line, expected))


def decode_from_server(line: bytes) -> FromServer:
    """Return what a serving process sent after its greeting. Raises WireError."""
    return cast(FromServer, _decode(line, FromServer))


def _decode(line: bytes, expected: Any) -> object:
    try:
        return convert(json.loads(line), expected)
    except ValidationError as error:
        raise WireError(f"not a frame: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WireError("not JSON, or too deep") from error


def greeting(role: str) -> Greeting:
    """Return the first frame of this process, which has that role."""
    return Greeting(role=role, protocol=PROTOCOL, version=version("huijian"), pid=os.getpid())


def check_greeting(greeting: Greeting, role: str) -> None:
    """Raise WireError unless the other end is a `role` that speaks this protocol."""
    if greeting.protocol != PROTOCOL:
        raise WireError(f"protocol {greeting.protocol}, expected {PROTOCOL}")
    if greeting.role != role:
        raise WireError(f"a {greeting.role!r} answered where a {role!r} was expected")
