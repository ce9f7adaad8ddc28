"""Numbers of the running service, for pages and for monitoring: what happened since this process began, what each
side's media does, and what each worker uses. Bookkeeping without I/O; the evidence is the journal."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from broker.ipc.relay_messages import RelayStatus, SideCounts, StreamCounts
from broker.kernel.ids import SessionId, Side
from broker.session.effects import AlertRaised, Effect
from broker.session.readiness import hold_reasons
from broker.session.state import Session, State
from config.policy import Policy


@dataclass(slots=True)
class Statistics:
    """Holds and ends by reason, alerts by kind, and the time for which gates were open."""

    holds: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    _open_since: dict[SessionId, float] = field(default_factory=dict)
    _open_before: float = 0.0

    def record_step(
        self, before: Session, after: Session, effects: Iterable[Effect], policy: Policy, now: float
    ) -> None:
        """Count a step of a session at `now` (monotonic seconds). Drills are not counted among the visits."""
        if after.slot.drill:
            return
        if after.gate_open and not before.gate_open:
            self._open_since[after.id] = now
        elif before.gate_open and not after.gate_open:
            self._open_before += now - self._open_since.pop(after.id, now)
        if after.state is State.HELD and before.state is not State.HELD:
            self.holds.update(str(reason) for reason in hold_reasons(after, policy)[:1])
        if after.end is not None and after.state is State.ENDED and before.state is not State.ENDED:
            self.ends[str(after.end.reason)] += 1
        self.alerts.update(str(effect.kind) for effect in effects if isinstance(effect, AlertRaised))

    def gate_seconds(self, now: float) -> float:
        """Return for how many seconds gates were open in all, those that are open now included."""
        return self._open_before + sum(now - since for since in self._open_since.values())


class StreamRate(TypedDict):
    """What one stream does at present: bit/s and loss (0..1) of the last second, jitter; `fps` of a picture."""

    bitrate: float
    loss: float
    jitter_ms: float
    fps: NotRequired[float]


Quality = dict[Side, dict[str, StreamRate]]
"""The rates of each side, by `audio` and `video`."""


class Rates:
    """Turns the counts of all sessions, which only grow, into rates."""

    def __init__(self) -> None:
        self._before: dict[SessionId, tuple[Mapping[Side, SideCounts], float]] = {}

    def measured(self, session: SessionId, counts: Mapping[Side, SideCounts], now: float) -> Quality:
        """Return the rates since the last counts of a session."""
        before, then = self._before.get(session, (counts, now - 1.0))
        self._before[session] = (counts, now)
        seconds = max(now - then, 0.001)
        return {side: _side_rates(of_side, before.get(side, of_side), seconds) for side, of_side in counts.items()}

    def forget(self, session: SessionId) -> None:
        """Drop the last counts of a session that is over."""
        self._before.pop(session, None)


def _side_rates(now: SideCounts, before: SideCounts, seconds: float) -> dict[str, StreamRate]:
    video = _rate(now.video, before.video, seconds)
    video["fps"] = max(0, now.video.frames - before.video.frames) / seconds
    return {"audio": _rate(now.audio, before.audio, seconds), "video": video}


def _rate(now: StreamCounts, before: StreamCounts, seconds: float) -> StreamRate:
    lost = max(0, now.lost - before.lost)
    expected = max(0, now.packets - before.packets) + lost
    return {
        "bitrate": max(0, now.octets - before.octets) * 8 / seconds,
        "loss": lost / expected if expected else 0.0,
        "jitter_ms": now.jitter * 1000,
    }


@dataclass(frozen=True, slots=True)
class Worker:
    """One relay worker as the broker knows it; `sessions` are those placed on it, of which it `carries` as many as its
    core has time for at the present `cost` of one, in cores. `status` is what it last counted, None before its first
    answer."""

    name: str
    ready: bool
    sessions: frozenset[SessionId]
    cpu: float
    packets_in: float
    packets_out: float
    memory: int
    p99: float | None
    status: RelayStatus | None
    cost: float = 0.0
    carries: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole service in numbers; `waiting` sessions found no worker with room."""

    workers: tuple[Worker, ...]
    waiting: int
    holds: Mapping[str, int]
    ends: Mapping[str, int]
    gate_seconds: float
    recorder: bool
    storage: bool
    alerts: Mapping[str, int] = field(default_factory=dict)
    clock_moved: float = 0.0
    """Seconds by which the machine's clock has leapt and is not believed."""
    clock_steps: int = 0
