"""The watch over the machine's clock. A step is written down, supervisors and operators are called, and visits go on by
the time before it. The new time is agreed on by an officer's order, or by itself where a time service made the step and
nothing that the clock decides of a visit lies within it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.control.journal import reader
from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.kernel.agreed_time import TOLERANCE, AgreedClock
from broker.kernel.clock import Discipline, Instant
from broker.kernel.errors import Conflict
from broker.kernel.ids import SessionId
from broker.session import events as ev
from broker.session.state import Session, State
from config.policy import Policy

log = structlog.get_logger()
LOOK = 1.0  # seconds between looks at the machine's clock
AGAIN = 60.0  # seconds between entries about steps: a clock that is moved again and again must not fill the journal
KIND = "ClockAgreed"
"""Kind of the journal entry from which the next start goes on: `boot`, `mono` and `wall`."""


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """The agreed time, the machine's own, by how much that has leapt (None: it has not), and how often it did since the
    service began."""

    agreed: datetime
    machine: datetime
    moved: timedelta | None
    steps: int


async def recall(engine: AsyncEngine, clock: AgreedClock, boot: str) -> None:
    """Go on with the time that was agreed on before this start of the service: on the same run of the machine a step in
    between is seen. After a start of the machine its clock is believed, but never a time before the service's own last
    entry. Raises StorageUnavailable."""
    saved = await reader.last_of_kind(engine, KIND)
    if saved is not None and boot and saved.get("boot") == boot:
        clock.agree(Instant(datetime.fromisoformat(saved["wall"]), saved["mono"]))
        return
    now, last = clock.machine.now(), await reader.last_by(engine, "broker")
    clock.agree(now if last is None else Instant(max(now.wall, last), now.mono))


class ClockWatch:
    """Looks at the clock once a second. `discipline` returns what the kernel knows of the clock's reference; `boot`
    names this run of the machine."""

    def __init__(
        self,
        clock: AgreedClock,
        sessions: Mapping[SessionId, SessionRunner],
        journal: Journal,
        discipline: Callable[[], Discipline | None],
        boot: str,
    ) -> None:
        self._clock, self._sessions, self._journal = clock, sessions, journal
        self._discipline, self._boot = discipline, boot
        self._moved: timedelta | None = None
        self._steps = 0
        self._noted: Instant | None = None
        self._told, self._quiet_until = False, -inf

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK)

    def status(self) -> ClockStatus:
        """Return how the clock stands."""
        return ClockStatus(self._clock.now().wall, self._clock.machine.now().wall, self._moved, self._steps)

    def look(self) -> None:
        """See whether the clock has leapt, or is right again; each step is noted once."""
        moved = self._clock.moved
        if moved is None:
            self._right()
        elif self._moved is None or abs(moved - self._moved) > TOLERANCE:
            self._stepped(moved)
        if self._moved is not None:
            self._tell(self._moved)
        if self._moved is not None and self._agrees_by_itself(self._moved):
            self._agree("broker")
        self._call()

    def agree(self, by: str) -> ClockStatus:
        """Believe the machine's clock as it is now, because `by` has compared it. Raises Conflict where nothing has
        leapt."""
        self.look()
        if self._moved is None:
            raise Conflict("This machine's clock has not been moved.", "本机时钟未被改动，无需确认。")
        self._agree(by)
        self._call()
        return self.status()

    def _stepped(self, moved: timedelta) -> None:
        self._moved, self._steps, self._told = moved, self._steps + 1, False

    def _tell(self, moved: timedelta) -> None:
        """Write a step down, once; of many in a row the first of each minute, with the number so far."""
        now = self._clock.now().mono
        if self._told or now < self._quiet_until:
            return
        self._told, self._quiet_until = True, now + AGAIN
        log.error("the clock of this machine was moved; visits go on by the time before", seconds=_seconds(moved))
        self._journal.note("ClockStepped", None, "broker", {"seconds": _seconds(moved), "steps": self._steps})

    def _right(self) -> None:
        if self._moved is not None:
            if self._told:
                log.warning("the clock of this machine is right again")
                self._journal.note("ClockStepOver", None, "broker", {"steps": self._steps})
            self._moved, self._told = None, False
        now = self._clock.now()
        if self._noted is None or abs(now.wall - self._noted.after(_since(self._noted, now)).wall) > TOLERANCE / 2:
            self._note_anchor("broker", {})

    def _agree(self, by: str) -> None:
        moved = _seconds(self._moved or timedelta(0))
        self._clock.agree(self._clock.machine.now())
        self._moved, self._told = None, False
        log.warning("the time of this machine's clock is agreed on", seconds=moved, by=by)
        self._note_anchor(by, {"seconds": moved})
        for runner in self._waiting():
            runner.take(ev.TimePassed())

    def _agrees_by_itself(self, moved: timedelta) -> bool:
        """Whether a time service has made the step, and touches no visit by it."""
        kept, now = self._discipline(), self._clock.now().wall
        if kept is None or not kept.synchronised:
            return False
        return not any(concerns(runner.session, runner.policy, now, now + moved) for runner in self._waiting())

    def _call(self) -> None:
        """Call the supervisors of visits that the clock can still delay or begin, or tell them that it is right
        again."""
        seconds = round(self._moved.total_seconds()) if self._moved is not None and self._told else 0
        for runner in self._waiting():
            before, state = runner.session.alerts.clock_moved, runner.session.state
            if before != seconds and (not seconds or state is not State.SCHEDULED):
                runner.take(ev.ClockStepped(seconds))

    def _waiting(self) -> list[SessionRunner]:
        """The sessions whose gate has not opened yet: until then they live by the wall clock."""
        before = (State.SCHEDULED, State.CHECK_IN, State.READY)
        return [runner for runner in self._sessions.values() if runner.session.state in before]

    def _note_anchor(self, by: str, more: Mapping[str, float]) -> None:
        self._noted = now = self._clock.now()
        anchor = {"boot": self._boot, "wall": now.wall.isoformat(), "mono": now.mono}
        self._journal.note(KIND, None, by, {**anchor, **more})


def concerns(session: Session, policy: Policy, before: datetime, after: datetime) -> bool:
    """Whether a step of the clock from one time to another touches what the clock decides of a visit: everything from
    the opening of check-in to the slot's end, until the gate has first opened."""
    first, last = sorted((before, after))
    return session.slot.starts_at - policy.check_in_lead <= last and first <= session.slot.ends_at


def _seconds(moved: timedelta) -> float:
    return round(moved.total_seconds(), 3)


def _since(before: Instant, now: Instant) -> timedelta:
    return timedelta(seconds=now.mono - before.mono)
