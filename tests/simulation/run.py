"""A run: from a seed, or a plan, to the story, and what the oracles say of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.simulation import faults
from tests.simulation.engine.scheduler import Stuck
from tests.simulation.oracles.findings import Finding
from tests.simulation.oracles.oracles import ORACLES
from tests.simulation.oracles.remains import Remains
from tests.simulation.plans import Plan, Side, plan_of
from tests.simulation.story import Story
from tests.simulation.world.people import Officer, Room
from tests.simulation.world.visits import Visit
from tests.simulation.world.world import PROVINCES, SECOND_PRISONS, World, made


@dataclass(frozen=True)
class Outcome:
    """What came of a plan."""

    plan: Plan
    story: Story
    findings: tuple[Finding, ...]
    calls: int

    @property
    def digest(self) -> str:
        """A short name of the whole story: equal for equal stories."""
        return hashlib.sha256(self.story.text().encode()).hexdigest()[:16]


def simulate(seed: int) -> Outcome:
    """Run the plan of a seed."""
    return run(plan_of(seed))


def run(plan: Plan) -> Outcome:
    """Run a plan and judge its story."""
    with made(plan.seed) as world:
        _furnish(world, plan)
        faults.schedule(world, plan.faults)
        try:
            world.run(plan.until, max(visit.ends for visit in plan.visits) + 12.0)
        except Stuck as error:
            world.note("stuck", "world", why=str(error))
        remains = Remains.of(world)
        story, calls = world.story, world.scheduler.calls
    found = [finding for oracle in ORACLES for finding in oracle(plan, story, remains)]
    return Outcome(plan, story, tuple(found), calls)


def _furnish(world: World, plan: Plan) -> None:
    """Put rooms, officers and visits into the world."""
    prison, bureau = PROVINCES[plan.pack]
    visitors = SECOND_PRISONS[plan.pack] if plan.between else bureau
    world.clocks.drift = plan.drift
    for planned in plan.visits:
        visit = Visit(world, planned, plan.pack, prison, visitors, plan.between)
        world.visits.append(visit)
        for side in Side:
            world.rooms.append(Room(world, visit.slot, planned.number, side))
    for site in (prison, visitors):
        for number in range(plan.officers):
            officer = Officer(world, f"{site}-{number}", site)
            officer.visits = list(world.visits)
            world.officers.append(officer)


def smaller(plan: Plan, names: Sequence[str]) -> Plan:
    """Return a plan with fewer faults and orders that still breaks one of these oracles."""
    best, again = plan, True
    while again:
        again = False
        for number in range(len(best.faults)):
            fewer = replace(best, faults=best.faults[:number] + best.faults[number + 1 :])
            if any(finding.oracle in names for finding in run(fewer).findings):
                best, again = fewer, True
                break
    return best
