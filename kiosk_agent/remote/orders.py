"""Orders of the server that are not about a session: a test of the equipment, and a restart of this program. An order
comes until the server has heard that it is done, so that each is carried out once, by its id; a restart waits until the
room has no visit."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from signaling.api.messages.terminals import MOST_DONE, TerminalOrder

Kind = Literal["test", "restart"]


class Orders:
    """Orders that wait, and those that were carried out. `test` has the equipment tested, `restart` ends the program;
    neither is called again while its order waits."""

    def __init__(self, test: Callable[[], None], restart: Callable[[], None]) -> None:
        self._test, self._restart = test, restart
        self._waiting: OrderedDict[str, Kind] = OrderedDict()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._free = False

    @property
    def done(self) -> list[str]:
        """The orders that were carried out, the newest last."""
        return list(self._done)

    def take(self, order: TerminalOrder) -> None:
        """Carry out an order, at once or as soon as the room is free; one that is known already is not begun again."""
        if order.id in self._done or order.id in self._waiting or len(self._waiting) >= MOST_DONE:
            return
        self._waiting[order.id] = order.order
        if order.order == "test":
            self._test()
        elif self._free:
            self._begin_restart()

    def tested(self) -> bool:
        """Note that the equipment was tested; return whether that was ordered."""
        return self._finish("test")

    def room_is(self, free: bool) -> None:
        """Note whether the room is free of visits, and begin a restart that has waited for it."""
        self._free = free
        if free and "restart" in self._waiting.values():
            self._begin_restart()

    def _begin_restart(self) -> None:
        self._finish("restart")
        self._restart()

    def _finish(self, kind: Kind) -> bool:
        finished = [id for id, waiting in self._waiting.items() if waiting == kind]
        for id in finished:
            del self._waiting[id]
            self._done[id] = None
        while len(self._done) > MOST_DONE:
            self._done.popitem(last=False)
        return bool(finished)
