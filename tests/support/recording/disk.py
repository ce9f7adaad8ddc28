"""A model of a disk that tells what a crash leaves. Every operation under a folder is logged; afterwards the folder can
be made again as a crash at any operation would have left it.

The model is that of POSIX and no more: the content of a file is certain after fsync or fdatasync of the file, its name
after fsync of its folder. What is not certain may be there or not, in any mixture; a rename is complete or not done."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Change = tuple[int, str, int | None]  # folder (node), name, node that it names now
Keep = Callable[[int, bool], bool]
"""Whether an uncertain write (its number, whether it overwrote what was certain) is on the disk."""


@dataclass
class File:
    """A file: its certain content, and the waiting writes as (offset, data), or (size, None) for a truncation."""

    certain: bytes = b""
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.certain, self.waiting = self.after(lambda _number, _over: True), []

    def after(self, keep: Keep) -> bytes:
        """Return the content when only the waiting writes that `keep` accepts reached the disk."""
        data = bytearray(self.certain)
        for number, (offset, written) in enumerate(self.waiting):
            if not keep(number, offset < len(self.certain)):
                continue
            if written is None:
                del data[offset:]
                continue
            data.extend(bytes(max(offset - len(data), 0)))
            data[offset : offset + len(written)] = written
        return bytes(data)


@dataclass
class Folder:
    """A folder: its names as processes see them, and as they are certain."""

    names: dict[str, int] = field(default_factory=dict)
    certain: dict[str, int] = field(default_factory=dict)


Op = tuple[Any, ...]


class Volume:
    """The state of the disk after some operations. Node 0 is the top folder."""

    def __init__(self) -> None:
        self.nodes: dict[int, File | Folder] = {0: Folder()}
        self._waiting: list[list[Change]] = []

    def do(self, op: Op) -> None:
        """Apply an operation to the state."""
        getattr(self, f"_{op[0]}")(*op[1:])

    def settle(self) -> None:
        """Make the whole state certain."""
        for node in self.nodes.values():
            if isinstance(node, File):
                node.sync()
            else:
                node.certain = dict(node.names)
        self._waiting = []

    def left(self, with_names: bool, keep: Keep) -> dict[str, bytes | None]:
        """Return what a crash leaves: the content of each file, None for a folder. `with_names`: also uncertain
        names."""
        found: dict[str, bytes | None] = {}
        self._left("", self.nodes[0], with_names, keep, found)
        return found

    def _left(
        self, path: str, node: File | Folder, with_names: bool, keep: Keep, found: dict[str, bytes | None]
    ) -> None:
        found[path] = node.after(keep) if isinstance(node, File) else None
        if isinstance(node, Folder):
            for name, number in (node.names if with_names else node.certain).items():
                self._left(f"{path}/{name}", self.nodes[number], with_names, keep, found)

    # --- operations ------------------------------------------------------------------------------------------------

    def _create(self, path: str, node: int) -> None:
        self.nodes[node] = File()
        self._change((*self._place(path), node))

    def _mkdir(self, path: str, node: int) -> None:
        self.nodes[node] = Folder()
        self._change((*self._place(path), node))

    def _write(self, node: int, offset: int, data: bytes) -> None:
        self._file(node).waiting.append((offset, data))

    def _truncate(self, node: int, size: int) -> None:
        self._file(node).waiting.append((size, None))

    def _sync(self, node: int) -> None:
        if isinstance(file := self.nodes[node], File):
            file.sync()
        else:
            self._commit(node)

    def _link(self, source: str, target: str) -> None:
        self._change((*self._place(target), self._node(source)))

    def _unlink(self, path: str) -> None:
        self._change((*self._place(path), None))

    def _rename(self, source: str, target: str) -> None:
        self._change((*self._place(target), self._node(source)), (*self._place(source), None))

    def _change(self, *changes: Change) -> None:
        for folder, name, node in changes:
            _set(self._folder(folder).names, name, node)
        self._waiting.append(list(changes))

    def _commit(self, node: int) -> None:
        """Make the changes of a folder certain, and the earlier changes of the folders that they reach."""
        reached, certain = {node}, []
        for changes in reversed(self._waiting):
            folders = {folder for folder, _, _ in changes}
            if folders & reached:
                reached |= folders
                certain.append(changes)
        for changes in reversed(certain):
            self._waiting.remove(changes)
            for folder, name, named in changes:
                _set(self._folder(folder).certain, name, named)

    def _place(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        return self._node(above), name

    def _node(self, path: str) -> int:
        number = 0
        for name in filter(None, path.split("/")):
            number = self._folder(number).names[name]
        return number

    def _file(self, number: int) -> File:
        node = self.nodes[number]
        assert isinstance(node, File)
        return node

    def _folder(self, number: int) -> Folder:
        node = self.nodes[number]
        assert isinstance(node, Folder)
        return node


def _set(names: dict[str, int], name: str, node: int | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def make(left: dict[str, bytes | None], target: Path) -> None:
    """Write files and folders to the real disk."""
    for path, content in left.items():
        if content is None:
            (target / path.lstrip("/")).mkdir()
        else:
            (target / path.lstrip("/")).write_bytes(content)


class Log:
    """The log of operations under `root`, in order. `mark` puts values of the test between two operations."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.ops: list[Op] = []
        self._ids: dict[int, int] = {self.root.stat().st_ino: 0}
        self._next = 1
        self.before = 0  # operations that made the initial content
        for path in sorted(self.root.rglob("*")):
            self.made("mkdir" if path.is_dir() else "create", path)
            if path.is_file():
                self.add("write", self.id(path), 0, path.read_bytes())
        self.before = len(self.ops)

    def mark(self, *words: Any) -> None:
        self.ops.append(("mark", *words))

    def add(self, *op: Any) -> None:
        self.ops.append(op)

    def name(self, path: Any) -> str | None:
        """Return a path relative to the root, None for a path outside."""
        absolute = Path(os.path.abspath(path))
        return str(absolute.relative_to(self.root)) if absolute.is_relative_to(self.root) else None

    def id(self, path: Any) -> int:
        return self._ids[os.stat(path).st_ino]

    def fd(self, fd: int) -> int | None:
        return self._ids.get(os.fstat(fd).st_ino) if fd >= 0 else None

    def made(self, kind: str, path: Any) -> None:
        """Log a new file or folder. Node numbers are never used again, unlike those of the real disk."""
        self._ids[os.stat(path).st_ino] = self._next
        self.add(kind, self.name(path), self._next)
        self._next += 1

    def crashes(self) -> Iterator[tuple[int, Op, Volume, list[Any]]]:
        """Yield before each operation its number, the operation, the state (which is changed later) and the last
        mark."""
        volume, mark = Volume(), []
        for op in self.ops[: self.before]:
            volume.do(op)
        volume.settle()
        for number, op in enumerate(self.ops[self.before :]):
            if op[0] == "mark":
                mark = list(op[1:])
                continue
            yield number + self.before, op, volume, mark
            volume.do(op)
        yield len(self.ops), ("end",), volume, mark


