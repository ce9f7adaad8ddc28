"""One flood beside a visit: a quiet stretch, the same stretch under attack, and what differs.

The quiet stretch has the same arrivals, so that a busy machine is not taken for an attack that works. A pause of the
far room is what the kernel's stamps say, less what the sending kiosk itself was late.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broker.kernel.ids import Side
from tests.hostile.rows.row import Limits, Row
from tests.hostile.service import Costs, Watch
from tests.hostile.stage import Stage

SETTLE = 1.0  # seconds from the start of an attack until the others come, and after its end
AGAIN = 1.5  # seconds between two sign-ins
WRITTEN = 15.0  # seconds until all that was noted is on disk
LATE = 0.3  # seconds by which kiosks and officers may be late themselves, and for which the service may get no core
BUSY = 3.0  # times what a quiet stretch took
NEVER = ("journal_lost", "GateShut", "RelayLost", "RecorderLost", "RecorderLagging", "EndOrdered")
"""Journal kinds that no flood may cause."""


@dataclass(slots=True)
class Stretch:
    """What was seen in one stretch of time."""

    gap: float = 0.0
    raw_gap: float = 0.0
    packets: int = 0
    late: float = 0.0
    states: list[str] = field(default_factory=list)
    sign_in: float = 0.0
    new_device: float = 0.0
    join: float = 0.0
    tcp: float = 0.0
    own: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    heard: list[str] = field(default_factory=list)

    @property
    def entries(self) -> int:
        """Journal entries that the stretch has left beyond those of its own people."""
        return sum(self.kinds.values()) - sum(self.own.values())


@dataclass(slots=True)
class Result:
    """The result of one row: both stretches, what the attacker did, and every promise that was broken."""

    row: Row
    quiet: Stretch
    attacked: Stretch
    counts: dict[str, int]
    seconds: float
    began: float
    attacker_cpu: float
    broken: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """What the attacker did in a second: requests, connections, messages or datagrams."""
        return sum(self.counts.values()) / self.seconds if self.seconds else 0.0

    @property
    def growth(self) -> tuple[int, str]:
        """Bytes by which a process grew at most beyond the quiet stretch, and its name."""
        return self.attacked.costs.growth(self.quiet.costs)

    @property
    def disturbed(self) -> bool:
        """Whether the machine was so busy that the quiet stretch broke a promise, too, that a measuring process was
        late, or that the service was ready to run and got no core."""
        late = max(self.attacked.late, self.attacked.costs.starved[0])
        return late > LATE or bool(broken(self.quiet, self.row.limits))


async def calm(stage: Stage, seconds: float) -> Stretch:
    """Measure a quiet stretch alone."""
    return await _stretch(stage, seconds, None)


async def flood(stage: Stage, row: Row, seconds: float, quiet: Stretch | None = None) -> Result:
    """Run one row; the stage may be harmed afterwards, which `harmed` tells. `quiet` is a stretch measured before."""
    async with stage.attacker(row.attack, **row.arguments) as attacker:
        quiet = quiet or await _stretch(stage, seconds, None)
        began = time.time()
        attack = asyncio.create_task(attacker.ask("flood", within=seconds + 60, seconds=seconds + 2 * SETTLE))
        try:
            attacked = await _stretch(stage, seconds, attack)
        finally:
            done = await attack
    result = Result(row, quiet, attacked, done["counts"], done["seconds"], began, done["cpu"])
    result.broken = broken(attacked, _scaled(row.limits, quiet))
    grown, name = result.growth
    if grown > row.limits.memory:
        result.broken.append(f"{name} grew by {grown >> 20} MiB")
    if attacked.entries - quiet.entries > row.limits.entries:
        result.broken.append(f"{attacked.entries - quiet.entries} journal entries")
    if not result.counts:
        result.broken.append("the attacker did nothing")
    return result


def harmed(result: Result) -> bool:
    """Whether a new visit is needed before the next row."""
    return (
        not result.attacked.states[-1:]
        or not result.attacked.states[-1].startswith("live")
        or bool(result.attacked.costs.died)
    )


async def _stretch(stage: Stage, seconds: float, attack: "asyncio.Task[Any] | None") -> Stretch:
    found = Stretch()
    head = await stage.journal_head()
    async with Watch(stage.service) as found.costs:
        since = time.time()
        await asyncio.sleep(SETTLE if attack is not None else 0.2)
        tasks = [_arrive(stage, found, seconds), asyncio.sleep(seconds)]
        if attack is not None:
            tasks.append(_remark(stage, found))  # a visit takes 100 of them
        await asyncio.gather(*tasks)
        until = time.time()
        if attack is not None:
            await attack
            await asyncio.sleep(SETTLE)
    await _look_at_rooms(stage, found, since, until)
    found.late = max(found.late, await stage.officers.ask("late", since=since))
    seen = await stage.officers.ask("states", since=since)
    found.states = [f"{state} {reason}".strip() for _, state, reason in seen]
    found.kinds = await _written(stage, head, found)
    return found


async def _arrive(stage: Stage, found: Stretch, seconds: float) -> None:
    """Have a kiosk join once, and officers sign in until the stretch is over."""
    ends = time.monotonic() + seconds

    async def ask(command: str, **arguments: Any) -> float:
        took = await stage.arrivals.ask(command, **arguments)
        if took["last"]:
            found.heard.append(f"{command}: {took['last']}")
        return float(took["seconds"])

    found.sign_in = await ask("sign_in", new=False)
    found.own["SignedIn"] = 1
    found.join = await ask("join")
    found.tcp = await ask("join_by_tcp")
    while True:
        found.new_device = max(found.new_device, await ask("sign_in", new=True))
        found.sign_in = max(found.sign_in, await ask("sign_in", new=False))
        found.own["SignedIn"] += 2
        if time.monotonic() + AGAIN > ends:
            return
        await asyncio.sleep(AGAIN)


async def _remark(stage: Stage, found: Stretch) -> None:
    """Have an officer make a note, which must be on disk afterwards."""
    await stage.officers.ask("remark", text=f"旁听正常 {time.time_ns()}")  # the same words again are refused
    found.own["NoteMade"] = 1


async def _look_at_rooms(stage: Stage, found: Stretch, since: float, until: float) -> None:
    seen = {side: await room.ask("between", since=since, until=until) for side, room in stage.rooms.items()}
    for side in Side:
        far, near = seen[side.other], seen[side]
        found.packets += near["came"]
        found.late = max(found.late, near["late"])
        for begin, length in near["far"]:
            found.raw_gap = max(found.raw_gap, length)
            found.gap = max(found.gap, pause_of_others(begin, length, far["own"]))


def pause_of_others(begin: float, length: float, own: Sequence[tuple[float, float]]) -> float:
    """Return how much of a pause is left without the longest time for which the far kiosk itself sent nothing."""
    shared = [min(begin + length, at + lasted) - max(begin, at) for at, lasted in own]
    return round(length - max([0.0, *shared]), 6)


async def _written(stage: Stage, head: int, found: Stretch) -> dict[str, int]:
    """Return the journal entries of the stretch, once its own are among them or have not come in time."""
    give_up = time.monotonic() + WRITTEN
    while True:
        kinds = await stage.journal_kinds(head)
        if all(kinds.get(kind, 0) >= count for kind, count in found.own.items()) or time.monotonic() > give_up:
            return kinds
        await asyncio.sleep(0.1)


def _scaled(limits: Limits, quiet: Stretch) -> Limits:
    """Return the limits on a machine that is busy with other things: what takes long without an attack may take three
    times as long with one. On a quiet machine these are the limits themselves."""
    return replace(
        limits,
        gap=max(limits.gap, BUSY * quiet.gap),
        sign_in=max(limits.sign_in, BUSY * quiet.sign_in),
        new_device=max(limits.new_device, BUSY * quiet.new_device),
        join=max(limits.join, BUSY * quiet.join),
    )


def broken(found: Stretch, limits: Limits) -> list[str]:
    """Return the promises that a stretch breaks, in words."""
    wrong = {
        f"gap of {found.gap:.2f} s": found.gap > limits.gap,
        f"gate shut ({', '.join(found.states)})": {state.partition(" ")[0] for state in found.states} != {"live"},
        f"sign-in after {found.sign_in:.1f} s": found.sign_in > limits.sign_in,
        f"sign-in at a new device after {found.new_device:.1f} s": found.new_device > limits.new_device,
        f"kiosk joined after {found.join:.1f} s": found.join > limits.join,
        f"ICE-TCP after {found.tcp:.1f} s": found.tcp > limits.join,
        f"{found.costs.log_bytes} bytes of log": found.costs.log_bytes > limits.log,
        f"died: {', '.join(found.costs.died)}": bool(found.costs.died),
    }
    for kind, count in found.own.items():
        wrong[f"{count - found.kinds.get(kind, 0)} of {count} {kind} missing in the journal"] = (
            found.kinds.get(kind, 0) < count
        )
    wrong |= {f"{kind} in the journal": bool(found.kinds.get(kind)) for kind in NEVER}
    return [what for what, is_so in wrong.items() if is_so]
