"""What a seed means: which visits there are, who comes when, what officers order, and which faults happen. Everything
is drawn before the world begins, so that a plan can be read, and made smaller when it fails."""

import random
from dataclasses import dataclass, replace

from broker.kernel.ids import Side

ROOMS = 2
FAULTS = (
    "kill control",
    "kill relay",
    "kill recorder",
    "kill recorder at disk",
    "kill all",
    "power cut",
    "stop control",
    "stop relay",
    "stop recorder",
    "room line lost",
    "room line flickers",
    "room power lost",
    "room does not watch",
    "room sends garbage",
    "officer leaves",
    "officer line lost",
    "page hidden",
    "page silent",
    "officers flicker",
    "officer asleep",
    "wall clock steps",
    "disk full",
    "disk slow",
    "syncs fail",
    "database locked",
    "database gone",
    "database slow",
    "network slow",
    "tap cut",
    "commands cut",
    "datagrams disordered",
    "orders twice",
    "approval withdrawn while down",
)
"""Kinds of faults; `faults.py` has a function for each."""
ENTRIES = ("suspended meanwhile", "pack edited")
"""What offices enter meanwhile; `faults.py` has a function for each of these, too."""
ORDERS = ("hold", "resume", "end", "end completed", "cancel", "extend", "warn", "mute", "unlawful")


@dataclass(frozen=True)
class Fault:
    """A fault at a true second, for `seconds`; `salt` decides what the kind leaves open (which room, how far)."""

    at: float
    kind: str
    seconds: float
    salt: int


@dataclass(frozen=True)
class OrderPlan:
    """An order of an officer of a side at a true second."""

    at: float
    kind: str
    side: Side
    salt: int


@dataclass(frozen=True)
class VisitPlan:
    """A planned visit, in true seconds. `checks`: when staff of each side have checked all in, None for never."""

    number: int
    room: int
    starts: float
    minutes: int
    length: float
    booked: float
    checks: dict[Side, float | None]
    orders: tuple[OrderPlan, ...]
    second: float | None = None
    """When the second prison approves, in a visit between two of them; None for never."""
    untold: Side | None = None
    """The side whose room never acknowledges the rules."""

    @property
    def ends(self) -> float:
        """The end of the slot."""
        return self.starts + self.length


@dataclass(frozen=True)
class Plan:
    """The plan of one world. `healed`: from this second on nothing more goes wrong; `until`: the world's end."""

    seed: int
    pack: str
    visits: tuple[VisitPlan, ...]
    faults: tuple[Fault, ...]
    healed: float
    until: float
    officers: int = 2
    """Officers of each site."""
    drift: float = 0.0
    """Seconds that the wall clock gains in each second."""
    between: bool = False
    """Whether the visits are between two prisons (Yunnan 7, Guangdong 16)."""


