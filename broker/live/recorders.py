"""The control process's view of the recorder: what it is asked, and the meaning of what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker.clock import Instant
from broker.errors import RecorderUnavailable, VisitError
from broker.ids import Side
from broker.ipc.link import Link, LinkDown
from broker.live.relays import tap_of
from broker.session import Session
from config.policy import Policy


class Recorders:
    """The link to the recorder process. `on_fact` gets what it says, "up" and "down" among it."""

    def __init__(self, run_dir: Path, on_fact: Callable[[str, dict[str, Any]], None]) -> None:
        self._on_fact = on_fact
        self.ready = False
        self._link = Link(run_dir / "recorder.sock", "recorder", self._fact, lambda: None, self._down)

    async def run(self) -> None:
        """Keep the link up, until cancelled."""
        await self._link.run()

    def _fact(self, name: str, members: dict[str, Any]) -> None:
        if name == "ready":
            self.ready = True
            self._on_fact("up", {})
        else:
            self._on_fact(name, members)

    def _down(self) -> None:
        self.ready = False
        self._on_fact("down", {})

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
                },
                sides=sides,
                starts_at=now.wall.isoformat(),
                deadline_mono=stop,
            )
        except LinkDown as error:
            raise RecorderUnavailable() from error

    async def finish(self, session: Session, reason: dict[str, Any]) -> None:
        """Close, hash, archive. Raises VisitError when the recorder is not there; it is asked again when it is."""
        await self._link.call("finish", session=session.id, reason=reason)

    async def acknowledge(self, session: str) -> None:
        """The archived recording is known here now. Raises VisitError."""
        await self._link.call("acknowledge", session=session)

    def post(self, do: str, **members: Any) -> None:
        """Tell without waiting (deadline, note)."""
        try:
            self._link.post(do, **members)
        except VisitError:
            self.ready = False
