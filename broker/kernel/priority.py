"""The priority of a process before the scheduler. On Linux a nice value alone counts only among the processes of one
session where the kernel groups them by session (sched(7), "The autogroup feature"), and `huijian serve` gives each of
its processes a session: the group has a nice value of its own, which is set here, too. Without it, strangers' requests
and view copies took as much of a busy core as the process that renews leases."""

import errno
import os
import time
from pathlib import Path

AUTOGROUP = "/proc/{}/autogroup"
TRIES = 20
AGAIN_SECONDS = 0.06
"""The kernel takes such a change from all processes without privileges together only once in a tenth of a second."""


def give_way(nice: int) -> None:
    """Lower the priority of this process, of its threads to come, and of its session where it leads one. To be called
    before there are threads and an event loop."""
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
    if os.getsid(0) == os.getpid():  # the session of others keeps its priority
        for _ in range(TRIES):
            if set_session(os.getpid(), nice):
                return
            time.sleep(AGAIN_SECONDS)


def be_idle() -> None:
    """Give way to everything else in this session: this process gets the processor and the disk when no other wants
    them."""
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # its disk accesses have the class idle, too


def set_session(leader: int, nice: int) -> bool:
    """Set the nice value (not below 0) of the session that a process leads; return False where the kernel wants to be
    asked again later. A kernel without such groups needs nothing, and where they are read-only the limits that the
    operator has set hold."""
    try:
        Path(AUTOGROUP.format(leader)).write_text(str(nice), "ascii")
    except OSError as error:
        return error.errno != errno.EAGAIN
    return True
