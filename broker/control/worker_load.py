"""A worker's counts, which only grow, turned into what it does now: cores, packets a second, latency. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SMOOTH = 0.5  # weight of the newest measurement: a burst of keyframes is half forgotten after two seconds
WINDOW = 30  # measurements of latency that are kept: a minute


@dataclass(frozen=True, slots=True)
class Doing:
    """What a worker does at present. Rates are per second; `p99` is seconds, None while nothing was sampled."""

    cpu: float = 0.0
    packets_in: float = 0.0
    packets_out: float = 0.0
    memory: int = 0
    p99: float | None = None


@dataclass(slots=True)
class Meter:
    """The last answers of one worker process; `status` is the newest of them as it came."""

    status: Mapping[str, Any] = field(default_factory=dict)
    doing: Doing = Doing()
    _at: float = 0.0
    _latencies: deque[Sequence[int]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def told(self, status: Mapping[str, Any], now: float) -> None:
        """Take an answer to `status`, at `now` monotonic seconds. Members that it does not have count as nought."""
        seconds = max(now - self._at, 0.001)
        cpu = _grown(status, self.status, "cpu_seconds") / seconds
        latency = status.get("latency") or {}
        self._latencies.append(tuple(latency.get("counts", ())))
        self.doing = Doing(
            cpu=cpu if not self.doing.cpu else SMOOTH * cpu + (1 - SMOOTH) * self.doing.cpu,
            packets_in=_grown(status, self.status, "received") / seconds,
            packets_out=_grown(status, self.status, "forwarded") / seconds,
            memory=int(status.get("memory_bytes", 0)),
            p99=quantile(0.99, latency.get("bounds", ()), _newer(self._latencies)),
        )
        self.status, self._at = status, now


def _grown(status: Mapping[str, Any], before: Mapping[str, Any], name: str) -> float:
    """How much a count has grown; nothing at the first answer, when nobody knows since when."""
    return max(0.0, float(status.get(name, 0)) - float(before[name])) if name in before else 0.0


def _newer(latencies: Sequence[Sequence[int]]) -> list[int]:
    """What was counted since the oldest answer that is kept."""
    oldest, newest = latencies[0], latencies[-1]
    if len(oldest) != len(newest) or oldest is newest:
        return list(newest)
    return [max(0, one - other) for one, other in zip(newest, oldest, strict=True)]


def quantile(share: float, bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """The value below which that share of a histogram lies, linear inside its bucket; None for an empty one.

    `counts` has one more for what is above the last bound; of that, only the last bound is known.
    """
    wanted, before, low = share * sum(counts), 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and before + count >= wanted:
            return low + (bound - low) * (wanted - before) / count
        before, low = before + count, bound
    return low if sum(counts) else None
