"""Trouble on the wall, on purpose: a room whose line is cut, an officer who leaves, a warning, and many alerts at once.
Each is undone by the same word again, all of them by `calm`."""

from collections.abc import Awaitable, Callable, Sequence

from broker.kernel.ids import Side
from huijian.demo.wall.rooms import WELL
from huijian.demo.wall.visits import EndlessVisits

ALERTS = 16
GROUND = "YN-16-6"
WORDS = "请遵守会见秩序。"
"""What the warning is about: the order of the visiting place is disturbed."""
_FOUND = ({"black": True}, {"heads": 5}, {"frozen": True}, {"silent": True})
"""What terminals report for an alert each; the first is raised after seconds, the last after a minute."""


class Trouble:
    """Makes trouble in visits, which are counted from 1."""

    def __init__(self, visits: Sequence[EndlessVisits]) -> None:
        self._visits = visits
        self._lost: set[int] = set()
        self._left: dict[int, str] = {}
        self.words: dict[str, Callable[[int], Awaitable[None]]] = {
            "room": self.room,
            "quorum": self.quorum,
            "warning": self.warning,
            "alerts": self.alerts,
            "calm": self.calm,
        }

    async def room(self, number: int) -> None:
        """Cut the line of the visitors' room, or mend it."""
        room = self._visits[number - 1].rooms[Side.VISITOR]
        if number in self._lost:
            self._lost.remove(number)
            room.restore()
        else:
            self._lost.add(number)
            await room.lose()

    async def quorum(self, number: int) -> None:
        """Have an officer of the county leave the visit, or come back."""
        visit = self._visits[number - 1]
        officer = visit.officers[Side.VISITOR][-1]
        if self._left.pop(number, None) == visit.session:
            await officer.watch(visit.session)
        else:
            self._left[number] = visit.session
            await officer.stop_watching(visit.session)

    async def warning(self, number: int) -> None:
        """Have an officer of the prison warn the visitors."""
        visit = self._visits[number - 1]
        officer = visit.officers[Side.PRISON][0]
        await officer.order(visit.session, "warn", sides=["visitor"], article=GROUND, text=WORDS)

    async def alerts(self, _: int) -> None:
        """Have the terminals report what calls officers, sixteen times, or as often as so few visits allow."""
        rooms = [room for visit in self._visits for room in visit.rooms.values()]
        wanted = [(room, found) for found in _FOUND for room in rooms][:ALERTS]
        for room, found in wanted:
            room.found |= found

    async def calm(self, _: int = 0) -> None:
        """Undo all trouble that was made."""
        for visit in self._visits:
            for room in visit.rooms.values():
                room.found.update(WELL)
        for number in list(self._lost):
            await self.room(number)
        for number in list(self._left):
            await self.quorum(number)
