"""What officers order in a visit, lawful or not: one function a kind. The story says what was asked and what came of
it."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.kernel.ids import ApprovalId, Side, UserId, WarningId, new_id
from broker.session import events as ev
from tests.simulation.plans import OrderPlan

if TYPE_CHECKING:
    from tests.simulation.world.visits import Visit

Order = Callable[["Visit", OrderPlan, random.Random], Awaitable[object]]
TECHNICAL = {"yunnan": "YN-18", "guangdong": "GD-36"}
REMINDERS = {"yunnan": ("YN-16-1", "YN-16-2", "YN-16-6"), "guangdong": ("GD-25-3", "GD-25-9")}
ENDS = {"yunnan": ("YN-17-4", "YN-17-8", "YN-17-10"), "guangdong": ("GD-29-1", "GD-29-3")}
COMPLETED = "END-COMPLETED"


def _who(visit: "Visit", order: OrderPlan) -> tuple[UserId, str]:
    site = visit.slot.place(order.side).site
    return UserId(f"{site}-0"), site


async def _hold(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    by, site = _who(visit, order)
    pack = visit.slot.policy
    code = chance.choice((TECHNICAL[pack], *ENDS[pack]))
    fact = ev.HoldOrdered(by, site, code, "观察")  # type: ignore[arg-type]
    done = await visit.once("hold", lambda broker: broker.tell(visit.slot.session, fact), code=code, side=order.side)
    if done and chance.random() < 0.5:
        await visit._until(order.at + chance.uniform(1.0, 60.0))
        await _resume(visit, order, chance)


async def _resume(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    by, site = _who(visit, order)
    fact = ev.ResumeOrdered(by, site, "恢复")  # type: ignore[arg-type]
    await visit.once("resume", lambda broker: broker.tell(visit.slot.session, fact), side=order.side)


async def _end(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    by, site = _who(visit, order)
    pack = visit.slot.policy
    code = chance.choice((TECHNICAL[pack], *ENDS[pack]))
    fact = ev.EndOrdered(by, site, code, "依规终止")  # type: ignore[arg-type]
    await visit.once("end", lambda broker: broker.tell(visit.slot.session, fact), code=code, side=order.side)


async def _end_completed(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    """One side says that it has finished, by an officer or its room, and may take it back; the other may too."""
    await _finished(visit, order.side, chance)
    if chance.random() < 0.3:
        await visit._until(order.at + chance.uniform(0.5, 5.0))
        by, site = _who(visit, order)
        back = ev.FarewellWithdrawn(order.side, by, site)  # type: ignore[arg-type]
        done = await visit.once("take back", lambda broker: broker.tell(visit.slot.session, back), side=order.side)
        if done:
            visit.note("took back", side=str(order.side))
    if chance.random() < 0.6:
        await visit._until(order.at + chance.uniform(1.0, 20.0))
        await _finished(visit, chance.choice((order.side.other, order.side.other, order.side)), chance)


async def _finished(visit: "Visit", side: Side, chance: random.Random) -> None:
    site = visit.slot.place(side).site
    fact: ev.Fact = ev.EndOrdered(UserId(f"{site}-{chance.randrange(2)}"), site, COMPLETED, "双方道别")
    if chance.random() < 0.4:
        fact = ev.RoomFinished(side, f"trm_{side}")
    if await visit.once("farewell", lambda broker: broker.tell(visit.slot.session, fact), side=side):
        visit.note("finished", side=str(side))


async def _cancel(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    """Withdraw the approval by the running service, with or without the code that one needs after a check-in."""
    code, note = chance.choice(
        (("", ""), (TECHNICAL[visit.slot.policy], "设备故障"), (ENDS[visit.slot.policy][0], "违规"))
    )
    await visit.once("cancel", lambda broker: broker.cancel_slot(visit.slot.id, "user:warden", code, note), code=code)


async def _extend(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    site, minutes = visit.slot.prison.site, chance.choice((5, 10, 7, 45))
    article = "YN-14-FAMILY" if visit.slot.policy == "yunnan" else "GD-22"
    role = chance.choice(("approver", "approver", "supervisor"))
    approval = ev.ExtensionApproved(
        ApprovalId(new_id("apr")),
        visit.slot.session,
        UserId("warden"),
        site,
        role,
        timedelta(minutes=minutes),
        article,
        "家庭变故",
    )
    await visit.once("extend", lambda broker: broker.extend(approval), minutes=minutes, role=role)


async def _warn(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    by, site = _who(visit, order)
    code = chance.choice(REMINDERS[visit.slot.policy])
    fact = ev.WarningGiven(
        WarningId(new_id("wrn")),
        by,
        site,  # type: ignore[arg-type]
        (order.side,),
        code,
        "请遵守规定",
        "Keep the rules.",
    )
    await visit.once("warn", lambda broker: broker.tell(visit.slot.session, fact), code=code)


async def _mute(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    by, site = _who(visit, order)
    code = chance.choice(REMINDERS[visit.slot.policy])
    for on in (True, False):
        fact = ev.MuteOrdered(by, site, order.side, on, code, "")  # type: ignore[arg-type]
        await visit.once(
            "mute", lambda broker, fact=fact: broker.tell(visit.slot.session, fact), side=order.side, on=on
        )
        await visit._until(order.at + chance.uniform(2.0, 20.0))


async def _unlawful(visit: "Visit", order: OrderPlan, chance: random.Random) -> None:
    """An order that no code allows: it must be refused, whatever the state."""
    by, site = _who(visit, order)
    pack = visit.slot.policy
    fact = chance.choice(
        (
            ev.EndOrdered(by, site, "YN-99", "随意"),  # type: ignore[arg-type]
            ev.HoldOrdered(by, site, COMPLETED, "随意"),  # type: ignore[arg-type]
            ev.WarningGiven(WarningId(new_id("wrn")), by, site, (order.side,), ENDS[pack][0], "注意", "Mind."),  # type: ignore[arg-type]
        )
    )
    done = await visit.once("unlawful", lambda broker: broker.tell(visit.slot.session, fact), order=type(fact).__name__)
    if done:
        visit._world.note("unlawful order taken", visit.name, order=type(fact).__name__)


ORDERS: dict[str, Order] = {
    "hold": _hold,
    "resume": _resume,
    "end": _end,
    "end completed": _end_completed,
    "cancel": _cancel,
    "extend": _extend,
    "warn": _warn,
    "mute": _mute,
    "unlawful": _unlawful,
}
