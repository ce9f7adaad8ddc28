"""Which worker takes the next session, and the measurements that decide it. Pure.

A session is placed half an hour before its visit, when it costs nothing yet: a worker therefore counts for at least the
planned share of everything placed on it, and what was placed after the last measurement counts on top of it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.ipc.relay_messages import RelayStatus

FULL = 0.8  # of a core, measured: the time that packets wait grows fast from here on
SMOOTH = 0.5  # weight of the newest measurement: a burst of keyframes is half forgotten after two seconds
WINDOW = 30  # measurements of latency that are kept: a minute


@dataclass(frozen=True, slots=True)
class Load:
    """One worker: `cpu` in cores as last measured, sessions placed on it, and how many of them since then."""

    cpu: float = 0.0
    sessions: int = 0
    since: int = 0


def expected(load: Load, most: int) -> float:
    """Return the cores that a worker will need, where `most` sessions are planned to fill one."""
    return max(load.cpu + load.since / most, load.sessions / most)


def has_room(load: Load, most: int) -> bool:
    """Whether a worker can take one more session."""
    return load.sessions < most and load.cpu + load.since / most < FULL


def choose(loads: Sequence[Load | None], most: int) -> int | None:
    """Return the number of the worker with the least to do, then with the fewest sessions; None where all are full:
    they have `most` sessions, or a core has no time left.

    A worker that is not there, or does not answer, is None in `loads`.
    """
    able = [(number, load) for number, load in enumerate(loads) if load is not None and has_room(load, most)]
    best = min(able, key=lambda pair: (expected(pair[1], most), pair[1].sessions, pair[0]), default=None)
    return best[0] if best is not None else None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a worker uses at present. Rates are per second; `p99` is the latency in seconds, None without a sample."""

    cpu: float = 0.0
    packets_in: float = 0.0
    packets_out: float = 0.0
    memory: int = 0
    p99: float | None = None


@dataclass(slots=True)
class Meter:
    """The measurements of one worker process, whose counts only grow."""

    status: RelayStatus | None = None
    """The newest answer."""
    usage: Usage = Usage()
    _at: float = 0.0
    _latencies: deque[Sequence[int]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def measured(self, status: RelayStatus, now: float) -> None:
        """Take an answer at `now` (monotonic seconds). The first one gives no rates: its counts have no beginning."""
        before, seconds = self.status or status, max(now - self._at, 0.001)
        cpu = max(0.0, status.cpu_seconds - before.cpu_seconds) / seconds
        self._latencies.append(status.latency.counts)
        self.usage = Usage(
            cpu=cpu if not self.usage.cpu else SMOOTH * cpu + (1 - SMOOTH) * self.usage.cpu,
            packets_in=max(0, status.received - before.received) / seconds,
            packets_out=max(0, status.forwarded - before.forwarded) / seconds,
            memory=status.memory_bytes,
            p99=quantile(0.99, status.latency.bounds, _in_window(self._latencies)),
        )
        self.status, self._at = status, now


def _in_window(latencies: Sequence[Sequence[int]]) -> list[int]:
    """Return what was counted since the oldest answer that is kept."""
    oldest, newest = latencies[0], latencies[-1]
    if len(oldest) != len(newest) or oldest is newest:
        return list(newest)
    return [max(0, after - before) for after, before in zip(newest, oldest, strict=True)]


def quantile(share: float, bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """Return the value below which that share of a histogram lies, linear inside its bucket; None for an empty one.

    `counts` has one more bucket for what is above the last bound; there the last bound is returned.
    """
    wanted, before, low = share * sum(counts), 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and before + count >= wanted:
            return low + (bound - low) * (wanted - before) / count
        before, low = before + count, bound
    return low if sum(counts) else None
