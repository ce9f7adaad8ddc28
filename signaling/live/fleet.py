"""What is known of all terminals: the last report of each that is connected, kept in memory and written to the store
once a minute at most, and the orders that are delivered to them on their sockets."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog
from pydantic import ValidationError

from broker.control.journal.journal import Journal
from broker.control.store.devices.reports import Kept, WaitingOrder
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import VisitError
from broker.kernel.ids import TerminalId
from signaling.api.messages.terminals import TerminalOrder, TerminalReport
from signaling.auth.scope import Terminal, author
from signaling.live.client import Client
from signaling.live.hub import Hub

log = structlog.get_logger("signaling")
ROUND_SECONDS = 5.0
WRITTEN_EVERY = timedelta(minutes=1)
DONE = "TerminalOrderDone"
"""Journal kind of an order that a terminal has carried out."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a terminal: whether it is connected, when it was last seen, and its last report; None where it
    was never seen, or has sent none."""

    connected: bool = False
    at: datetime | None = None
    reported_at: datetime | None = None
    report: TerminalReport | None = None


@dataclass(frozen=True, slots=True)
class _Latest:
    """The last sign of life of a terminal in this process, and when that was written last; None for not yet."""

    kept: Kept
    report: TerminalReport | None
    written_at: datetime | None = None
    dirty: bool = True


class Fleet:
    """All terminals, as their sockets show them. `run` it once."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, hub: Hub) -> None:
        self._store, self._journal, self._clock, self._hub = store, journal, clock, hub
        self._latest: dict[TerminalId, _Latest] = {}
        self._sent: WeakKeyDictionary[Client, set[str]] = WeakKeyDictionary()
        self._wanted, self._in_round = asyncio.Event(), asyncio.Lock()

    # ---- what comes of terminals -------------------------------------------------------------------------------

    def reported(self, terminal: Terminal, report: TerminalReport) -> None:
        """Take a report of a connected terminal."""
        now = self._clock.now().wall
        kept = Kept(now, now, report.model_dump(mode="json", exclude_none=True))
        before = self._latest.get(terminal.id)
        self._latest[terminal.id] = _Latest(kept, report, before.written_at if before else None)
        if report.done:
            self._wanted.set()

    def left(self, terminal: Terminal) -> None:
        """Note that a socket of a terminal has closed: it was seen until now."""
        before = self._latest.get(terminal.id) or _Latest(Kept(self._clock.now().wall), None)
        seen = replace(before.kept, seen_at=self._clock.now().wall)
        self._latest[terminal.id] = replace(before, kept=seen, written_at=None, dirty=True)
        self._wanted.set()

    async def seen(self) -> dict[TerminalId, Seen]:
        """Return what is known of each terminal that was ever seen. Raises StorageUnavailable."""
        kept = await self._all()
        found = {id: Seen(False, each.seen_at, each.reported_at, _read(each)) for id, each in kept.items()}
        connected, now = self._connected(), self._clock.now().wall
        return found | {id: replace(found.get(id, Seen()), connected=True, at=now) for id in connected}

    def _connected(self) -> frozenset[TerminalId]:
        return frozenset(terminal.id for terminal, _ in self._hub.terminals())

    async def _all(self) -> dict[TerminalId, Kept]:
        here = dict(self._latest)  # before the store is read: what is written meanwhile is forgotten here
        stored = await self._store.kept_reports()
        newer = {id: _merged(stored.get(id), latest.kept) for id, latest in here.items()}
        return stored | newer

    # ---- orders ------------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Deliver the orders that wait as soon as possible."""
        self._wanted.set()

    async def run(self) -> None:
        """Deliver orders and write reports down until cancelled."""
        while True:
            try:
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                pass  # a round is due
            self._wanted.clear()
            await self.round()

    async def round(self) -> None:
        """Deliver what waits and write down what is due, once. A database that does not answer is asked again in the
        next round."""
        try:
            async with self._in_round:
                await self._deliver(await self._store.waiting_orders())
                await self.write()
        except VisitError as error:
            log.warning("reports of terminals not written", code=error.code)

    async def _deliver(self, orders: list[WaitingOrder]) -> None:
        running = {terminal.id: (terminal.instance, client) for terminal, client in self._hub.terminals()}
        sent: dict[str, str] = {}
        done = [order for order in orders if self._is_done(order, running.get(order.terminal, ("",))[0])]
        for order in orders:
            if order.terminal in running and order not in done:
                instance, client = running[order.terminal]
                self._send(client, order)
                if not order.sent_to:
                    sent[order.id] = instance
        await self._store.note_orders(sent, [order.id for order in done])
        for order in done:
            self._journal.note(DONE, None, f"terminal:{order.terminal}", {"id": order.id, "order": order.order})

    def _is_done(self, order: WaitingOrder, instance: str) -> bool:
        """Whether a report says so; a restart is done as well where another program runs (`instance`, "" for none) than
        the one it was sent to."""
        latest = self._latest.get(order.terminal)
        if latest is not None and latest.report is not None and order.id in latest.report.done:
            return True
        return order.order == "restart" and bool(order.sent_to and instance) and order.sent_to != instance

    def _send(self, client: Client, order: WaitingOrder) -> None:
        sent = self._sent.setdefault(client, set())
        if order.id not in sent:
            sent.add(order.id)
            log.info("order sent", terminal=author(client.caller), order=order.order)
            client.send(TerminalOrder.model_validate({"id": order.id, "order": order.order}))

    # ---- what is written ---------------------------------------------------------------------------------------

    async def write(self, everything: bool = False) -> None:
        """Write down what is due, or `everything` that is not written yet. Raises StorageUnavailable."""
        now = self._clock.now().wall
        due = {id: latest for id, latest in self._latest.items() if latest.dirty}
        due = {id: latest for id, latest in due.items() if everything or _is_due(latest, now)}
        await self._store.keep_reports({id: latest.kept for id, latest in due.items()})
        connected = self._connected()
        for id, latest in due.items():
            if self._latest.get(id) is not latest:
                continue  # a newer one came meanwhile, or it was written by another call
            if id in connected:
                self._latest[id] = replace(latest, written_at=now, dirty=False)
            else:
                del self._latest[id]  # the store has it


def _is_due(latest: _Latest, now: datetime) -> bool:
    return latest.written_at is None or now - latest.written_at >= WRITTEN_EVERY


def _merged(stored: Kept | None, newer: Kept) -> Kept:
    """Return the newer one; its report is the stored one where it has none."""
    if stored is None or newer.report is not None:
        return newer
    return replace(newer, reported_at=stored.reported_at, report=stored.report)


def _read(kept: Kept) -> TerminalReport | None:
    """Return the report; None where there is none, or another version has written one that this one cannot read."""
    return None if kept.report is None else _parsed(kept.report)


def _parsed(report: Mapping[str, object]) -> TerminalReport | None:
    try:
        return TerminalReport.model_validate_json(json.dumps(report))
    except ValidationError as error:
        log.info("a report of another version", errors=error.error_count())
        return None
