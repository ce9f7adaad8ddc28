"""One session while it lives: this object alone changes its Session, hands effects over, and wakes when time passes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

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
LONGEST_SLEEP = 30.0  # seconds: a stepped wall clock is noticed by then at the latest


@dataclass(frozen=True, slots=True)
class RecordingView:
    """What is known of a session's recording. `path` is relative to the archive."""

    state: str = "none"
    seconds: float = 0.0
    path: str | None = None
    sha256: str | None = None


class SessionRunner:
    """The one owner of a Session. `perform` starts an effect and returns at once; `changed` is told of every step."""

    def __init__(
        self,
        session: Session,
        policy: Policy,
        clock: Clock,
        perform: Callable[["SessionRunner", Effect], None],
        changed: Callable[["SessionRunner", Session, Fact, tuple[Effect, ...]], None],
    ) -> None:
        self.session, self.policy = session, policy
        self.recording = RecordingView()
        self.quality: dict[str, Any] = {}
        self.viewers: Viewers = {}
        self.counts: dict[str, Any] = {}
        self._clock, self._perform, self._changed = clock, perform, changed
        self._stirred = asyncio.Event()

    @property
    def at_risk(self) -> frozenset[Side]:
        """Sides whose quorum hangs on somebody who has not answered yet whether they still watch."""
        return self.session.alerts.wavering

    def take(self, fact: Fact) -> None:
        """Take one fact now. Raises Conflict or NotFound when a person orders what is not possible.

        Any other error ends this session, and nobody else's.
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
        self._stirred.set()

    async def run(self) -> None:
        """Let time pass for this session until it is over."""
        while self.session.state is not State.ENDED:
            await self._sleep()
            now = self._clock.now()
            due = wakes_at(self.session, now, self.policy)
            if due is not None and due <= now.mono:
                self.take(ev.TimePassed())

    async def _sleep(self) -> None:
        now = self._clock.now()
        due = wakes_at(self.session, now, self.policy)
        delay = LONGEST_SLEEP if due is None else min(due - now.mono, LONGEST_SLEEP)
        self._stirred.clear()
        if delay > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):  # not wait_for, which in 3.11 can swallow a cancellation
                    await self._stirred.wait()

    def _end_by_error(self) -> None:
        """The core or an effect failed: shut, close and say so, without asking the core again."""
        before = self.session
        self.session, effects = abort(before, self._clock.now())
        self._changed(self, before, ev.TimePassed(), effects)
        for effect in effects:
            self._perform(self, effect)
