"""The ids of orders that were carried out. A page that gets no answer cannot know whether its order arrived: it asks
for the order's id, or sends the order again under the same id, and an order counts once however often it arrives.

The memory ends with the process. After a restart the same order is judged anew by the core, which refuses to hold, end
or mute twice."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict
from signaling.api.messages.orders import Order

KEPT_SECONDS = 3600.0
"""How long an id is remembered: far longer than a page waits for the outcome of an order."""
PER_AUTHOR = 64
"""Ids that are remembered of one author; the oldest goes first."""
AUTHORS = 4096
"""Authors of whom ids are remembered; the one who was silent longest goes first."""


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """An order that was carried out, with the moment: what it said is kept to tell it from another one of its id."""

    session: str
    content: str
    at: datetime
    mono: float


class OrderIds:
    """The orders of each author by their ids, the latest last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._authors: OrderedDict[str, OrderedDict[str, CarriedOut]] = OrderedDict()

    def carried_out(self, author: str, id: str, session: str) -> CarriedOut | None:
        """Return the order that this author sent to a session under an id, None where none was carried out."""
        found = self._found(author, id)
        return found if found is not None and found.session == session else None

    def repeats(self, author: str, id: str, session: str, order: Order) -> bool:
        """Whether this order was carried out before under its id. Raises Conflict where another one was."""
        found = self._found(author, id)
        if found is None:
            return False
        if (found.session, found.content) != (session, content_of(order)):
            raise Conflict("This id belongs to another order.", "该指令编号已用于其他指令。")
        return True

    def _found(self, author: str, id: str) -> CarriedOut | None:
        kept = self._authors.get(author)
        found = kept.get(id) if kept is not None else None
        return found if found is not None and self._clock.now().mono - found.mono <= KEPT_SECONDS else None

    def remember(self, author: str, id: str, session: str, order: Order) -> None:
        """Remember that an order was carried out."""
        now = self._clock.now()
        kept = self._authors.setdefault(author, OrderedDict())
        kept[id] = CarriedOut(session, content_of(order), now.wall, now.mono)
        self._authors.move_to_end(author)
        while len(kept) > PER_AUTHOR:
            kept.popitem(last=False)
        while len(self._authors) > AUTHORS:
            self._authors.popitem(last=False)


def content_of(order: Order) -> str:
    """What an order says, in one spelling: by REST and by WebSocket the same."""
    content = order.model_dump(mode="json", exclude={"id", "session", "type", "order"})
    return f"{order.order_type} {json.dumps(content, sort_keys=True, ensure_ascii=False)}"
