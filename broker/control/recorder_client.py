"""The control process's view of the recorder: what it is asked, and the meaning of what it says. A recorder that says
nothing is no recorder: it may hang, and a gate must not stay open on its last word."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker.control.persistence import roll
from broker.control.relay_pool import tap_of
from broker.ipc.client import Client, Disconnected
from broker.kernel.clock import Instant, monotonic
from broker.kernel.errors import RecorderUnavailable, VisitError
from broker.kernel.ids import Side
from broker.session.state import Session
from config.policy import Policy

SILENT = 1.7  # seconds without a word, of which there are several a second, after which the recorder counts as gone
LOOK = 0.1  # seconds between looks
MAX_UNSENT = 5000  # events kept for the timelines while no recorder is there: hours of a bad day


class RecorderClient:
    """The link to the recorder process. `on_fact` gets what it says, "up" and "down" among it."""

    def __init__(self, run_dir: Path, on_fact: Callable[[str, dict[str, Any]], None]) -> None:
        self._on_fact = on_fact
        self.ready = self._greeted = False
        self._heard = 0.0
        self._unsent: deque[dict[str, Any]] = deque(maxlen=MAX_UNSENT)
        self._link = Client(run_dir / "recorder.sock", "recorder", self._fact, lambda: None, self._down)

    async def run(self) -> None:
        """Keep the link up and listen whether anybody speaks, until cancelled."""
        await asyncio.gather(self._link.run(), self._listen())

    async def _listen(self) -> None:
        before = monotonic()
        while True:
            await asyncio.sleep(LOOK)
            now = monotonic()
            late, before = now - before > SILENT / 2, now  # then it was us who hung: read first what has come
            if self.ready and not late and now - self._heard > SILENT:
                self._lost("recorder silent")

    def _fact(self, name: str, members: dict[str, Any]) -> None:
        self._heard = monotonic()
        self._greeted = self._greeted or name == "ready"
        if self._greeted and not self.ready:
            self.ready = True
            self._on_fact("up", {})
            self._catch_up()
        if name not in ("ready", "alive"):
            self._on_fact(name, members)

    def _down(self) -> None:
        self._greeted = False
        self._lost("recorder gone")

    def _lost(self, why: str) -> None:
        self.ready = False
        self._on_fact("down", {"why": why})

    def _catch_up(self) -> None:
        while self._unsent and self.ready:
            self.post("note", **self._unsent.popleft())

    async def start(self, session: Session, policy: Policy, stop: float | None, now: Instant) -> None:
        """Begin to record, or go on in a next part. Raises RecorderUnavailable."""
        slot = session.slot
        sides = {
            str(side): {"site": slot.place(side).site, "room": slot.place(side).room, "title": str(side)}
            for side in Side
        }
        try:
            await self._link.call(
                "start",
                session=session.id,
                tap=tap_of(session.id),
                site=slot.prison.site,
                slot={
                    "id": slot.id,
                    "minutes": slot.minutes,
                    "starts_at": slot.starts_at.isoformat(),
                    "ends_at": slot.ends_at.isoformat(),
                    "approved_by": slot.approved_by,
                    "article": slot.article,
                },
                policy={
                    "name": policy.name,
                    "version": policy.version,
                    "retention_months": policy.retention_months,
                    "min_supervisors": policy.min_supervisors,
                },
                sides=sides,
                people=roll(session),
                starts_at=now.wall.isoformat(),
                deadline_mono=stop,
            )
        except Disconnected as error:
            raise RecorderUnavailable() from error

    async def finish(self, session: Session, reason: dict[str, Any]) -> None:
        """Close, hash, archive. Raises VisitError when the recorder is not there; it is asked again when it is."""
        await self._link.call("finish", session=session.id, reason=reason)

    async def acknowledge(self, session: str) -> None:
        """The archived recording is known here now. Raises VisitError."""
        await self._link.call("acknowledge", session=session)

    async def differences(self) -> list[dict[str, Any]]:
        """What the recorder found not to agree, oldest first: number, kind, session. Raises VisitError."""
        return list((await self._link.call("differences"))["differences"])

    async def noted(self, up_to: int) -> None:
        """Differences up to this number are in the journal. Raises VisitError."""
        await self._link.call("noted", up_to=up_to)

    def note(self, session: str, event: dict[str, Any], now: Instant) -> None:
        """Put an event of `now` on a session's timeline; when the recorder is away, as soon as it is back."""
        told = {"session": session, "event": event, "at": now.wall.isoformat(), "mono": now.mono}
        if self.ready:
            self.post("note", **told)
        else:
            self._unsent.append(told)

    def post(self, do: str, **members: Any) -> None:
        """Tell without waiting."""
        try:
            self._link.post(do, **members)
        except VisitError:
            self.ready = False
