"""The disk of the archive: real files in memory, every operation logged by the model of `tests.support.recording.disk`.

A kill leaves what was written; a power cut only what was synced, and of the rest any mixture. A process may be killed
after any operation. The disk can be full, fail to sync, or be slow."""

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.engine.scheduler import Killed, Scheduler
from tests.support.recording import disk as model

WRITES = ("open", "pwrite", "link", "unlink", "rename", "replace", "mkdir")
SYNCS = ("fsync", "fdatasync")


class Disk:
    """The simulated disk whose files lie under `root`. `dying` is called when an operation was a process's last."""

    def __init__(self, root: Path, scheduler: Scheduler, dying: Callable[[], None]) -> None:
        self.root, self._scheduler, self._dying = root, scheduler, dying
        self.free = 1 << 38
        self.full = self.failing_syncs = self.closed = False
        self.dies_after: int | None = None
        """Operations until the process that does them is killed."""
        self.log: model.Log | None = None
        self.operations = 0

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Take over the functions by which Python reaches this folder."""
        disk = self

        class Raw(model._Raw):
            def write(self, data: Any) -> int:
                disk._before("pwrite", ())
                count = super().write(data)
                disk._after()
                return count

        with pytest.MonkeyPatch.context() as outer, model.logged(self.root) as log:
            self.log = log
            outer.setattr(model, "_Raw", Raw)
            with pytest.MonkeyPatch.context() as patch:
                for name in (*WRITES, *SYNCS):
                    patch.setattr(f"os.{name}", self._guarded(name, getattr(os, name)))
                yield
            self.log = None

    def _guarded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **more: Any) -> Any:
            if not self._ours(name, args):
                return real(*args, **more)
            self._before(name, args)
            result = real(*args, **more)
            self._after()
            return result

        return guarded

    def _ours(self, name: str, args: tuple[Any, ...]) -> bool:
        if self.log is None:
            return False
        if name in SYNCS or name == "pwrite":
            return self.log.fd(args[0]) is not None
        if name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return False
        return self.log.name(args[0]) is not None

    def _before(self, name: str, args: tuple[Any, ...]) -> None:
        loop = self._scheduler.current
        if self.closed or loop is None or loop.dead:
            raise Killed
        if self.full and (name in ("pwrite", "mkdir") or (name == "open" and args[1] & os.O_CREAT)):
            raise OSError(errno.ENOSPC, "no space left on device")
        if self.failing_syncs and name in SYNCS:
            raise OSError(errno.EIO, "input/output error")

    def _after(self) -> None:
        self.operations += 1
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after <= 0:
                self.dies_after = None
                self._dying()
                raise Killed

    def cut_power(self, chance: random.Random) -> None:
        """Leave what a power cut leaves."""
        log = self.log
        assert log is not None
        volume = model.Volume()
        for op in log.ops[: log.before]:
            volume.do(op)
        volume.settle()
        for op in log.ops[log.before :]:
            volume.do(op)
        with_names, share = chance.random() < 0.5, chance.choice((0.0, 0.5, 1.0))
        left = volume.left(with_names, lambda _number, _over: chance.random() < share)
        self.log = None  # what follows is no process of the machine
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        del left[""]
        model.make(left, self.root)
        model.Log.__init__(log, self.root)
        self.log = log
