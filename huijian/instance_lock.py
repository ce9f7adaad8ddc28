"""Lock of a data folder, so that only one service runs on it: two would take each other's sockets, sessions and
recordings. The parent and all its children hold the lock as an open file, which is free when the last of them has
ended, however it ended."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from broker.kernel.clock import monotonic
from broker.kernel.errors import Conflict

LOCK = "huijian.lock"
ORPHANS_END_WITHIN = 20.0  # seconds that children of a killed parent may need to finish their files


@contextmanager
def only_one(data_dir: Path) -> Iterator[int]:
    """Hold the lock of the folder; yield its descriptor, for children to inherit. Raises Conflict when another service
    has it."""
    descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_running(data_dir: Path) -> bool:
    """Whether a service runs on this folder now."""
    try:
        descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int, data_dir: Path) -> None:
    give_up = monotonic() + ORPHANS_END_WITHIN
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
