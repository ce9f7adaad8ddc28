"""Figures of a line from a loop through the relay: packets that a terminal has sent and got back, and what the relay
has reported of those that reached it (RFC 3550 6.4.1). Pure; moments are seconds of one clock.

Loss and times are those of a quiet part, `base`, in which the line carries little; rates are those of all packets, of
which ever more are sent until the line is full. What comes back has gone both ways: `down` is therefore at least what
the line carries, and `up` too, where it carries more than `down`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

WINDOW = 0.7
"""Seconds over which a rate is taken: longer than what a full line keeps waiting."""
SLOWER = 0.12
"""Seconds by which packets come later than on the quiet line when it is full."""
LOSSIER = 0.15
"""Share of packets by which more are lost when the line is full."""
LATE = 0.25
"""Seconds after the usual time after which a packet counts as lost."""
NEWEST = 10
"""Packets by whose times a full line is noticed."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the relay has reported: `packets` is the number of packets from the first to the newest one that reached it,
    `lost` how many of these did not."""

    at: float
    packets: int
    lost: int


@dataclass(slots=True)
class LineTrace:
    """All packets of a test. `sent` holds the moment and the bits (as on the wire) of each, by number; `arrived` the
    moment at which it came back."""

    sent: list[tuple[float, int]] = field(default_factory=list)
    arrived: dict[int, float] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)

    def transit(self, number: int) -> float | None:
        """Return the seconds that a packet took, None for one that has not come back."""
        arrived = self.arrived.get(number)
        return None if arrived is None else arrived - self.sent[number][0]

    def transits(self, numbers: Sequence[int]) -> list[float]:
        """Return the seconds that each of these packets took which came back, by number."""
        return [found for number in numbers if (found := self.transit(number)) is not None]


def line_figures(trace: LineTrace, base: range) -> dict[str, float]:
    """Return the figures by their names in the order `self_test`: shares, ms, kbit/s. Without a packet that came back
    everything is lost, which is all that can be told."""
    times = trace.transits(base)
    if not times:
        return {"loss_up": _loss_up(trace, base) if trace.reports else 1.0, "loss_down": 1.0}
    up = _loss_up(trace, base)
    down = _rate(trace)
    return {
        "loss_up": up,
        "loss_down": _share(len(base) * (1 - up) - len(times), len(base) * (1 - up)),
        "jitter": 1000 * jitter(times),
        "round_trip": 1000 * median(times),
        "up": max(down, _rate_up(trace, base)) / 1000,
        "down": down / 1000,
    }


def is_full(trace: LineTrace, base: range, step: range, now: float) -> bool:
    """Whether the line carries no more than was sent in this `step`: packets wait, or are lost."""
    usual = trace.transits(base)
    if not usual:
        return True
    newest = trace.transits(step)[-NEWEST:]
    if newest and median(newest) > median(usual) + SLOWER:
        return True
    due = [number for number in step if trace.sent[number][0] < now - median(usual) - LATE]
    lost = sum(number not in trace.arrived for number in due)
    return _share(lost, len(due)) > _share(len(base) - len(usual), len(base)) + LOSSIER


def jitter(transits: Sequence[float]) -> float:
    """Return the interarrival jitter in seconds (RFC 3550 6.4.1) of packets that took so long."""
    found = 0.0
    for before, after in pairwise(transits):
        found += (abs(after - before) - found) / 16
    return found


def _loss_up(trace: LineTrace, base: range) -> float:
    """The share that did not reach the relay, by its newest report on the quiet part, or else its first."""
    reports = [report for report in trace.reports if report.packets <= base.stop] or trace.reports[:1]
    return _share(reports[-1].lost, reports[-1].packets) if reports else 0.0


def _rate(trace: LineTrace) -> float:
    """The most bit/s that came back within a window."""
    arrivals = sorted((at, trace.sent[number][1]) for number, at in trace.arrived.items())
    best, bits, first = 0, 0, 0
    for at, size in arrivals:
        bits += size
        while arrivals[first][0] <= at - WINDOW:
            bits -= arrivals[first][1]
            first += 1
        best = max(best, bits)
    return best / WINDOW


def _rate_up(trace: LineTrace, base: range) -> float:
    """The most bit/s that reached the relay between two of its reports."""
    rates = [0.0]
    for before, after in pairwise(trace.reports):
        numbers = range(before.packets, min(after.packets, len(trace.sent)))
        if before.packets < base.stop or not numbers or after.at - before.at < WINDOW / 2:
            continue
        came = after.packets - after.lost - before.packets + before.lost
        bits = sum(trace.sent[number][1] for number in numbers) / len(numbers)
        rates.append(came * bits / (after.at - before.at))
    return max(rates)


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
