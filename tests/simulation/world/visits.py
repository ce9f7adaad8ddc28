"""One visit as the world plans it: the slot is booked, staff check people in, and officers order what the plan says."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from broker.booking.slot import Person, Place, Slot
from broker.kernel.errors import VisitError
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId, UserId
from broker.session import events as ev
from config.check_in import Manner, Tick
from config.pack_loader import load_pack
from tests.simulation.plans import OrderPlan, VisitPlan
from tests.simulation.world import offices
from tests.simulation.world.clocks import BEGIN
from tests.simulation.world.front import Unreachable
from tests.simulation.world.orders import ORDERS

if TYPE_CHECKING:
    from tests.simulation.world.world import World


class Visit:
    """A planned visit in its world. Its name in the story is that of its session."""

    def __init__(self, world: "World", plan: VisitPlan, pack: str, prison: str, visitor: str, between: bool) -> None:
        self._world, self.plan = world, plan
        self.slot = _slot(plan, pack, prison, visitor, between)
        self.name = str(self.slot.session)

    async def run(self) -> None:
        """Book the visit, and let staff do what is planned."""
        world = self._world
        await self._until(self.plan.booked)
        if not await self.patiently("book", lambda broker: broker.add_slot(self.slot, "integrator:world")):
            return
        plan = self.plan
        world.note("booked", self.name, starts=round(plan.starts, 3), minutes=plan.minutes, length=plan.length)
        for side in Side:
            world.loop.create_task(self._check_in(side))
        for order in self.plan.orders:
            world.loop.create_task(self._order(order))
        world.loop.create_task(offices.approve(self))

    async def _check_in(self, side: Side) -> None:
        plan, when = self.plan, self.plan.checks[side]
        if when is None:
            return
        await self._until(when)
        officer = UserId(f"{self.slot.place(side).site}-0")
        facts: list[ev.Fact] = [
            ev.SeatReady(side, True, officer),
            ev.SelfTested(side, True, f"trm_{side}", {"camera": "passed"}),
        ]
        if plan.untold is not side:
            text = load_pack(self.slot.policy).rules_text.id
            facts.append(ev.RulesAcknowledged(side, f"trm_{side}", text, "zh", Manner.UNATTENDED))
        ticks = tuple(tick for tick in Tick if tick is not Tick.LETTER)
        for person in self.slot.people_of(side):
            own = ticks if not person.inmate else (Tick.IDENTITY, Tick.SECURITY, Tick.RULES)
            facts.append(ev.PersonCheckedIn(side, person.id, officer, own))
        done = [
            await self.patiently("check in", lambda broker, fact=fact: broker.tell(self.slot.session, fact))
            for fact in facts
        ]
        if all(done):
            self._world.note("checked in", self.name, side=str(side))

    async def _order(self, order: OrderPlan) -> None:
        await self._until(order.at)
        await ORDERS[order.kind](self, order, random.Random(order.salt))

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self._world.scheduler.now))

    async def patiently(self, what: str, call: Callable[[Any], Any]) -> bool:
        """Ask until it is done or refused for good; whether it was done."""
        while not self._world.over:
            with suppress(Unreachable):
                try:
                    await self._world.front.ask(call)
                except VisitError as error:
                    if error.http_status < 500:
                        self._world.note("refused", self.name, what=what, why=error.code)
                        return False
                else:
                    return True
            await asyncio.sleep(1.0)
        return False

    def note(self, kind: str, **facts: Any) -> None:
        """Write down what happened in this visit."""
        self._world.note(kind, self.name, **facts)

    async def once(self, what: str, call: Callable[[Any], Any], **facts: Any) -> bool:
        """Ask once; whether it was done. What comes of it is written down."""
        try:
            await self._world.front.ask(call)
        except Unreachable:
            self._world.note("unanswered", self.name, what=what, **facts)
            return False
        except VisitError as error:
            self._world.note("refused", self.name, what=what, why=error.code, **facts)
            return False
        self._world.note("ordered", self.name, what=what, **facts)
        return True

    def cancel_in_row(self) -> None:
        """Withdraw the approval in the database alone, as an admin command does."""
        statement = "UPDATE slots SET cancelled_at = ? WHERE id = ? AND cancelled_at IS NULL"
        if self._world.broker is None and self._world.execute(statement, self._world.stamp(), self.slot.id):
            self._world.note("row cancelled", self.name)


def _slot(plan: VisitPlan, pack: str, prison: str, visitor: str, between: bool) -> Slot:
    starts = BEGIN + timedelta(seconds=plan.starts)
    return Slot(
        id=SlotId(f"slt_{plan.number}"),
        session=SessionId(f"ses_{plan.number}"),
        prison=Place(SiteId(prison), RoomId(f"{prison}-{plan.room}")),
        visitor=Place(SiteId(visitor), RoomId(f"{visitor}-{plan.room}")),
        starts_at=starts,
        ends_at=starts + timedelta(seconds=plan.length),
        minutes=plan.minutes,
        people=(
            Person(PersonId(f"in-{plan.number}"), Side.PRISON, "甲"),
            Person(PersonId(f"kin-{plan.number}"), Side.VISITOR, "乙", "母亲", detained=between),
        ),
        approved_by="监狱审批",
        article="云南 第八条" if pack == "yunnan" else "广东 第二十一条",
        policy=pack,
    )
