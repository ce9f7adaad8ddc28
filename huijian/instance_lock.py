"""One Huijian a data folder: two would take each other's sockets, sessions and recordings. The lock is an open file
that the parent and all its children hold: it is free again when the last of them is gone, however they went."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from broker.kernel.clock import monotonic
from broker.kernel.errors import Conflict

LOCK = "huijian.lock"
LEFTOVERS = 20.0  # seconds that children of a parent who was killed may need to finish their files


@contextmanager
def only_one(data_dir: Path) -> Iterator[int]:
    """Hold the folder; the lock's descriptor, for children to inherit. Raises Conflict when another service has it."""
    descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, data_dir: Path) -> None:
    give_up = monotonic() + LEFTOVERS
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        if _alive(holder) or monotonic() > give_up:
            raise Conflict(
                f"A service (process {holder}) runs on {data_dir} already; stop it or use another --data-dir.",
                f"{data_dir} 上已有服务在运行（进程 {holder}），请先停止，或使用其他 --data-dir。",
            )
        time.sleep(0.1)  # flock has no time limit of its own


def _alive(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
