"""The file that the muxer writes into. Every byte passes through it, so that every fragment can be hashed into a chain
and synced. The chain covers the initial moov and each fragment (moof and mdat): head = SHA-256(head before + SHA-256 of
the fragment). Finishing the file rewrites none of these bytes, so the chain can be computed again from it."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from broker.kernel import hash_chain

START = hashlib.sha256(b"huijian fragments 1").digest()
CHUNK = 1 << 20  # bytes that are read or written at a time where there are many


class Chain:
    """The chain of one file. It follows appended bytes and links each fragment that becomes complete."""

    def __init__(self) -> None:
        self.head = START
        self.fragments = 0  # without the initial moov
        self.start = self.end = 0  # the bytes of the file that are covered
        self._unit: Any = None
        self._offset = 0
        self._header = b""
        self._left = 0
        self._kind = b""

    def skip(self, count: int) -> None:
        """Skip `count` bytes that are not covered, up to the border of a box."""
        self._offset += count

    def feed(self, data: bytes) -> None:
        """Take in bytes that were appended to the file."""
        view = memoryview(data)
        while view:
            view = self._header_of(view) if self._left == 0 else self._body_of(view)

    def to_json(self) -> dict[str, Any]:
        """Return the chain as the manifest and the part's metadata keep it."""
        return {"head": self.head.hex(), "fragments": self.fragments, "start": self.start, "end": self.end}

    def _header_of(self, view: memoryview) -> memoryview:
        needed = 16 if self._header[:4] == b"\0\0\0\1" and len(self._header) >= 8 else 8
        taken = view[: needed - len(self._header)]
        self._header += taken
        if len(self._header) == needed and not (needed == 8 and self._header[:4] == b"\0\0\0\1"):
            self._open_box(needed)
        return view[len(taken) :]

    def _open_box(self, needed: int) -> None:
        size = int.from_bytes(self._header[:4] if needed == 8 else self._header[8:])
        self._kind, self._left = self._header[4:8], max(size - needed, 0)
        first = self._kind == b"moov" and not self.start  # the index at the end of a finished file is not covered
        if self._kind == b"moof" or first:
            self._unit = hashlib.sha256()
            self.start = self.start or self._offset
        self._pass(self._header)
        self._header = b""
        if self._left == 0:
            self._close_box()

    def _body_of(self, view: memoryview) -> memoryview:
        taken = view[: self._left]
        self._left -= len(taken)
        self._pass(taken)
        if self._left == 0:
            self._close_box()
        return view[len(taken) :]

    def _pass(self, data: bytes | memoryview) -> None:
        self._offset += len(data)
        if self._unit is not None:
            self._unit.update(data)

    def _close_box(self) -> None:
        if self._unit is None or self._kind not in (b"moov", b"mdat"):
            return
        self.head = hash_chain.link(self.head, self._unit.digest())
        self.fragments += self._kind == b"mdat"
        self.end, self._unit = self._offset, None


class FragmentFile:
    """The file of one part, as the muxer sees it. What is appended waits in memory until `flush` hands it to the kernel
    in one piece and links it into the chain: the muxer does not wait for a disk. The caller decides when to `flush` and
    when to `sync`."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.chain = Chain()
        self.size = 0  # with what waits
        self.failed: OSError | None = None
        self._position = 0
        self._waiting: list[bytes] = []
        self._flushed = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, data: Any) -> int:
        """Take `data` at the present position. Raises OSError, from then on at every call."""
        if self.failed is not None:
            raise self.failed  # FFmpeg goes on after an error; a header written then would refer to missing bytes
        if self._position == self.size:
            self._waiting.append(bytes(data))
        else:
            self.sync()  # a header must not reach the disk before the index that it refers to
            self._do(self._put, bytes(data), self._position)
            self._flushed = max(self._flushed, self._position + len(data))
        self._position += len(data)
        self.size = max(self.size, self._position)
        return len(data)

    def flush(self, at_least: int = 1) -> None:
        """Hand what waits to the kernel, where it is `at_least` so many bytes. Raises OSError, from then on at every
        call."""
        if self.failed is not None:
            raise self.failed
        if self._waiting and self.size - self._flushed >= at_least:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._do(self._put, data, self._flushed)
            self._flushed += len(data)
            self.chain.feed(data)

    def _do(self, call: Callable[..., None], *args: Any) -> None:
        """Call what changes the file; once that has failed, nothing is changed any more."""
        try:
            call(*args)
        except OSError as error:
            self.failed = error
            raise

    def _put(self, data: bytes, position: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, position)
            position += written
            view = view[written:]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position, as `io.IOBase.seek` does."""
        base = (0, self._position, self.size)[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the present position in the file."""
        return self._position

    def sync(self) -> None:
        """Wait until the disk has all data. It blocks and is never called in the event loop. Raises OSError, from then
        on at every call."""
        self.flush()
        self._do(os.fdatasync, self._fd)

    def abandon(self) -> None:
        """Close the file without finishing it. What waits is written where the disk still takes it."""
        if self._fd >= 0:
            with suppress(OSError):
                self.flush()
            os.close(self._fd)
            self._fd = -1


def chain_of(path: Path, start: int, end: int) -> Chain:
    """Return the chain of a file's bytes from `start` to `end`, which are those of a chain that was kept while
    writing."""
    chain = Chain()
    chain.skip(start)
    with path.open("rb") as file:
        file.seek(start)
        while (left := end - file.tell()) > 0 and (data := file.read(min(left, CHUNK))):
            chain.feed(data)
    return chain
