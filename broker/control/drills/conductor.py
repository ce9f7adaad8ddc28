"""The conductor of drills: makes the slot and the synthetic officers of one, lets their program run, ends it, judges it
from journal and measurements, and has the result signed and stored. One drill runs at a time; where a visit needs a
room, it yields at once."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from pyee.asyncio import AsyncIOEventEmitter

from broker.booking.drill import WINDOW, drill_slot
from broker.booking.slot import Place, Slot
from broker.control.broker import Broker
from broker.control.drills.tools import Part, Tools
from broker.control.journal.journal import Journal
from broker.control.store.drills.results import Drill
from broker.control.store.store import Store
from broker.drills import result
from broker.drills.judgement import Evidence, Noted, judge
from broker.drills.result import INTERRUPTED, YIELDED, DrillState
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, NotFound, VisitError
from broker.kernel.ids import SessionId, Side, SlotId, new_id
from broker.kernel.tasks import Tasks
from broker.session import events as ev
from broker.session.parts import extension
from broker.session.state import Session, State

log = structlog.get_logger()
LONGEST = 150.0
"""Seconds after which a drill that has not ended is broken off."""
MOST_NOTES = 60


@dataclass(slots=True)
class Running:
    """The drill that runs: its slot, what its program has report, and why it is broken off."""

    slot: Slot
    by: str
    connected: frozenset[Side]
    moments: dict[str, float] = field(default_factory=dict)
    progress: list[str] = field(default_factory=list)
    missing: str = ""
    broken_off: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, report: Mapping[str, Any]) -> None:
        """Take in what the program tells: a step that it has reached, or what the session lacks."""
        if "missing" in report:
            self.missing = " ".join(str(code) for code in report["missing"])
        elif len(self.progress) < MOST_NOTES:
            self.progress.append(str(report["did"]))
            self.moments[str(report["did"])] = float(report["mono"])


class Conductor:
    """Makes drills, one at a time. Use it as `async with`: leaving breaks off the one that runs."""

    def __init__(self, broker: Broker, store: Store, journal: Journal, clock: Clock, tools: Tools) -> None:
        self._broker, self._store, self._journal, self._clock = broker, store, journal, clock
        self._tools, self._tasks = tools, Tasks()
        self._bus: AsyncIOEventEmitter = broker.bus
        self.running: Running | None = None

    async def __aenter__(self) -> "Conductor":
        """End what an earlier process left: its program died with it, so that its drill cannot go on."""
        self._bus.on("session", self._session_changed)
        for live in self._broker.sessions():
            if live.session.slot.drill and live.session.state is not State.ENDED:
                self._end(live.session.id, INTERRUPTED)
        await self._store.close_drill_officers()
        for session in await self._store.interrupt_drills():
            self._journal.note("DrillEnded", session, "broker", {"failed_at": INTERRUPTED})
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.remove_listener("session", self._session_changed)
        await self._tasks.close()

    async def begin(self, prison: Place, visitor: Place, by: str) -> Drill:
        """Begin a drill of two rooms and return it; it goes on in the background. Raises Conflict where another one
        runs or a visit is near, and what Store.add_slot raises."""
        if self.running is not None:
            raise Conflict("Another drill runs; wait until it is over.", "另一演练正在进行，请稍后。")
        slot = await self._slot(prison, visitor)
        connected = frozenset(side for side in Side if self._tools.connected(slot.place(side).room))
        running = self.running = Running(slot, by, connected)
        try:
            await self._broker.add_slot(slot, by)
            await self._store.begin_drill(slot, by)
        except BaseException:
            self.running = None
            raise
        self._journal.note("DrillBegan", slot.session, by, {"rooms": [slot.prison.room, slot.visitor.room]})
        self._tasks.spawn(self._conduct(running))
        return await self._store.drill(slot.session)

    async def wait(self) -> None:
        """Wait until the drill that runs now is over and stored."""
        if self.running is not None:
            await self.running.over.wait()

    async def _slot(self, prison: Place, visitor: Place) -> Slot:
        site, far = await self._store.site(prison.site), await self._store.site(visitor.site)
        id, session = SlotId(new_id("slt")), SessionId(new_id("ses"))
        now = self._clock.now().wall
        return drill_slot(id, session, prison, visitor, site.policy, far.kind.holds_inmates, now)

    async def _conduct(self, running: Running) -> None:
        session = running.slot.session
        try:
            if running.connected == frozenset(Side):  # else there is nothing to try
                await self._play(running)
        except TimeoutError:
            log.warning("a drill took too long", session=session)
        except Exception:
            log.exception("a drill was broken off", session=session)
            running.broken_off = running.broken_off or INTERRUPTED
        finally:
            await self._finish(running)
            self.running = None
            running.over.set()

    async def _play(self, running: Running) -> None:
        """Let the synthetic officers play their part."""
        slot, need = running.slot, self._broker.live(running.slot.session).policy.min_supervisors
        tokens = await self._store.open_drill_officers(slot, need, WINDOW)
        async with asyncio.timeout(LONGEST):
            async for report in self._tools.play(Part(slot.session, tokens)):
                running.take(report)

    async def _finish(self, running: Running) -> None:
        """End the session, take back the credentials, judge and store."""
        session = running.slot.session
        self._end(session, running.broken_off or "over")
        try:
            await self._store.close_drill_officers(session)
            signed = await self._result(running)
            state, failed_at = DrillState(signed["state"]), str(signed["failed_at"])
            await self._store.end_drill(session, state, failed_at, signed)
            self._journal.note("DrillEnded", session, "broker", {"state": str(state), "failed_at": failed_at})
            self._bus.emit("drill", session)
        except (VisitError, OSError, ValueError) as error:
            log.error("the result of a drill was not stored", session=session, why=type(error).__name__)

    async def _result(self, running: Running) -> dict[str, Any]:
        slot, live = running.slot, self._broker.live(running.slot.session)
        await self._journal.flush_own()
        journal = [Noted(one.kind, one.at, json.loads(one.data)) for one in await self._journal.entries(slot.session)]
        sealed = any(entry.kind == "Archived" for entry in journal)
        evidence = Evidence(
            connected=running.connected,
            journal=journal,
            moments=running.moments,
            limit=extension.limit(slot, live.policy),
            loss=live.policy.equipment.loss / 1000,
            missing=running.missing,
            damages=await self._tools.verify(slot.session) if sealed else None,
            disk=await self._tools.measure_disk(),
        )
        facts = {
            "drill": slot.session,
            "by": running.by,
            "begun_at": slot.starts_at.isoformat(),
            "ended_at": self._clock.now().wall.isoformat(),
            "sides": {str(side): {"site": slot.place(side).site, "room": slot.place(side).room} for side in Side},
            "policy": {"name": live.policy.name, "version": live.policy.version, "sha256": live.policy.sha256},
            "recording": {"path": live.recording.path, "sha256": live.recording.sha256} if sealed else None,
        }
        return await self._tools.seal(result.document(facts, judge(evidence), running.broken_off))

    def _end(self, session: SessionId, why: str) -> None:
        """End the session of a drill where it has not ended by its limit."""
        try:
            self._broker.tell(session, ev.ApprovalWithdrawn("broker", self._clock.now().wall, reason=why))
        except (NotFound, Conflict):
            log.info("the drill had ended", session=session)

    def _session_changed(self, session: SessionId) -> None:
        """Yield where the check-in of a visit opens in one of the drill's rooms."""
        running = self.running
        if running is None or running.broken_off:
            return
        try:
            other = self._broker.live(session).session
        except NotFound:
            return
        if _needs_room_of(other, running.slot):
            running.broken_off = YIELDED
            self._end(running.slot.session, YIELDED)


def _needs_room_of(session: Session, drill: Slot) -> bool:
    """Whether a visit needs a room of a drill now."""
    if session.slot.drill or session.state in (State.SCHEDULED, State.ENDED):
        return False
    rooms = {session.slot.place(side).room for side in Side}
    return bool(rooms & {drill.place(side).room for side in Side})
