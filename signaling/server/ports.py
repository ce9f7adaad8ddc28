"""What signaling needs of its neighbours, and nothing more. Broker and journal are handed in by the command that
composes the process; mypy compares them with these shapes there."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pyee.asyncio import AsyncIOEventEmitter

from broker.booking.slot import Slot
from broker.control.statistics import Figures
from broker.control.viewers import Viewers
from broker.kernel.ids import ResourceId, SessionId, Side, SlotId
from broker.presence.presence import PresenceStatus, Report
from broker.presence.quorum import Watcher
from broker.session.events import ExtensionApproved, Fact
from broker.session.state import Session
from config.policy import Policy


class Live(Protocol):
    """One session as the broker keeps it."""

    @property
    def session(self) -> Session:
        """What is known of it; frozen."""
        ...

    @property
    def policy(self) -> Policy:
        """The rules it runs under."""
        ...

    @property
    def recording(self) -> Any:
        """`state`, `seconds`, `path`, `sha256` of its recording."""
        ...

    @property
    def at_risk(self) -> frozenset[Side]:
        """The sides whose quorum is about to fail."""
        ...

    @property
    def quality(self) -> Mapping[str, Any]:
        """By side and kind: `bitrate`, `loss`, `jitter_ms`, `fps` of a picture; empty before media flows."""
        ...

    @property
    def viewers(self) -> Viewers:
        """Who receives the sides, and how, by resource."""
        ...


class Broker(Protocol):
    """Who decides."""

    @property
    def bus(self) -> AsyncIOEventEmitter:
        """Emits "session"(session_id), "quality"(session_id, dict), "gone"(resource) and "standing"(watcher)."""
        ...

    def live(self, session: SessionId) -> Live: ...
    def sessions(self) -> Iterable[Live]: ...
    def figures(self) -> Figures: ...
    def tell(self, session: SessionId, fact: Fact) -> None: ...
    async def add_slot(self, slot: Slot, by: str) -> SessionId: ...
    async def cancel_slot(self, slot: SlotId, by: str) -> None: ...
    async def extend(self, approval: ExtensionApproved) -> None: ...
    async def publish(self, session: SessionId, side: Side, sdp: str, who: str) -> tuple[ResourceId, str]: ...
    async def subscribe(
        self, session: SessionId, side: Side, sdp: str, watcher: Watcher | None, who: str, page: str = ""
    ) -> tuple[ResourceId, str]: ...
    async def publish_voice(
        self, session: SessionId, sdp: str, watcher: Watcher, who: str
    ) -> tuple[ResourceId, str]: ...
    async def listen(
        self, session: SessionId, side: Side | None, sdp: str, watcher: Watcher | None, who: str
    ) -> tuple[ResourceId, str]: ...
    async def restart(self, resource: ResourceId, fragment: str) -> str: ...
    async def drop(self, resource: ResourceId, who: str) -> None: ...
    def page_says(self, watcher: Watcher, page: str, report: Report) -> None: ...
    def answer(self, watcher: Watcher, prompt: str) -> None: ...
    def standing(self, watcher: Watcher) -> PresenceStatus: ...


class Journal(Protocol):
    """Where everything that has an author is written down."""

    def note(self, kind: str, session: str | None, author: str, data: Mapping[str, Any]) -> None: ...
    def healthy(self, now_mono: float) -> bool: ...
    async def flush(self) -> None: ...
    @property
    def backlog(self) -> int:
        """Entries that are not on disk yet."""
        ...
