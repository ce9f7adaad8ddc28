"""Statistics of a worker: how long packets stay in it, what it costs, and what went through its tracks.

The latency begins with the kernel's stamp of a datagram's arrival (SIOCGSTAMPNS, socket(7)), and so includes the wait
in the socket's buffer, where packets wait when a worker is overloaded."""

import errno
import fcntl
import math
import resource
import socket
import struct
from bisect import bisect_left
from pathlib import Path

from broker.ipc.relay_messages import Latency as LatencyReport
from broker.ipc.relay_messages import StreamCounts
from broker.kernel.clock import SystemClock
from broker.relay.track import CLOCK, Track

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the histogram in seconds; the promise is 0.01 at the 99th percentile."""
EVERY = 64  # packets between samples: a sample costs some microseconds, the packets between cost nothing
LONGEST = 10.0  # seconds; a longer or negative one is a step of the wall clock and no latency
_SIOCGSTAMPNS = 0x8907
_STAMP = struct.Struct("@qq")


class Histogram:
    """Histogram of durations by BOUNDS; `counts` has one bucket more for longer ones."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; a bound belongs to the bucket that it ends."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def report(self) -> LatencyReport:
        """Return what was counted so far."""
        return LatencyReport(bounds=BOUNDS, counts=tuple(self.counts), seconds=self.seconds)


class Latency:
    """Samples the time from a packet's arrival at this machine to when it was sent on, for one packet in EVERY. The hot
    loop compares its count of received packets with `due` and calls `begin` then, and `end` when all it read is sent.
    """

    def __init__(self) -> None:
        self.histogram = Histogram()
        self.due: float = 0
        self.waits: list[float] = []
        """The samples since they were last taken, as the control of overload does."""
        self._clock = SystemClock()
        self._arrived: float | None = None

    def begin(self, received: int, sock: socket.socket) -> None:
        """Sample the last packet read, from `sock`. Where sockets have no stamps, sampling ends with the first
        attempt."""
        self.due = received + EVERY
        try:
            seconds, nanoseconds = _STAMP.unpack(fcntl.ioctl(sock, _SIOCGSTAMPNS, bytes(_STAMP.size)))
        except OSError as error:
            if error.errno != errno.ENOENT:  # ENOENT: the kernel stamps from this call on
                self.due = math.inf
            return
        self._arrived = seconds + nanoseconds / 1e9

    def end(self) -> None:
        """The packet that is sampled, if there is one, has been sent on."""
        if self._arrived is None:
            return
        passed, self._arrived = self._clock.now().wall.timestamp() - self._arrived, None
        if 0 <= passed < LONGEST:
            self.histogram.add(passed)
            self.waits.append(passed)

    def take_waits(self) -> list[float]:
        """Return the samples since the last call (s)."""
        waits, self.waits = self.waits, []
        return waits


def cpu_seconds() -> float:
    """Return the CPU time that this process has used since it began."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory_bytes() -> int:
    """Return the resident memory of this process (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def track_counts(best: Track, streams: list[Track]) -> StreamCounts:
    """Return the counts of one kind of one side; its jitter is in seconds. A picture may come in several encodings, of
    which most get the `best`. Losses in an encoding that goes nowhere do not count, and are not requested either."""
    used = [track.receive_stats for track in streams if track.receive_stats is not None and not track.unused]
    return StreamCounts(
        packets=sum(track.packets for track in streams),
        octets=sum(track.octets for track in streams),
        frames=best.frames,
        jitter=best.receive_stats.jitter / CLOCK[best.kind] if best.receive_stats is not None else 0.0,
        lost=sum(max(0, stats.expected - stats.received) for stats in used),
        crossed=sum(track.crossed for track in streams),
    )
