"""What has happened since this process began, counted for whoever watches the service: holds and ends by reason, and
for how long gates were open, and alerts by kind. Pure bookkeeping; the evidence is the journal."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from broker.kernel.ids import SessionId
from broker.session.effects import AlertRaised, Effect
from broker.session.readiness import hold_reasons
from broker.session.state import Session, State
from config.policy import Policy


@dataclass(slots=True)
class Statistics:
    """Tell it every step."""

    holds: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    _open_since: dict[SessionId, float] = field(default_factory=dict)
    _open_before: float = 0.0

    def stepped(self, before: Session, after: Session, policy: Policy, now: float) -> None:
        """A session went from one state to another at `now` monotonic seconds."""
        if after.gate_open and not before.gate_open:
            self._open_since[after.id] = now
        elif before.gate_open and not after.gate_open:
            self._open_before += now - self._open_since.pop(after.id, now)
        if after.state is State.HELD and before.state is not State.HELD:
            self.holds.update(str(reason) for reason in hold_reasons(after, policy)[:1])
        if after.end is not None and after.state is State.ENDED and before.state is not State.ENDED:
            self.ends[str(after.end.reason)] += 1

    def called(self, effects: Iterable[Effect]) -> None:
        """What a step demanded; of that, alerts are counted by kind."""
        self.alerts.update(str(one.kind) for one in effects if isinstance(one, AlertRaised))

    def gate_seconds(self, now: float) -> float:
        """For how long gates were open, those that are included."""
        return self._open_before + sum(now - since for since in self._open_since.values())


@dataclass(frozen=True, slots=True)
class Worker:
    """One relay worker as the broker knows it; `status` is what it last counted, `sessions` those placed on it."""

    name: str
    ready: bool
    sessions: frozenset[SessionId]
    cpu: float
    packets_in: float
    packets_out: float
    memory: int
    p99: float | None
    status: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Figures:
    """The whole service in numbers."""

    workers: tuple[Worker, ...]
    waiting: int
    holds: Mapping[str, int]
    ends: Mapping[str, int]
    gate_seconds: float
    recorder: bool
    storage: bool
    alerts: Mapping[str, int] = field(default_factory=dict)
