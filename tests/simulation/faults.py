"""Faults: what goes wrong in a world, one function a kind. Each begins something, and ends it after its seconds.

To add one: name it in `plans.FAULTS`, and write its function here under the same name in `FAULTS`. Nothing may go wrong
after `Plan.healed`."""

import random
from collections.abc import Callable

from tests.simulation.plans import Fault
from tests.simulation.world import offices
from tests.simulation.world.people import Officer, Room
from tests.simulation.world.world import World

Begin = Callable[[World, Fault, random.Random], Callable[[], None] | None]
"""Begins a fault; returns what ends it, where it lasts."""


def schedule(world: World, faults: tuple[Fault, ...]) -> None:
    """Let all faults happen at their moments."""
    for fault in faults:
        world.loop.call_at(fault.at, _begin, world, fault)


def _begin(world: World, fault: Fault) -> None:
    chance = random.Random(fault.salt)
    world.story.faults[fault.kind] += 1
    world.note("fault begins", "world", what=fault.kind, seconds=round(fault.seconds, 2))
    end = FAULTS[fault.kind](world, fault, chance)
    if end is not None:
        world.loop.call_later(fault.seconds, end)


def _kill(name: str) -> Begin:
    def begin(world: World, fault: Fault, chance: random.Random) -> None:
        world.kill(name, chance.choice((0.0, 0.0, fault.seconds)))

    return begin