def plan_of(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(f"plan {seed}")
    pack = chance.choice(("yunnan", "yunnan", "guangdong"))
    visits = tuple(_visits(chance))
    last = max(visit.ends for visit in visits)
    healed = last - 20.0
    count = chance.choice((0, 1, 1, 2, 2, 3, 4, 6))
    faults = tuple(sorted((_fault(chance, healed) for _ in range(count)), key=lambda fault: fault.at))
    drift = chance.choice((0.0, 0.0, 2e-4, -2e-4))
    plan = Plan(seed, pack, visits, faults, healed, last + 260.0, chance.choice((2, 2, 3)), drift)
    return _with_offices(plan, random.Random(f"offices {seed}"))


def _with_offices(plan: Plan, chance: random.Random) -> Plan:
    """Add what offices do meanwhile, by a chance of its own: the plans of most seeds are what they were without."""
    if chance.random() < 0.1:
        latest = max(visit.starts for visit in plan.visits) + 20.0
        entry = Fault(chance.uniform(5.0, latest), chance.choice(ENTRIES), 0.0, chance.getrandbits(32))
        plan = replace(plan, faults=tuple(sorted((*plan.faults, entry), key=lambda fault: fault.at)))
    if chance.random() < 0.1:
        visits = tuple(_approved_twice(chance, visit) for visit in plan.visits)
        plan = replace(plan, between=True, visits=visits)
    if chance.random() < 0.05:
        side = chance.choice(list(Side))
        plan = replace(plan, visits=(replace(plan.visits[0], untold=side), *plan.visits[1:]))
    return plan


def _approved_twice(chance: random.Random, visit: VisitPlan) -> VisitPlan:
    """Let the second prison approve, if it does; no person is checked in before that."""
    early, late = chance.uniform(visit.booked, visit.starts), visit.starts + chance.uniform(0.0, 30.0)
    second = chance.choice((None, early, late))
    after = 0.0 if second is None else second + 1.0
    checks = {side: None if at is None else max(at, after) for side, at in visit.checks.items()}
    return replace(visit, second=second, checks=checks)


def _visits(chance: random.Random) -> list[VisitPlan]:
    found: list[VisitPlan] = []
    for room in range(chance.choice((1, 1, 2))):
        begins = chance.uniform(15.0, 30.0)
        for _ in range(chance.choice((1, 1, 2))):
            visit = _visit(chance, len(found), room, begins)
            found.append(visit)
            begins = visit.ends + chance.uniform(1.0, 12.0)
    return found


def _visit(chance: random.Random, number: int, room: int, starts: float) -> VisitPlan:
    minutes = chance.choice((1,) * 12 + (2, 2, 2, 5))
    length = minutes * 60 + chance.choice((0.0, 10.0, 30.0, 30.0, 90.0))
    checks: dict[Side, float | None] = {side: starts - chance.uniform(2.0, 10.0) for side in Side}
    if chance.random() < 0.15:
        checks[chance.choice(list(Side))] = chance.choice((None, starts + chance.uniform(1.0, 40.0)))
    orders = sorted((_order(chance, starts, length) for _ in range(chance.choice((0, 0, 1, 2, 3)))), key=lambda o: o.at)
    return VisitPlan(number, room, starts, minutes, length, chance.uniform(0.5, 4.0), checks, tuple(orders))


def plain(seed: int, faults: tuple[Fault, ...] = (), orders: tuple[OrderPlan, ...] = (), minutes: int = 1) -> Plan:
    """Return a plan of one visit at 15 s, in a slot with a minute to spare, in which only these faults happen."""
    starts, length = 15.0, 60.0 * minutes + 60.0
    checks: dict[Side, float | None] = {Side.PRISON: 9.0, Side.VISITOR: 10.0}
    visit = VisitPlan(0, 0, starts, minutes, length, 0.5, checks, orders)
    return Plan(seed, "yunnan", (visit,), faults, starts + length - 20.0, starts + length + 260.0)


def between_prisons(plan: Plan) -> Plan:
    """Return the plan of a visit between two prisons, of which the second one never approves."""
    return replace(plan, between=True)


def untold(plan: Plan) -> Plan:
    """Return the plan with the visitors' room of the first visit never acknowledging the rules."""
    return replace(plan, visits=(replace(plan.visits[0], untold=Side.VISITOR), *plan.visits[1:]))


def _order(chance: random.Random, starts: float, length: float) -> OrderPlan:
    at = chance.uniform(starts - 10.0, starts + length)
    return OrderPlan(at, chance.choice(ORDERS), chance.choice(list(Side)), chance.getrandbits(32))


def _fault(chance: random.Random, healed: float) -> Fault:
    seconds = chance.choice((0.3, 1.0, 2.5, 5.0, 15.0, 40.0))
    at = chance.uniform(8.0, max(healed - seconds, 9.0))
    return Fault(at, chance.choice(FAULTS), min(seconds, healed - at), chance.getrandbits(32))


__all__ = [
    "ENTRIES",
    "FAULTS",
    "ORDERS",
    "ROOMS",
    "Fault",
    "OrderPlan",
    "Plan",
    "Side",
    "VisitPlan",
    "between_prisons",
    "plain",
    "plan_of",
    "untold",
]
