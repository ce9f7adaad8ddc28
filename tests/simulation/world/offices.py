"""Offices beside a visit: what they enter about its people and its approval while it is booked."""

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.booking.suspension import Proposal, Taken
from broker.control.broker import Broker
from broker.kernel.ids import Side, SuspensionId, UserId
from config import pack_loader
from config.pack_loader import load_pack

if TYPE_CHECKING:
    from tests.simulation.world.visits import Visit
    from tests.simulation.world.world import World

OFFICE = UserId("office")
GROUNDS = {"yunnan": "YN-17-4", "guangdong": "GD-29-1"}


async def suspend(world: "World", visit: "Visit", chance: random.Random) -> None:
    """Suspend a person of a visit by all the steps that the rules name, as the API of the control process does."""
    slot, rules = visit.slot, load_pack(visit.slot.policy).suspension
    side = Side.PRISON if rules.subject == "prison" else Side.VISITOR
    person, home, now = slot.people_of(side)[0].id, slot.place(side).site, world.clocks.true_wall()
    ground = GROUNDS[slot.policy]
    steps = tuple(Taken(one.name, one.verdict, True, OFFICE, home, one.article, "", now) for one in rules.steps)
    proposal = Proposal(
        SuspensionId(f"sus_{chance.getrandbits(64):016x}"), slot.session, side, home, person, rules.least, ground,
        ground, "以往违规", OFFICE, home, now, ("end",), rules.steps,
    )  # fmt: skip

    async def enter(broker: Broker) -> None:
        kept = await broker.store.add_suspension(proposal)
        for number in range(len(kept.taken), len(steps)):
            await broker.store.add_suspension_step(replace(proposal, taken=steps[: number + 1]))
        await broker.rows_changed()

    if await visit.patiently("suspend", enter):
        visit.note("suspended", person=person)


def edit_pack(world: "World", name: str) -> None:
    """Make the pack's file demand three officers of each side, from now on."""
    head, found, rest = world.packs.get(name, pack_loader._find(name)[1]).partition("[min_supervisors]")
    assert found
    was = load_pack(name).sha256
    world.packs[name] = head + found + rest.replace("value = 2", "value = 3", 1)
    world.note("pack edited", "machine", pack=name, was=was, now=load_pack(name).sha256)


async def approve(visit: "Visit") -> None:
    """Give the approval of the second prison, at the moment that the plan names."""
    when = visit.plan.second
    if when is None:
        return
    await visit._until(when)
    by, article = "第二监狱审批", "第七条" if visit.slot.policy == "yunnan" else "第十六条"
    visit.note("second approval sent")
    await visit.patiently("approve", lambda broker: broker.approve_second(visit.slot.id, by, article, "user:office"))
