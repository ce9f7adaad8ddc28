"""Logs of every process: lines of one kind on standard error, with ids, numbers and places in the code.

Everything goes through here: structlog, the `logging` of all libraries, warnings, and what ends a thread or the
process. No line holds a request, a header, a token, a cookie, an address or a name; no error is printed with its
message or over several lines; and each call site has so many lines a minute. What is left out is summed up."""

import atexit
import logging
import sys
import threading
import warnings
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from config.lines.rate import CallSites
from config.lines.records import members_of, of_error, place, word_of
from config.lines.redaction import redacted
from config.lines.rotation import RotatingFile

MINUTE = 60.0
Event = MutableMapping[str, Any]
log = structlog.get_logger()


class _Limit:
    """The limit of lines by call site, as a processor of structlog, and the sum of what it has left out."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._sites = seconds, CallSites()
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()  # what Python tidies up in between may have a line to write, too
        self._closed = False

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        if event.pop("_summary", False):
            return event
        if not self._sites.take(_site(event)):
            raise structlog.DropEvent
        with self._lock:
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._seconds, self.end_minute)
                self._timer.daemon = True  # a log does not keep its process alive
                self._timer.start()
        return event

    def end_minute(self) -> None:
        """Write down how many lines of each call site were left out, and begin to count anew."""
        with self._lock:
            self._timer = None
        for site, count in self._sites.close().items():
            log.error("lines left out", site=site, count=count, _summary=True)

    def close(self) -> None:
        """Write down what is left out so far, at the end of the process. From now on no thread is started: one that is
        started while the interpreter ends never runs, and whatever waits for its start waits for ever."""
        with self._lock:
            self._closed, timer = True, self._timer
        if timer is not None:
            timer.cancel()
            self.end_minute()


class _Lines:
    """The end of all lines: streams. Where one does not take them, the process goes on without it."""

    def __init__(self, *streams: TextIO | RotatingFile) -> None:
        self._streams = streams

    def msg(self, line: str) -> None:
        """Write one line to each stream that takes it."""
        for stream in self._streams:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):
                continue  # the reader has gone, or the disk is full, and there is no other place to say so

    debug = info = warning = error = critical = exception = msg


class _Records(logging.Handler):
    """The lines of libraries that speak through `logging`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line; one whose members cannot be read is written by its place."""
        members = members_of(record)
        log.log(max(10, min(50, record.levelno // 10 * 10)), members.pop("event"), **members)


_limit: _Limit | None = None


def configure(level: str, seconds: float = MINUTE, file: RotatingFile | None = None) -> None:
    """Write all that this process logs to standard error from now on, from `level` on, libraries from warnings on, and
    into `file` as well. `seconds` is how long a minute takes."""
    global _limit
    if _limit is None:
        atexit.register(lambda: _limit.close() if _limit is not None else None)
    else:
        _limit.close()
    _limit = _Limit(seconds)
    number = getattr(logging, level.upper(), logging.INFO)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[
            structlog.contextvars.merge_contextvars,
            _limit,
            structlog.processors.add_log_level,
            _explain,
            _redact,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=lambda *_: _Lines(sys.stderr) if file is None else _Lines(sys.stderr, file),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_Records()], force=True)
    logging.getLogger("kiosk_agent").setLevel(number)  # ours, though it speaks through logging
    logging.raiseExceptions = False  # an error of a handler is not printed with its message
    warnings.showwarning = _warn
    sys.excepthook, sys.unraisablehook, threading.excepthook = _end, _unraisable, _end_thread


def _explain(logger: Any, method: str, event: Event) -> Event:
    """Replace an exception by its type and places."""
    found, _ = event.pop("exc_info", None), event.pop("stack_info", None)
    error = found if isinstance(found, BaseException) else found[1] if isinstance(found, tuple) else None
    if error is None and found:
        error = sys.exception()
    if error is not None:
        event.update(of_error(error))
    return event


def _site(event: Event) -> str:
    """Return the name of a line's call site. Errors of different types count apart, where one line tells of all."""
    error, found = event.get("error", ""), event.get("exc_info")
    if isinstance(found, tuple):
        found = found[1]
    kind = type(found).__name__ if isinstance(found, BaseException) else error if isinstance(error, str) else ""
    return " ".join(str(part) for part in (event.get("logger", ""), event.get("event", ""), kind) if part)


def _redact(logger: Any, method: str, event: Event) -> Event:
    return redacted(event)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("a warning of Python", kind=category.__name__, place=place(filename, lineno))


def _end(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Say why the process ends: the one error whose text an operator needs, where it was written for operators."""
    if isinstance(error, KeyboardInterrupt):
        return
    log.critical("the process ends by an error", why=word_of(error), exc_info=error)


def _end_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        log.error("a thread ends by an error", exc_info=ended.exc_value)


def _unraisable(found: Any) -> None:
    log.error("an error that cannot be raised", exc_info=found.exc_value)
