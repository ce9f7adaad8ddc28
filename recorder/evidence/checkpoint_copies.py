"""Copies of the journal's checkpoints in places of the operator's choice, where a hand on this machine cannot take them
back: a file that only grows (on another machine's disk, or marked append-only), or a syslog server (RFC 5424, over a
unix socket, UDP or TCP). A copy that fails is tried again and delays nothing. Blocks; for worker threads."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker.kernel import atomic_files
from broker.kernel.clock import Clock
from config.network import CopyPlace, copy_place
from recorder.evidence.checkpoints import Checkpoint, CheckpointChain, checkpoint_in

SECONDS = 5.0  # for a syslog server that does not answer
_AUDIT_NOTICE = 13 * 8 + 5  # facility "log audit", severity "notice" (RFC 5424, 6.2.1)
_TAIL = 1 << 16


class CopyDiffers(Exception):
    """The copy ends in a checkpoint that the archive does not hold."""


class FileCopy:
    """A copy in a file, which is only appended to. It brings itself up to date from the archive."""

    def __init__(self, path: Path, chain: CheckpointChain) -> None:
        self._path, self._chain = path, chain
        self._sent = 0

    def deliver(self) -> int:
        """Append what is missing and wait for the disk; return the number of its newest checkpoint. Raises OSError, and
        CopyDiffers after appending what is new since the start."""
        last = self._last()
        ours = last is None or self._holds(last)
        number = max(self._sent, last.number if last is not None and ours else self._sent)
        if not ours and not self._sent:
            number = max(0, (self._chain.last() or last or _NONE).number - 1)  # the newest one covers all before
        lines = self._chain.lines_after(number)
        if lines:
            self._append(lines)
            self._sent = checkpoint_in(lines[-1]).number
        if not ours:
            raise CopyDiffers()
        return max(number, self._sent)

    def _holds(self, last: Checkpoint) -> bool:
        """Whether the archive has this checkpoint."""
        found = self._chain.lines_after(last.number - 1)
        return bool(found) and checkpoint_in(found[0]).digest == last.digest

    def _append(self, lines: list[bytes]) -> None:
        new = not self._path.exists()
        with self._path.open("ab") as file:  # never truncated: it may be marked append-only
            before = b"\n" if self._torn() else b""
            file.write(before + b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if new:
            self._path.chmod(0o640)
            atomic_files.sync_folder(self._path.parent)

    def _torn(self) -> bool:
        end = self._end()
        return bool(end) and not end.endswith(b"\n")

    def _last(self) -> Checkpoint | None:
        for line in reversed(self._end().split(b"\n")):
            try:
                return checkpoint_in(line)
            except ValueError:
                continue  # the end of a line that a full disk has cut off
        return None

    def _end(self) -> bytes:
        if not self._path.exists():
            return b""
        with self._path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return file.read()


class SyslogCopy:
    """A copy on a syslog server. The newest checkpoint is sent again at each start: it covers all before it."""

    def __init__(self, place: CopyPlace, chain: CheckpointChain, clock: Clock) -> None:
        self._place, self._chain, self._clock = place, chain, clock
        last = chain.last()
        self._sent = last.number - 1 if last is not None else 0

    def deliver(self) -> int:
        """Send what is new; return the number of the newest checkpoint that was sent. Raises OSError."""
        lines = self._chain.lines_after(self._sent)
        if lines:
            with self._connected() as server:
                for line in lines:
                    message = self._message(line)
                    # RFC 6587, 3.4.1: over TCP the length stands before each message
                    server.sendall(b"%d %b" % (len(message), message) if self._place.kind == "tcp" else message)
                    self._sent = checkpoint_in(line).number
        return self._sent

    def _connected(self) -> socket.socket:
        if self._place.kind == "tcp":
            return socket.create_connection((self._place.host, self._place.port), SECONDS)
        address: Any = self._place.path
        family = socket.AF_UNIX
        if self._place.kind == "udp":
            family, *_, address = socket.getaddrinfo(self._place.host, self._place.port, type=socket.SOCK_DGRAM)[0]
        server = socket.socket(family, socket.SOCK_DGRAM)
        try:
            server.settimeout(SECONDS)
            server.connect(address)
        except OSError:
            server.close()
            raise
        return server

    def _message(self, line: bytes) -> bytes:
        at = self._clock.now().wall.isoformat(timespec="milliseconds")
        head = f"<{_AUDIT_NOTICE}>1 {at} {socket.gethostname() or '-'} huijian {os.getpid()} checkpoint - "
        return head.encode("ascii", "replace") + line


_NONE = Checkpoint(0, 0, "", "", "", "", "")


def copies(places: tuple[str, ...], chain: CheckpointChain, clock: Clock) -> dict[str, Callable[[], int]]:
    """Return for each place how to deliver there, by the number of the place. Raises ValueError for what is none."""
    made: dict[str, Callable[[], int]] = {}
    for number, text in enumerate(places, 1):
        place = copy_place(text)
        copy = FileCopy(Path(place.path), chain) if place.kind == "file" else SyslogCopy(place, chain, clock)
        made[str(number)] = copy.deliver
    return made