@contextmanager
def logged(root: Path) -> Iterator[Log]:
    """Log the operations under `root`, which must exist; its present content is certain."""
    log = Log(root)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "pwrite", "fsync", "fdatasync", "link", "unlink", "rename", "replace", "mkdir"):
            patch.setattr(f"os.{name}", _spy(log, name, getattr(os, name)))
        patch.setattr("io.open", _opener(log, io.open))
        yield log


def _spy(log: Log, name: str, real: Any) -> Any:
    def spy(*args: Any, **more: Any) -> Any:
        first = args[0]
        if name in ("fsync", "fdatasync"):
            if (node := log.fd(first)) is not None:
                log.add("sync", node)
            return real(*args, **more)
        if name == "pwrite":
            done = real(*args, **more)
            if (node := log.fd(first)) is not None:
                log.add("write", node, args[2], bytes(args[1])[:done])
            return done
        fresh = name in ("open", "mkdir") and not os.path.lexists(first)
        done = real(*args, **more)
        if log.name(first) is None:
            return done
        if fresh and os.path.lexists(first):
            log.made("mkdir" if name == "mkdir" else "create", first)
        elif name in ("rename", "replace"):
            log.add("rename", log.name(first), log.name(args[1]))
        elif name == "link":
            log.add("link", log.name(first), log.name(args[1]))
        elif name == "unlink":
            log.add("unlink", log.name(first))
        return done

    return spy


class _Raw(io.FileIO):
    """A file of the io module whose writes are logged."""

    def __init__(self, log: Log, path: Any, mode: str) -> None:
        fresh = not os.path.lexists(path)
        super().__init__(path, mode)
        self._log = log
        if fresh:
            log.made("create", path)
        elif "w" in mode:
            log.add("truncate", log.id(path), 0)

    def write(self, data: Any) -> int:
        end = self.mode.startswith("a") or "a" in self.mode
        at = os.fstat(self.fileno()).st_size if end else self.tell()
        count = super().write(data)
        node = self._log.fd(self.fileno())
        if count and node is not None:
            self._log.add("write", node, at, bytes(data)[:count])
        return count or 0

    def truncate(self, size: int | None = None) -> int:
        done = super().truncate(size)
        if (node := self._log.fd(self.fileno())) is not None:
            self._log.add("truncate", node, done)
        return done


def _opener(log: Log, real: Any) -> Any:
    def opener(path: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        writes = set(mode) & set("wax+")
        if not writes or isinstance(path, int) or log.name(path) is None:
            return real(path, mode, *args, **more)
        raw = _Raw(log, path, mode.replace("b", "").replace("t", ""))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8", write_through=False)

    return opener
