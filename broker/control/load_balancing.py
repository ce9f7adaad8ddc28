"""Which worker takes the next session, and the measurements that decide it. Pure.

A session is placed half an hour before its visit, when it costs nothing yet: a worker therefore counts for what a
session costs on this machine (`capacity/session_cost.py`) for each one placed on it, and at least for what it uses and
what those will add whose media do not flow yet.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.ipc.relay_messages import RelayStatus

FULL = 0.8  # of a core, measured: the time that packets wait grows fast from here on
MOST = 200  # sessions of a worker, whatever they cost: it refuses more (broker/relay/worker.py)
SMOOTH = 0.5  # weight of the newest measurement: a burst of keyframes is half forgotten after two seconds
WINDOW = 30  # measurements of latency that are kept: a minute


@dataclass(frozen=True, slots=True)
class Load:
    """One worker: `cpu` in cores as last measured, sessions placed on it, and how many of them flow; half a session is
    one side that sends."""

    cpu: float = 0.0
    sessions: int = 0
    flowing: float = 0.0


def carries(cost: float, limit: int | None) -> int:
    """Return how many sessions fill a worker, where one takes `cost` cores; `limit` is what operators allow, if
    anything. It is one at least: a machine that is too slow for one is found out by its latency."""
    return min(max(1, int(FULL / cost + 1e-6)), MOST, MOST if limit is None else limit)


def expected(load: Load, cost: float) -> float:
    """Return the cores that a worker will need once all sessions placed on it flow."""
    return max(load.cpu + max(0.0, load.sessions - load.flowing) * cost, load.sessions * cost)


def has_room(load: Load, cost: float, limit: int | None = None) -> bool:
    """Whether a worker can take one more session: all together fill it to FULL at most, or it is the only one."""
    if load.sessions >= carries(cost, limit) or load.cpu >= FULL:
        return False
    return load.sessions == 0 or load.cpu + max(0.0, load.sessions - load.flowing) * cost + cost <= FULL


def choose(loads: Sequence[Load | None], cost: float, limit: int | None = None) -> int | None:
    """Return the number of the worker with the least to do, then with the fewest sessions; None where all are full:
    they have as many sessions as they carry, or a core has no time left for another.

    A worker that is not there, or does not answer, is None in `loads`.
    """
    able = [(number, load) for number, load in enumerate(loads) if load is not None and has_room(load, cost, limit)]
    best = min(able, key=lambda pair: (expected(pair[1], cost), pair[1].sessions, pair[0]), default=None)
    return best[0] if best is not None else None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a worker uses at present. Rates are per second; `p99` is the latency in seconds, None without a sample;
    `flowing` are sessions whose media flow, counted by sides."""

    cpu: float = 0.0
    flowing: float = 0.0
    packets_in: float = 0.0
    packets_out: float = 0.0
    memory: int = 0
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """What a worker used between two answers: `cpu` in cores over so many `seconds`, and how many sessions flowed."""

    seconds: float
    cpu: float
    flowing: float


@dataclass(slots=True)
class Meter:
    """The measurements of one worker process, whose counts only grow."""

    status: RelayStatus | None = None
    """The newest answer."""
    usage: Usage = Usage()
    _at: float = 0.0
    _latencies: deque[Sequence[int]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def measured(self, status: RelayStatus, now: float) -> Interval | None:
        """Take an answer at `now` (monotonic seconds), and return what the worker used since the one before. The first
        one gives no rates: its counts have no beginning."""
        before, seconds = self.status or status, max(now - self._at, 0.001)
        cpu = max(0.0, status.cpu_seconds - before.cpu_seconds) / seconds
        self._latencies.append(status.latency.counts)
        self.usage = Usage(
            cpu=cpu if not self.usage.cpu else SMOOTH * cpu + (1 - SMOOTH) * self.usage.cpu,
            flowing=status.sending / 2,
            packets_in=max(0, status.received - before.received) / seconds,
            packets_out=max(0, status.forwarded - before.forwarded) / seconds,
            memory=status.memory_bytes,
            p99=quantile(0.99, status.latency.bounds, _in_window(self._latencies)),
        )
        first, self.status, self._at = self.status is None, status, now
        return None if first else Interval(seconds, cpu, (before.sending + status.sending) / 4)


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
