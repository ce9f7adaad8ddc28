"""Who counts as watching (Yunnan 25: at least two supervisors of each side, all the time). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.booking.slot import Slot
from broker.kernel.ids import SessionId, Side, SiteId, UserId


@dataclass(frozen=True, slots=True, order=True)
class Watcher:
    """A signed-in officer of one site. The same person twice is one Watcher."""

    user: UserId
    site: SiteId


def of_side(watchers: Iterable[Watcher], slot: Slot, side: Side) -> frozenset[Watcher]:
    """Those who count for a side: officers of that side's own site who do not belong to the far one as well.

    So two rooms of one site never reach a quorum: the same two officers would be both sides' four.
    """
    watching = frozenset(watchers)
    far = {watcher.user for watcher in watching if watcher.site == slot.place(side.other).site}
    return frozenset(w for w in watching if w.site == slot.place(side).site and w.user not in far)


def reached(watchers: Iterable[Watcher], slot: Slot, side: Side, needed: int) -> bool:
    """Whether a side has its quorum (会见管理员到位)."""
    return len({watcher.user for watcher in of_side(watchers, slot, side)}) >= needed


def attendance(
    receiving: Mapping[SessionId, Mapping[Watcher, float]], per_supervisor: int
) -> dict[SessionId, frozenset[Watcher]]:
    """Share each officer out over at most `per_supervisor` sessions, the ones watched longest first.

    `receiving` holds, per session, who is really receiving both sides and since when (monotonic seconds).
    Counting happens here and nowhere else, so a cap can never be passed by two sessions counting at once.
    """
    watched: dict[Watcher, list[tuple[float, SessionId]]] = {}
    for session, watchers in receiving.items():
        for watcher, since in watchers.items():
            watched.setdefault(watcher, []).append((since, session))
    counted: dict[SessionId, set[Watcher]] = {session: set() for session in receiving}
    for watcher, sessions in watched.items():
        for _, session in sorted(sessions)[:per_supervisor]:
            counted[session].add(watcher)
    return {session: frozenset(watchers) for session, watchers in counted.items()}


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
