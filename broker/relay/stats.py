"""What a worker says about itself: how long packets stay in it, and what it costs. The latency is true to the wire: the
kernel's own stamp of a datagram's arrival (SIOCGSTAMPNS, socket(7)) counts the wait in the socket's buffer too: there
packets wait when a worker has too much to do."""

import errno
import fcntl
import math
import resource
import socket
import struct
from bisect import bisect_left
from pathlib import Path
from typing import Any

from broker.kernel.clock import SystemClock

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the histogram in seconds; the promise is 0.01 at the 99th percentile."""
EVERY = 256  # packets between samples: one costs some microseconds, the packets between them nothing
LONGEST = 10.0  # seconds; what is longer or negative is a stepped wall clock and no latency
_SIOCGSTAMPNS = 0x8907
_STAMP = struct.Struct("@qq")


class Histogram:
    """Durations sorted into BOUNDS; `counts` has one more for what is longer."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; a bound belongs to the bucket that ends with it."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def told(self) -> dict[str, Any]:
        """As JSON: `bounds` in seconds, `counts` of each bucket and of what is longer, `seconds` in all."""
        return {"bounds": list(BOUNDS), "counts": list(self.counts), "seconds": self.seconds}


class Latency:
    """From a packet's arrival at this machine to the end of the pass that sent it on, for one packet in EVERY.

    The hot loop asks `due`, which is a number of packets received, and calls `sample` then.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.histogram = Histogram()
        self.due: float = 0
        self._sock, self._clock = sock, SystemClock()

    def sample(self, received: int) -> None:
        """Look at the last packet read. Where the kernel keeps no stamps nothing is claimed, ever after."""
        self.due = received + EVERY
        try:
            seconds, nanoseconds = _STAMP.unpack(fcntl.ioctl(self._sock, _SIOCGSTAMPNS, bytes(_STAMP.size)))
        except OSError as error:
            if error.errno != errno.ENOENT:  # which only says that stamping begins with this question
                self.due = math.inf
            return
        passed = self._clock.now().wall.timestamp() - seconds - nanoseconds / 1e9
        if 0 <= passed < LONGEST:
            self.histogram.add(passed)


def of_process() -> dict[str, Any]:
    """What this process has used: CPU seconds since it began, and resident memory in bytes now (proc(5), statm)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "memory_bytes": pages * resource.getpagesize(),
    }
