"""The story of a world: what truly happened, when. Oracles and people read it; the product never sees it."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a true moment."""

    at: float
    kind: str
    about: str
    data: dict[str, Any]

    def line(self) -> str:
        """The event as a line of the log."""
        facts = " ".join(f"{name}={value}" for name, value in self.data.items())
        return f"{self.at:10.3f}  {self.kind:<18} {self.about:<10} {facts}".rstrip()


class Truth:
    """A value that changes at known moments, such as whether an officer really watches."""

    def __init__(self, value: Any) -> None:
        self._moments: list[float] = [float("-inf")]
        self._values: list[Any] = [value]

    @property
    def now(self) -> Any:
        """The value that holds at present."""
        return self._values[-1]

    def set(self, at: float, value: Any) -> None:
        """Change the value at a moment."""
        if value != self._values[-1]:
            self._moments.append(at)
            self._values.append(value)

    def at(self, moment: float) -> Any:
        """Return the value at a moment."""
        return self._values[bisect_right(self._moments, moment) - 1]

    def since(self, moment: float) -> float:
        """Return since when the value of a moment has lasted."""
        return self._moments[bisect_right(self._moments, moment) - 1]

    def during(self, start: float, end: float) -> list[Any]:
        """Return all values between two moments."""
        first, last = bisect_right(self._moments, start) - 1, bisect_right(self._moments, end) - 1
        return self._values[first : last + 1]

    def changes(self) -> list[tuple[float, Any]]:
        """Return each change with its moment."""
        return list(zip(self._moments[1:], self._values[1:], strict=True))


@dataclass
class Crossing:
    """Packets that passed the gate in one direction: when, and the number of those that are sound."""

    moments: list[float] = field(default_factory=list)
    sounds: list[tuple[float, int]] = field(default_factory=list)


@dataclass
class Story:
    """All that is known of one world."""

    seed: int
    events: list[Event] = field(default_factory=list)
    crossings: dict[str, dict[str, Crossing]] = field(
        default_factory=lambda: defaultdict(lambda: {"prison": Crossing(), "visitor": Crossing()})
    )
    truths: dict[tuple[str, ...], Truth] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, at: float, kind: str, about: str = "", **data: Any) -> None:
        """Write down an event of the world."""
        self.events.append(Event(at, kind, about, data))

    def truth(self, *name: str, start: Any = False) -> Truth:
        """Return the truth of a name."""
        if name not in self.truths:
            self.truths[name] = Truth(start)
        return self.truths[name]

    def of(self, kind: str, about: str | None = None) -> list[Event]:
        """Return the events of a kind."""
        return [one for one in self.events if one.kind == kind and about in (None, one.about)]

    def text(self) -> str:
        """Return the whole story, one line an event, in the order of time."""
        lines = [(one.at, number, one.line()) for number, one in enumerate(self.events)]
        for session, sides in self.crossings.items():
            for side, crossing in sides.items():
                lines += [(start, -1, _stretch(session, side, start, end, n)) for start, end, n in stretches(crossing)]
        return "\n".join(line for _, _, line in sorted(lines)) + "\n"


def stretches(crossing: Crossing, pause: float = 0.5) -> list[tuple[float, float, int]]:
    """Return the stretches in which packets crossed without a pause: first, last, how many."""
    found: list[tuple[float, float, int]] = []
    for moment in crossing.moments:
        if found and moment - found[-1][1] <= pause:
            found[-1] = (found[-1][0], moment, found[-1][2] + 1)
        else:
            found.append((moment, moment, 1))
    return found


def _stretch(session: str, side: str, start: float, end: float, count: int) -> str:
    data = {"from": side, "until": f"{end:.3f}", "packets": count}
    return Event(start, "crossed", session, data).line()
