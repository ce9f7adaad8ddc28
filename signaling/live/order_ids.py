"""The ids of orders that were carried out. A page that gets no answer cannot know whether its order arrived: it asks
for the order's id, or sends the order again under the same id, and an order counts once however often it arrives. What
is late is not wanted any more, as a resumption for which its officer has telephoned meanwhile, is taken back by its id:
it may still be under way on the old connection, and is refused when it comes.

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
class KnownOrder:
    """An order that was carried out, or taken back before, with the moment. `content`: what it said, to tell it from
    another one of its id; None for one that was taken back."""

    session: str
    content: str | None
    at: datetime
    mono: float


class OrderIds:
    """The orders of each author by their ids, the latest last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._authors: OrderedDict[str, OrderedDict[str, KnownOrder]] = OrderedDict()

    def carried_out(self, author: str, id: str, session: str) -> KnownOrder | None:
        """Return the order that this author sent to a session under an id, None where none was carried out."""
        found = self._found(author, id)
        return found if found is not None and found.session == session and found.content is not None else None

    def take_back(self, author: str, id: str, session: str) -> KnownOrder | None:
        """Return the order under an id that was carried out; where none was, refuse it from now on, and return None."""
        if self._found(author, id) is None:
            self._keep(author, id, session, None)
        return self.carried_out(author, id, session)

    def repeats(self, author: str, id: str, session: str, order: Order) -> bool:
        """Whether this order was carried out before under its id. Raises Conflict where another one was, or where it
        was taken back."""
        found = self._found(author, id)
        if found is None:
            return False
        if found.content is None:
            raise Conflict("This order was taken back before it arrived.", "该指令在送达之前已撤回，不再执行。")
        if (found.session, found.content) != (session, content_of(order)):
            raise Conflict("This id belongs to another order.", "该指令编号已用于其他指令。")
        return True

    def _found(self, author: str, id: str) -> KnownOrder | None:
        kept = self._authors.get(author)
        found = kept.get(id) if kept is not None else None
        return found if found is not None and self._clock.now().mono - found.mono <= KEPT_SECONDS else None

    def remember(self, author: str, id: str, session: str, order: Order) -> None:
        """Remember that an order was carried out."""
        self._keep(author, id, session, content_of(order))

    def _keep(self, author: str, id: str, session: str, content: str | None) -> None:
        now = self._clock.now()
        kept = self._authors.setdefault(author, OrderedDict())
        kept[id] = KnownOrder(session, content, now.wall, now.mono)
        self._authors.move_to_end(author)
        while len(kept) > PER_AUTHOR:
            kept.popitem(last=False)
        while len(self._authors) > AUTHORS:
            self._authors.popitem(last=False)


def content_of(order: Order) -> str:
    """What an order says, in one spelling: by REST and by WebSocket the same."""
    content = order.model_dump(mode="json", exclude={"id", "session", "type", "order"})
    return f"{order.order_type} {json.dumps(content, sort_keys=True, ensure_ascii=False)}"
