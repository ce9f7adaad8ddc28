"""Errors and the lines of other people's libraries, as they may stand in a log: types and places in the code, and no
text that was made of data. The message of an exception quotes what was sent (the parser of HTTP prints the whole line,
with the token in it), and a library's line does so, too."""

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

OWN = frozenset({"config", "broker", "recorder", "signaling", "kiosk_agent", "huijian", "__main__"})
"""Packages whose lines are written by us, with ids only; a test reads them."""
_PLACES = 8  # of the innermost calls
_CAUSES = 3
_CALLERS = 30  # frames between a library's call and this module: its own wrappers, and those of `logging`
_ASYNCIO = (
    "Task exception was never retrieved",
    "Future exception was never retrieved",
    "Task was destroyed but it is pending",
    "Exception in callback",
    "Fatal read error on socket transport",
    "Fatal write error on socket transport",
    "Fatal error on transport",
    "SSL handshake failed",
    "SSL error in data received",
    "SSL connection is closed",
    "socket.send() raised exception.",
    "socket.accept() out of system resource",
    "Unclosed client session",
    "Unclosed connection",
    "Unclosed connector",
    "Unhandled exception in client_connected_cb",
    "an error occurred during closing of asynchronous generator",
)
"""What the event loop says before it quotes objects."""


def word_of(error: BaseException) -> str:
    """Return what may be said of an error: its code, the system's word for it, or its text where it was written for
    operators (`for_operators`) from what they have set; of any other one its type."""
    name = type(error).__name__
    if getattr(error, "for_operators", False):
        return str(error)
    code = getattr(error, "code", None)
    if isinstance(code, str) and code.isidentifier():
        return code
    return f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else name


def of_error(error: BaseException) -> dict[str, Any]:
    """Return the members of a line that tell of an error: its type, where it was raised, and what caused it."""
    members: dict[str, Any] = {"error": type(error).__name__, "lines": places(error)}
    causes = [f"{type(cause).__name__} {' '.join(places(cause)[-1:])}".strip() for cause in _causes(error)]
    return {**members, "causes": causes} if causes else members


def places(error: BaseException) -> list[str]:
    """Return where an error was raised: files and lines of the innermost calls, the innermost last."""
    found = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    return [place(frame.filename, frame.lineno or 0) for frame in found]


def place(file: str, line: int) -> str:
    """Return a place in the code: the file with its folder, and the line."""
    return f"{'/'.join(PurePath(file).parts[-2:])}:{line}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what an error came of, and the first members of a group, not endlessly."""
    seen = {id(error)}
    inner = list(error.exceptions[:_CAUSES]) if isinstance(error, BaseExceptionGroup) else []
    yield from inner
    for _ in range(_CAUSES):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen:
            return
        seen.add(id(cause))
        yield cause
        error = cause


def members_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the members of the line that a record of `logging` becomes. Of other people's libraries there are logger
    and place, and the text where it is a literal of their code; never its arguments."""
    if record.name.partition(".")[0] in OWN:
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        members = {"event": str(record.msg), **extra}
    else:
        members = {"event": _literal(record), "logger": record.name, "place": place(record.pathname, record.lineno)}
    error = record.exc_info[1] if record.exc_info else None
    return {**members, **of_error(error)} if error is not None else members


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _literal(record: logging.LogRecord) -> str:
    text = record.msg if isinstance(record.msg, str) else ""
    if record.name == "asyncio":
        return next((known for known in _ASYNCIO if text.startswith(known)), "the event loop reports an error")
    frame: FrameType | None = sys._getframe()
    for _ in range(_CALLERS):
        if frame is None:
            break
        if text in frame.f_code.co_consts and frame.f_globals.get("__name__") != __name__:
            return text
        frame = frame.f_back
    return "a library reports"
