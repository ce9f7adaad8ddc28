"""The command line of the simulation: one seed with its story, or many on all cores. Interrupted (SIGINT, SIGTERM) it
stops after the seed that is being run, and still prints its totals."""

import argparse
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.plans import plan_of
from tests.simulation.run import Outcome, run, simulate, smaller

LAST = 40
"""Events of the story that a failure shows."""
EVERY = 20
"""Seeds between two lines that tell how far it is."""


@dataclass
class Result:
    """What a worker reports of one seed; small enough to be sent."""

    seed: int
    visits: int = 0
    seconds: float = 0.0
    crossed: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    oracles: list[str] = field(default_factory=list)
    digest: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments say; 1 when an oracle was broken."""
    chosen = _parser().parse_args(arguments)
    if chosen.seed is not None:
        return _tell(chosen.seed, chosen.smaller)
    return _many(_seeds(chosen.seeds), chosen.jobs or os.cpu_count() or 1, chosen.stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="tell the story of one seed")
    parser.add_argument("--seeds", default="100", help="how many, or A:B")
    parser.add_argument("--jobs", type=int, default=0, help="processes; default: one a core")
    parser.add_argument("--stop", type=int, default=10, help="stop after so many failing seeds; 0: never")
    parser.add_argument("--smaller", action="store_true", help="look for fewer faults that still fail")
    return parser


def _seeds(text: str) -> range:
    first, colon, last = text.partition(":")
    return range(int(first), int(last)) if colon else range(int(first))


def _tell(seed: int, fewer: bool) -> int:
    outcome = simulate(seed)
    print(_plan_lines(outcome))
    print(outcome.story.text())
    for finding in outcome.findings:
        print(f"BROKEN  {finding}")
    if fewer and outcome.findings:
        plan = smaller(outcome.plan, [finding.oracle for finding in outcome.findings])
        print("\nfewer faults are enough:\n" + _plan_lines(run(plan)))
    print(f"story {outcome.digest}, {outcome.calls} calls, {len(outcome.findings)} findings")
    return 1 if outcome.findings else 0


def _plan_lines(outcome: Outcome) -> str:
    plan = outcome.plan
    lines = [f"seed {plan.seed}: {plan.pack}, {plan.until:.0f} s"]
    lines += [f"  visit {visit}" for visit in plan.visits]
    return "\n".join([*lines, *(f"  fault {fault}" for fault in plan.faults)])


def result_of(seed: int) -> Result:
    """Run a seed and report it, whatever happens."""
    plan = plan_of(seed)
    found = Result(seed, len(plan.visits), plan.until)
    try:
        outcome = simulate(seed)
    except Exception:
        found.oracles, found.findings = ["the simulator itself"], [traceback.format_exc()]
        return found
    found.faults, found.digest = dict(outcome.story.faults), outcome.digest
    found.findings = [str(finding) for finding in outcome.findings]
    found.oracles = [finding.oracle for finding in outcome.findings]
    if found.findings:
        found.findings += ["the last events:", *outcome.story.text().splitlines()[-LAST:]]
    return found


class Interruption:
    """Whether the command was asked to stop; while it is entered, signals only say so."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, *_: object) -> None:
        self.wanted = True


def _many(seeds: range, jobs: int, stop: int) -> int:
    with Interruption() as interruption:
        return _run_all(seeds, jobs, stop, interruption)


def _run_all(seeds: range, jobs: int, stop: int, interruption: Interruption) -> int:
    begun, results = time.monotonic(), []
    failed = 0
    for result in _results(seeds, jobs):
        results.append(result)
        if result.oracles:
            failed += 1
            print(f"seed {result.seed} breaks: {', '.join(sorted(set(result.oracles)))}")
            print("  " + "\n  ".join(result.findings[:8]), flush=True)
        if len(results) % EVERY == 0:
            print(
                f"{len(results)} of {len(seeds)} seeds, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True
            )
        if interruption.wanted or (stop and failed >= stop):
            break
    print(_summary(results, time.monotonic() - begun))
    return 1 if failed else 0


def _results(seeds: range, jobs: int) -> Iterable[Result]:
    if jobs == 1:
        collect_seldom()
        yield from map(result_of, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _begin_worker, maxtasksperchild=50) as pool:
        yield from pool.imap_unordered(result_of, seeds)


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent ends its workers
    collect_seldom()


def collect_seldom() -> None:
    """Let the garbage collector look seldom, and at nothing that is there already: a fifth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _summary(results: Sequence[Result], wall: float) -> str:
    faults: Counter[str] = Counter()
    oracles: Counter[str] = Counter()
    for result in results:
        faults.update(result.faults)
        oracles.update(set(result.oracles))
    visits, hours = sum(r.visits for r in results), sum(r.seconds for r in results) / 3600
    failing = sorted(result.seed for result in results if result.oracles)
    return "\n".join(
        (
            f"{len(results)} seeds, {visits} visits, {hours:.1f} simulated hours in {wall:.0f} s"
            f" ({visits / max(wall, 0.001):.1f} visits a second)",
            "faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())),
            "broken: " + (", ".join(f"{name} by {count}" for name, count in oracles.most_common()) or "nothing"),
            f"failing seeds: {failing}" if failing else "no seed failed",
        )
    )
