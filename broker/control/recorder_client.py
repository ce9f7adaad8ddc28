"""The connection of the control process to the recorder. A recorder that sends nothing counts as gone: it may hang, and
a gate must not stay open on its last fact."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Any, Protocol

from broker.booking.slot import Slot
from broker.control.relay_pool import tap_of
from broker.control.timeline_events import TimelineEvent, acknowledgements, people
from broker.ipc.client import Client, Disconnected
from broker.ipc.messages import Command
from broker.ipc.recorder_messages import (
    RECORDER,
    SECOND_PRISON,
    AcknowledgeDifferences,
    AcknowledgeRecording,
    AddEvent,
    FinishRecording,
    FoundDifference,
    GetDifferences,
    PolicyFacts,
    RecorderAlive,
    RecorderFact,
    RecorderReady,
    SideFacts,
    SlotFacts,
    StartRecording,
)
from broker.kernel.clock import Instant, monotonic
from broker.kernel.errors import RecorderUnavailable, VisitError
from broker.kernel.ids import SessionId, Side
from broker.session.state import Session
from config.policy import Policy

SILENT = 1.7  # seconds without a fact, of which there are several a second, after which the recorder counts as gone
LOOK = 0.1  # seconds between looks
MAX_UNSENT = 5000  # events kept for the timelines while the recorder is away: hours of a bad day


class RecorderListener(Protocol):
    """Gets the facts of the recorder."""

    def received(self, fact: RecorderFact) -> None:
        """Take a fact of the recorder."""

    def recorder_up(self) -> None:
        """The recorder has reported all that holds, and takes commands."""

    def recorder_down(self, why: str) -> None:
        """The recorder is gone, or hangs."""


class RecorderClient:
    """What the recorder is asked. `run` connects to it; `ready` is whether it takes commands."""

    def __init__(self, run_dir: Path) -> None:
        self.ready = False
        self._client = Client(run_dir / "recorder.sock", RECORDER)
        self._unsent: deque[AddEvent] = deque(maxlen=MAX_UNSENT)

    async def run(self, listener: RecorderListener) -> None:
        """Keep connected and look whether facts come, until cancelled; `listener` gets them."""
        receiver = _Receiver(self, listener)
        await asyncio.gather(self._client.run(receiver), receiver.watch())

    def send_unsent(self) -> None:
        """Send the recorder the events that it missed."""
        while self._unsent and self.ready:
            self.post(self._unsent.popleft())

    async def start(self, session: Session, policy: Policy, stop: float | None, now: Instant) -> None:
        """Begin to record, or go on in a next part. Raises RecorderUnavailable."""
        try:
            await self._client.call(start_order(session, policy, stop, now))
        except Disconnected as error:
            raise RecorderUnavailable() from error

    async def finish(self, session: SessionId, reason: dict[str, str | None]) -> None:
        """Have a recording closed, hashed and archived. Raises VisitError when the recorder is not there."""
        await self._client.call(FinishRecording(session=session, reason=reason))

    async def acknowledge(self, session: SessionId) -> None:
        """The end of this recording is in the journal. Raises VisitError."""
        await self._client.call(AcknowledgeRecording(session=session))

    async def differences(self) -> tuple[FoundDifference, ...]:
        """Return what the recorder found not to agree, oldest first. Raises VisitError."""
        return (await self._client.call(GetDifferences())).differences

    async def acknowledge_differences(self, up_to: int) -> None:
        """Differences up to this number are in the journal. Raises VisitError."""
        await self._client.call(AcknowledgeDifferences(up_to=up_to))

    def add_event(self, session: SessionId, event: TimelineEvent, now: Instant) -> None:
        """Put an event of `now` on a session's timeline; when the recorder is away, as soon as it is back."""
        command = AddEvent(session=session, event=event, at=now.wall.isoformat(), mono=now.mono)
        if self.ready:
            self.post(command)
        else:
            self._unsent.append(command)

    def post(self, command: Command[Any]) -> None:
        """Send a command without waiting."""
        try:
            self._client.post(command)
        except VisitError:
            self.ready = False


class _Receiver:
    """Takes what comes from the recorder, and notices when nothing does."""

    def __init__(self, client: RecorderClient, listener: RecorderListener) -> None:
        self._client, self._listener = client, listener
        self._greeted = False
        self._last = 0.0

    def connected(self) -> None:
        """Do nothing: the recorder reports what holds, and then that it is ready."""

    def received(self, fact: RecorderFact) -> None:
        """Take a fact; the first one after a silence means that the recorder is back."""
        self._last = monotonic()
        self._greeted = self._greeted or isinstance(fact, RecorderReady)
        if self._greeted and not self._client.ready:
            self._client.ready = True
            self._listener.recorder_up()
            self._client.send_unsent()
        if not isinstance(fact, RecorderReady | RecorderAlive):
            self._listener.received(fact)

    def disconnected(self) -> None:
        """Report that the recorder is gone."""
        self._greeted = False
        self._lost("recorder gone")

    async def watch(self) -> None:
        """Look whether facts come, until cancelled."""
        before = monotonic()
        while True:
            await asyncio.sleep(LOOK)
            now = monotonic()
            # Where this process itself hung, it has to read first what has come meanwhile.
            late, before = now - before > SILENT / 2, now
            if self._client.ready and not late and now - self._last > SILENT:
                self._lost("recorder silent")

    def _lost(self, why: str) -> None:
        self._client.ready = False
        self._listener.recorder_down(why)


def _title(slot: Slot, side: Side) -> str:
    """The title of a side in the manifest, from which view copies name it."""
    return SECOND_PRISON if side is Side.VISITOR and slot.between_inmates else str(side)


def start_order(session: Session, policy: Policy, stop: float | None, now: Instant) -> StartRecording:
    """Return the order to record a session; `stop` is the monotonic second at which it has to end."""
    slot = session.slot
    return StartRecording(
        session=session.id,
        tap=tap_of(session.id),
        site=slot.prison.site,
        slot=SlotFacts(
            id=slot.id,
            minutes=slot.minutes,
            starts_at=slot.starts_at.isoformat(),
            ends_at=slot.ends_at.isoformat(),
            approved_by=slot.approved_by,
            article=slot.article,
        ),
        policy=PolicyFacts(
            name=policy.name,
            version=policy.version,
            retention_months=policy.retention_months,
            min_supervisors=policy.min_supervisors,
            sha256=policy.sha256,
        ),
        sides={
            side: SideFacts(site=slot.place(side).site, room=slot.place(side).room, title=_title(slot, side))
            for side in Side
        },
        people=people(session),
        rules=tuple(acknowledgements(session)),
        starts_at=now.wall.isoformat(),
        deadline_mono=stop,
        drill=slot.drill,
    )