def _kill_recorder_at_disk(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    world.disk.dies_after = chance.randrange(1, 60)

    def end() -> None:
        world.disk.dies_after = None

    return end


def _kill_all(world: World, fault: Fault, chance: random.Random) -> None:
    for name in ("control", "relay", "recorder"):
        world.kill(name, chance.choice((0.0, fault.seconds)))


def _power_cut(world: World, fault: Fault, chance: random.Random) -> None:
    world.cut_power(fault.seconds, chance)


def _stop(name: str) -> Begin:
    def begin(world: World, fault: Fault, chance: random.Random) -> None:
        world.processes[name].stop(fault.seconds)

    return begin


def _room(world: World, chance: random.Random) -> Room:
    return chance.choice(world.rooms)


def _room_line_lost(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    room = _room(world, chance)
    room.set_line(False)
    return lambda: room.set_line(True)


def _room_line_flickers(world: World, fault: Fault, chance: random.Random) -> None:
    room, at = _room(world, chance), 0.0
    while at < fault.seconds:
        away = chance.uniform(0.3, 4.0)
        world.loop.call_later(at, room.set_line, False)
        world.loop.call_later(min(at + away, fault.seconds), room.set_line, True)
        at += away + chance.uniform(0.2, 3.0)


def _room_power_lost(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    room = _room(world, chance)
    room.set_power(False)
    return lambda: room.set_power(True)


def _room_does_not_watch(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    room = _room(world, chance)
    room.set_screen(False)
    return lambda: room.set_screen(True)


def _room_sends_garbage(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    room = _room(world, chance)
    room.set_garbled(True)
    world.note("garbage begins", str(room.slot.session), side=str(room.side), seconds=fault.seconds)
    return lambda: room.set_garbled(False)


def _officers(world: World, chance: random.Random) -> list[Officer]:
    """One officer, or enough of one site that its quorum is lost."""
    site = chance.choice(sorted({officer.watcher.site for officer in world.officers}))
    there = [officer for officer in world.officers if officer.watcher.site == site]
    return chance.sample(there, chance.randrange(1, len(there) + 1))


def _officer_leaves(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    gone = _officers(world, chance)
    for officer in gone:
        officer.leave()

    def end() -> None:
        for officer in gone:
            officer.come()

    return end


def _officer_line_lost(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    gone = _officers(world, chance)
    for officer in gone:
        officer.set_line(False)

    def end() -> None:
        for officer in gone:
            officer.set_line(True)

    return end


def _page(attribute: str) -> Begin:
    def begin(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
        found = _officers(world, chance)
        for officer in found:
            officer.set_page(attribute, False)

        def end() -> None:
            for officer in found:
                officer.set_page(attribute, True)

        return end

    return begin


def _officers_flicker(world: World, fault: Fault, chance: random.Random) -> None:
    found, at = _officers(world, chance), 0.0
    while at < fault.seconds:
        away = chance.uniform(0.2, 3.0)
        for officer in found:
            world.loop.call_later(at, officer.set_page, "visible", False)
            world.loop.call_later(min(at + away, fault.seconds), officer.set_page, "visible", True)
        at += away + chance.uniform(0.2, 3.0)


def _wall_clock_steps(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    seconds = chance.choice((-1, 1)) * chance.choice((1.0, 5.0, 30.0, 120.0, 900.0, 3600.0, 86_400.0))
    world.clocks.step(seconds)
    world.clocks.disciplined = chance.random() < 0.5
    world.note("clock stepped", "machine", seconds=seconds)

    def end() -> None:
        world.clocks.step(-seconds)
        world.clocks.disciplined = True
        world.note("clock stepped", "machine", seconds=-seconds)

    return end


def _disk_full(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    before, world.disk.free = world.disk.free, chance.choice((0, 1 << 24, 1 << 26, 1 << 27))
    world.disk.full = world.disk.free == 0

    def end() -> None:
        world.disk.free, world.disk.full = before, False

    return end


def _disk_slow(world: World, fault: Fault, chance: random.Random) -> None:
    world.disk_slow_until = world.scheduler.now + fault.seconds


def _syncs_fail(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    world.disk.failing_syncs = True

    def end() -> None:
        world.disk.failing_syncs = False

    return end


def _database(attribute: str) -> Begin:
    def begin(world: World, fault: Fault, chance: random.Random) -> None:
        setattr(world.trouble, attribute, world.scheduler.now + fault.seconds)

    return begin


def _network_slow(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    world.slowness = chance.choice((5.0, 20.0, 60.0))

    def end() -> None:
        world.slowness = 1.0

    return end


def _tap_cut(world: World, fault: Fault, chance: random.Random) -> None:
    if world.worker is not None:
        world.worker.cut_tap()


def _commands_cut(world: World, fault: Fault, chance: random.Random) -> None:
    """Break the connections of the control process to the others; they are made again."""
    loop = world.processes["control"].loop
    ends = [one for one in world.network.transports if one.loop is loop and not one.closed]
    for end in ends:
        world.network.cut(end)


def _datagrams_disordered(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    """What rooms send comes twice and out of order, as UDP may deliver it."""
    room = _room(world, chance)
    room.disorder = random.Random(fault.salt)

    def end() -> None:
        room.disorder = None

    return end


def _orders_twice(world: World, fault: Fault, chance: random.Random) -> Callable[[], None]:
    """Clients ask the control process twice, as they do when they saw no answer."""
    world.front.twice = random.Random(fault.salt)

    def end() -> None:
        world.front.twice = None

    return end


def _withdrawn_while_down(world: World, fault: Fault, chance: random.Random) -> None:
    """The approval of a visit is withdrawn by the database alone, while no control process runs."""
    visit = chance.choice(world.visits)
    world.kill("control", max(fault.seconds, 3.0))
    world.loop.call_later(chance.uniform(0.2, 2.5), visit.cancel_in_row)


def _suspended_meanwhile(world: World, fault: Fault, chance: random.Random) -> None:
    """The offices suspend the visits of a person whose visit is booked already."""
    world.loop.create_task(offices.suspend(world, chance.choice(world.visits), chance))


def _pack_edited(world: World, fault: Fault, chance: random.Random) -> None:
    """An admin edits the file of the pack, and the control process is started again, as an update does."""
    offices.edit_pack(world, world.visits[0].slot.policy)
    world.kill("control")


FAULTS: dict[str, Begin] = {
    "kill control": _kill("control"),
    "kill relay": _kill("relay"),
    "kill recorder": _kill("recorder"),
    "kill recorder at disk": _kill_recorder_at_disk,
    "kill all": _kill_all,
    "power cut": _power_cut,
    "stop control": _stop("control"),
    "stop relay": _stop("relay"),
    "stop recorder": _stop("recorder"),
    "room line lost": _room_line_lost,
    "room line flickers": _room_line_flickers,
    "room power lost": _room_power_lost,
    "room does not watch": _room_does_not_watch,
    "room sends garbage": _room_sends_garbage,
    "officer leaves": _officer_leaves,
    "officer line lost": _officer_line_lost,
    "page hidden": _page("visible"),
    "page silent": _page("page_up"),
    "officers flicker": _officers_flicker,
    "officer asleep": _page("answers"),
    "wall clock steps": _wall_clock_steps,
    "disk full": _disk_full,
    "disk slow": _disk_slow,
    "syncs fail": _syncs_fail,
    "database locked": _database("locked_until"),
    "database gone": _database("gone_until"),
    "database slow": _database("slow_until"),
    "network slow": _network_slow,
    "tap cut": _tap_cut,
    "commands cut": _commands_cut,
    "datagrams disordered": _datagrams_disordered,
    "orders twice": _orders_twice,
    "approval withdrawn while down": _withdrawn_while_down,
    "suspended meanwhile": _suspended_meanwhile,
    "pack edited": _pack_edited,
}
