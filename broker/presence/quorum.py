"""Quorum of a side (Yunnan 25: at least two supervisors of each side, all the time), and the officers it counts.
Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.booking import drill
from broker.booking.slot import Slot
from broker.kernel.ids import SessionId, Side, SiteId, UserId


@dataclass(frozen=True, slots=True, order=True)
class Watcher:
    """A signed-in officer of one site. Two pages of the same person are one Watcher."""

    user: UserId
    site: SiteId


def of_side(watchers: Iterable[Watcher], slot: Slot, side: Side) -> frozenset[Watcher]:
    """The watchers who count for a side: officers of its own site who do not belong to the far one as well.

    So two rooms of one site never reach a quorum: the same two officers would be both sides' four. A drill's synthetic
    officers count in that drill alone, and no others do there.
    """
    watching = frozenset(watcher for watcher in watchers if drill.counts(watcher.user, slot.session, slot.drill))
    far = {watcher.user for watcher in watching if watcher.site == slot.place(side.other).site}
    return frozenset(w for w in watching if w.site == slot.place(side).site and w.user not in far)


def reached(watchers: Iterable[Watcher], slot: Slot, side: Side, needed: int) -> bool:
    """Whether a side has its quorum of `needed` persons (会见管理员到位)."""
    return len({watcher.user for watcher in of_side(watchers, slot, side)}) >= needed


def share_out(
    receiving: Mapping[SessionId, Mapping[Watcher, float]], per_supervisor: int
) -> dict[SessionId, frozenset[Watcher]]:
    """Share each officer out over at most `per_supervisor` sessions, the ones watched longest first.

    `receiving` maps each session to the officers who may be present in it and since when (monotonic seconds) each
    receives both sides. All sessions are shared out at once, so that no two of them pass the cap together.
    """
    watched: dict[Watcher, list[tuple[float, SessionId]]] = {}
    for session, watchers in receiving.items():
        for watcher, since in watchers.items():
            watched.setdefault(watcher, []).append((since, session))
    present: dict[SessionId, set[Watcher]] = {session: set() for session in receiving}
    for watcher, sessions in watched.items():
        for _, session in sorted(sessions)[:per_supervisor]:
            present[session].add(watcher)
    return {session: frozenset(watchers) for session, watchers in present.items()}


# --- names to the relay -------------------------------------------------------------------------------------------


def name_of(watcher: Watcher, page: str) -> str:
    """The name by which the relay knows a watcher's page; `page` is empty where the client named none.

    A watcher is named by person, site and page, so that two windows of one person are two watchers whose receptions
    prove nothing for each other. To the relay the name is opaque; that of a terminal has no "@".
    """
    return f"{watcher.user}@{watcher.site}#{page}"


def watcher_of(name: str) -> tuple[Watcher, str] | None:
    """The watcher and page of such a name; None for a terminal. Inverse of `name_of`."""
    user, at, rest = name.partition("@")
    site, _, page = rest.partition("#")
    return (Watcher(UserId(user), SiteId(site)), page) if at else None


OBSERVER = "observer:"


def observer_name(user: UserId) -> str:
    """The name by which the relay knows a person who looks on and is never counted (派驻检察)."""
    return f"{OBSERVER}{user}"


def observer_of(name: str) -> UserId | None:
    """The person of such a name; None for a supervisor or a terminal. Inverse of `observer_name`."""
    return UserId(name.removeprefix(OBSERVER)) if name.startswith(OBSERVER) and "@" not in name else None
