"""Checkpoints of the journal: signed lines that say where its hash chain ended at a moment. The journal's own hashes
can be made anew by a hand that may write the database; a checkpoint cannot, without the key, and a copy of it elsewhere
(`recorder.evidence.checkpoint_copies`) cannot be taken back even with the key.

They are a chain of the installation in the archive, `.journal/checkpoints.jsonl`: each line has a number and the digest
of the line before, and is signed like a line of a site chain. Beside the key lie the id of the installation and where
the chain ended, so that a chain that was removed or cut is noticed here and goes on under the next number. Lines are
appended under a lock: two processes that make one at the same moment make one. Blocks."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from broker.kernel import atomic_files, canonical_json
from broker.kernel.hash_chain import GENESIS, digest
from broker.kernel.ids import new_id
from recorder.archive.manifest_check import is_moment
from recorder.evidence.signing import Signer, sign

FOLDER, NAME = ".journal", "checkpoints.jsonl"
INSTALLATION, KEPT = "installation.json", "checkpoints.json"
KIND = "checkpoint"
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint: the journal's entry `seq` had the hash `head`. `digest` is of its line, which the next one names
    in `before`."""

    number: int
    seq: int
    head: str
    at: str
    installation: str
    before: str
    digest: str


class CheckpointChain:
    """The checkpoints of this installation in the archive under `root`. `keys_dir`: the folder of its key."""

    def __init__(self, root: Path, keys_dir: Path, signer: Signer) -> None:
        self.path = root / FOLDER / NAME
        self._kept, self._signer = keys_dir / KEPT, signer
        self._installation = installation_id(keys_dir)

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint in the archive, None before the first. Raises OSError."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            return _last(file)

    def kept(self) -> tuple[int, str]:
        """Return number and digest of the newest checkpoint as they are kept beside the key; 0 before the first."""
        return kept_head(self._kept)

    def append(self, seq: int, head: str, at: datetime, why: str) -> Checkpoint:
        """Sign and append a checkpoint and wait for the disk; return the newest one where it says the same already.
        Raises OSError, KeyProblem; then the file is as it was."""
        atomic_files.make_folder(self.path.parent)
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_line(file)
            last, (number, before) = _last(file), self.kept()
            if last is not None and (last.seq, last.head) == (seq, head):
                self._keep(last)
                return last
            if last is not None and last.number >= number:
                number, before = last.number, last.digest
            value = {"kind": KIND, "number": number + 1, "seq": seq, "head": head, "at": at.isoformat(), "why": why}
            value |= {"installation": self._installation, "before": before}
            line = canonical_json.sorted_utf8(sign(value, self._signer))
            _append(file, line)
            atomic_files.sync_folder(self.path.parent)
            made = checkpoint_in(line)
            self._keep(made)
        return made

    def lines_after(self, number: int) -> list[bytes]:
        """Return the lines of the checkpoints with a higher number. Only the end of the file is read where that has
        them: it is asked for after every checkpoint, for years. Raises OSError."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            for start in (max(0, os.fstat(file.fileno()).st_size - _TAIL), 0):
                file.seek(start)
                found = list(_all(file))
                if start == 0 or (found and found[0][1].number <= number):
                    break
        return [line for line, made in found if made.number > number]

    def points(self) -> list[Checkpoint]:
        """Return all checkpoints that can be read. Raises OSError."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            return [made for _, made in _all(file)]

    def _keep(self, made: Checkpoint) -> None:
        if self.kept()[0] < made.number:
            atomic_files.write_json(self._kept, {"number": made.number, "digest": made.digest})


def installation_id(folder: Path) -> str:
    """Return the id of the installation whose key lies in `folder`, made on first use. Raises OSError."""
    path = folder / INSTALLATION
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        atomic_files.write_json(fresh, {"id": new_id("ins")})
        with suppress(FileExistsError):  # of two processes at once, the id of the first stays
            os.link(fresh, path)
        fresh.unlink()
        atomic_files.sync_folder(folder)
    return str((atomic_files.read_json(path) or {}).get("id", ""))


def kept_head(path: Path) -> tuple[int, str]:
    """Return number and digest of the newest checkpoint as a file beside the key has them; 0 where there is none."""
    kept = atomic_files.read_json(path) or {}
    number, before = kept.get("number"), kept.get("digest")
    return (number, before) if isinstance(number, int) and isinstance(before, str) else (0, GENESIS)


def checkpoint_in(line: bytes) -> Checkpoint:
    """Return the checkpoint in a line, which may stand behind the head of a syslog message. Raises ValueError."""
    value = members(line[max(0, line.find(b'{"at":')) :])
    return Checkpoint(
        value["number"],
        value["seq"],
        value["head"],
        value["at"],
        value["installation"],
        value["before"],
        digest(canonical_json.sorted_utf8(value)),
    )


def members(text: bytes) -> dict[str, Any]:
    """Return all members of a checkpoint, the signature included. Raises ValueError where it is none."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise ValueError("not a checkpoint")
    numbers = all(isinstance(value.get(name), int) and value[name] >= 0 for name in ("number", "seq"))
    if not numbers or not all(isinstance(value.get(name), str) for name in ("head", "before", "installation")):
        raise ValueError("a malformed checkpoint")
    if not is_moment(value.get("at")):
        raise ValueError("a malformed checkpoint")
    return value


def _all(file: BinaryIO) -> Iterator[tuple[bytes, Checkpoint]]:
    for line in file:
        with suppress(ValueError):
            yield line.rstrip(b"\n"), checkpoint_in(line)


def _last(file: BinaryIO) -> Checkpoint | None:
    """Return the newest readable checkpoint of a file; only its end is read, unless that holds none."""
    size = os.fstat(file.fileno()).st_size
    for start in (max(0, size - _TAIL), 0):
        file.seek(start)
        for line in reversed(file.read().split(b"\n")):
            with suppress(ValueError):
                return checkpoint_in(line)
    return None


def _cut_torn_line(file: BinaryIO) -> None:
    """Remove an incomplete last line, which a crash or a full disk has left."""
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - _TAIL)
    file.seek(start)
    end = file.read()
    whole = start + end.rfind(b"\n") + 1
    if whole != size:
        file.truncate(whole)


def _append(file: BinaryIO, line: bytes) -> None:
    size = os.fstat(file.fileno()).st_size
    try:
        written = os.write(file.fileno(), line + b"\n")  # unbuffered: what fails must not be written later
        if written != len(line) + 1:
            raise OSError(28, os.strerror(28))
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), size)
        raise
