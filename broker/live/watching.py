"""Who receives what, as the relays tell it, turned into who counts for which session. Pure bookkeeping."""

from dataclasses import dataclass

from broker.ids import ResourceId, SessionId, Side, SiteId, UserId
from broker.quorum import Watcher, attendance


@dataclass(frozen=True, slots=True)
class _Reception:
    watcher: Watcher
    side: Side
    since: float


def name_of(watcher: Watcher) -> str:
    """A watcher as the relay is told."""
    return f"{watcher.user}@{watcher.site}"


def watcher_of(name: str) -> Watcher | None:
    """The watcher of that name; None for a terminal. Inverse of `name_of`."""
    user, at, site = name.partition("@")
    return Watcher(UserId(user), SiteId(site)) if at else None


class Watch:
    """All receptions of all sessions."""

    def __init__(self) -> None:
        self._received: dict[SessionId, dict[ResourceId, _Reception]] = {}
        self._counted: dict[SessionId, frozenset[Watcher]] = {}

    def told(
        self, session: SessionId, resource: ResourceId, side: Side, watcher: Watcher | None, on: bool, now: float
    ) -> None:
        """A relay says that a supervisor receives a side, or no longer does."""
        receptions = self._received.setdefault(session, {})
        if not on or watcher is None:
            receptions.pop(resource, None)
        elif resource not in receptions:
            receptions[resource] = _Reception(watcher, side, now)

    def forget(self, session: SessionId) -> None:
        """A session is over, or its relay is gone."""
        self._received.pop(session, None)

    def changes(self, per_supervisor: int) -> dict[SessionId, frozenset[Watcher]]:
        """The sessions for which somebody else counts now than at the last call."""
        counted = attendance({session: self._both_sides(session) for session in self._received}, per_supervisor)
        everybody = counted | {session: frozenset[Watcher]() for session in self._counted if session not in counted}
        changed = {s: w for s, w in everybody.items() if self._counted.get(s, frozenset()) != w}
        self._counted = counted
        return changed

    def _both_sides(self, session: SessionId) -> dict[Watcher, float]:
        """Who receives both sides of a session, and since when."""
        since: dict[Watcher, dict[Side, float]] = {}
        for reception in self._received[session].values():
            sides = since.setdefault(reception.watcher, {})
            sides[reception.side] = min(reception.since, sides.get(reception.side, reception.since))
        return {watcher: max(sides.values()) for watcher, sides in since.items() if len(sides) == len(Side)}
