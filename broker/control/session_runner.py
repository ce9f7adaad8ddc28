"""The runner of one session: it alone changes the session's state, hands effects over, and wakes when time passes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from broker.booking.absence import Absence
from broker.booking.rebooking import Rebooking
from broker.control.statistics import Quality
from broker.control.viewers import Viewers
from broker.kernel.clock import Clock
from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import Effect
from broker.session.events import Fact
from broker.session.state import Session, State
from broker.session.transitions import abort, step, wakes_at
from config.policy import Policy

log = structlog.get_logger()
LONGEST_SLEEP = 30.0  # seconds: a correction of the wall clock is noticed by then at the latest

RecordingState = Literal["none", "starting", "writing", "lost", "finalizing", "archived", "failed"]


@dataclass(frozen=True, slots=True)
class RecordingView:
    """What the control process knows of a session's recording. `path` is relative to the archive."""

    state: RecordingState = "none"
    seconds: float = 0.0
    path: str | None = None
    sha256: str | None = None


class SessionRunner:
    """The one owner of a Session. `perform` starts an effect and returns at once; `changed` is called after every
    step with the session before it, the fact and the effects; `in_force` gives the pack in force before check-in."""

    def __init__(
        self,
        session: Session,
        policy: Policy,
        clock: Clock,
        perform: Callable[["SessionRunner", Effect], None],
        changed: Callable[["SessionRunner", Session, Fact, tuple[Effect, ...]], None],
        in_force: Callable[[], Policy] | None = None,
    ) -> None:
        self.session, self.policy = session, policy
        self.recording = RecordingView()
        self.rebooking: Rebooking | None = None
        self.absence: Absence | None = None
        self.quality: Quality = {}
        self.viewers: Viewers = {}
        self._clock, self._perform, self._changed = clock, perform, changed
        self._in_force = in_force
        self._new_state = asyncio.Event()

    @property
    def at_risk(self) -> frozenset[Side]:
        """Sides whose quorum depends on an officer who has not answered an attention check yet."""
        return self.session.alerts.wavering

    def take(self, fact: Fact) -> None:
        """Give one fact to the session. Raises Conflict or NotFound when a person orders what is not possible.

        Any other error ends this session, and no other.
        """
        try:
            self._take(fact)
        except VisitError:
            raise
        except Exception:
            log.exception("session failed", session=self.session.id, fact=ev.kind(fact))
            self._end_by_error()

    def _take(self, fact: Fact) -> None:
        before = self.session
        self.session, effects = step(before, fact, self._clock.now(), self.policy)
        self._changed(self, before, fact, effects)
        for effect in effects:
            self._perform(self, effect)
        self._new_state.set()

    async def run(self) -> None:
        """Let time pass for this session until it is over."""
        while self.session.state is not State.ENDED:
            await self._sleep()
            self._follow_pack()
            now = self._clock.now()
            due = wakes_at(self.session, now, self.policy)
            if due is not None and due <= now.mono:
                self.take(ev.TimePassed())

    def _follow_pack(self) -> None:
        """Take over the pack in force while the session has frozen none: what is only booked follows it."""
        if self.session.state is State.SCHEDULED and self._in_force is not None:
            self.policy = self._in_force()

    async def _sleep(self) -> None:
        now = self._clock.now()
        due = wakes_at(self.session, now, self.policy)
        delay = LONGEST_SLEEP if due is None else min(due - now.mono, LONGEST_SLEEP)
        self._new_state.clear()
        if delay > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):  # not wait_for, which in 3.11 can swallow a cancellation
                    await self._new_state.wait()

    def _end_by_error(self) -> None:
        """End the session after a fault of the core or of an effect, without asking the core again."""
        before = self.session
        self.session, effects = abort(before, self._clock.now())
        self._changed(self, before, ev.TimePassed(), effects)
        for effect in effects:
            self._perform(self, effect)
