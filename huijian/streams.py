"""Standard output, standard error and standard input of a command, on machines of any locale.

A character that the terminal's encoding lacks is printed as an escape. Once a command has taken effect, an answer that
cannot be printed any more (a full disk, a reader that has gone) does not make it a failure: a person who runs it again
because of that would do it twice. Such a command says so on standard error and keeps its exit code."""

import io
import locale
import os
import sys
from typing import Any


class _Effect:
    """Whether this process has changed something that stays."""

    taken = False


class Descriptor(io.RawIOBase):
    """A file descriptor to write to, which keeps its first error in `failure`. Later writes are dropped, and so are all
    after an error once the command has taken effect, or where `forgiving`; otherwise the error is raised once."""

    def __init__(self, descriptor: int, forgiving: bool) -> None:
        self._descriptor, self._forgiving = descriptor, forgiving
        self.failure: OSError | None = None

    def fileno(self) -> int:
        """Return the descriptor that it writes to."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Whether it takes bytes: always."""
        return True

    def write(self, data: Any) -> int:
        """Write some of `data`; return how many bytes were taken."""
        if self.failure is None:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                self.failure = error
                if not (_Effect.taken or self._forgiving):
                    raise
        return len(data)


def took_effect() -> None:
    """Note that the command has changed something: from now on its answer is only an answer."""
    _Effect.taken = True


def has_effect() -> bool:
    """Whether the command has changed something."""
    return _Effect.taken


def prepare() -> Descriptor:
    """Replace standard output and standard error by ones that take every text; return the former's descriptor."""
    out = _replace("stdout", forgiving=False)
    _replace("stderr", forgiving=True)
    return out


def encodable(text: str) -> bool:
    """Whether standard output can print the text as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_input(first_line: bool = False) -> str:
    """Return standard input, or its first line without its end. Raises ValueError where it is not text."""
    source = getattr(sys.stdin, "buffer", sys.stdin)
    if source is None:
        return ""
    data = source.readline() if first_line else source.read()
    text = data if isinstance(data, str) else decoded(data)
    return text.rstrip("\r\n") if first_line else text


def decoded(data: bytes) -> str:
    """Return the text in some bytes: UTF-8, as files and other programs have it, else as this terminal types it.
    Raises ValueError where it is neither."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(locale.getpreferredencoding(False))


def _replace(name: str, forgiving: bool) -> Descriptor:
    stream = getattr(sys, name)
    if stream is None:  # it was closed before the command began
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # it lives as long as the process
    stream.flush()
    raw = Descriptor(stream.fileno(), forgiving)
    buffered = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=forgiving or raw.isatty(),
        write_through=forgiving,
    )
    setattr(sys, name, buffered)
    return raw
