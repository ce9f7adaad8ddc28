"""The wall clock's time as far as it is believed: it goes on with the monotonic clock from the moment at which it was
last agreed on, so that a step of the wall clock opens no visit early and ends none. A clock that is corrected slowly
is followed; one that leaps is not, until the new time is agreed on, too.

CLOCK_MONOTONIC is slewed by a time service like the wall clock, so that on one run of the machine the two differ by
steps alone. It stands still while the machine is suspended: afterwards the wall clock seems to have leapt by that
time."""

from dataclasses import dataclass
from datetime import timedelta

from broker.kernel.clock import Clock, Instant

TOLERANCE = timedelta(seconds=2)
"""The largest difference that is a correction; more than that is a step. A leap second and the first correction of a
time service are less."""
SLEW = 500e-6
"""Seconds by which a second may be longer or shorter while a correction is followed: what NTP allows itself (500
ppm)."""
OFTEN = 1.0
"""Seconds between corrections: in shorter ones the microseconds of a date would be lost by rounding."""


@dataclass(frozen=True, slots=True)
class AgreedTime:
    """What time it is believed to be. `anchor`: both clocks when that was last agreed on, or corrected."""

    anchor: Instant

    def at(self, mono: float) -> Instant:
        """The agreed time at a monotonic second."""
        return self.anchor.after(timedelta(seconds=mono - self.anchor.mono))

    def moved(self, reading: Instant) -> timedelta:
        """Difference of a reading's wall clock from the agreed time; positive where it is ahead."""
        return reading.wall - self.at(reading.mono).wall

    def stepped(self, reading: Instant) -> bool:
        """Whether the wall clock differs by a step, which is not believed."""
        return abs(self.moved(reading)) > TOLERANCE

    def followed(self, reading: Instant) -> "AgreedTime":
        """The agreed time after a reading: corrected by as much as a time service would have in that time; not at all
        by a step."""
        passed = reading.mono - self.anchor.mono
        if passed < OFTEN or self.stepped(reading):
            return self
        most = timedelta(seconds=SLEW * passed)
        moved = min(max(self.moved(reading), -most), most)
        before = self.at(reading.mono)
        return AgreedTime(Instant(before.wall + moved, before.mono))


class AgreedClock:
    """A clock that shows the agreed time. `machine` is the one that it follows."""

    def __init__(self, machine: Clock) -> None:
        self.machine = machine
        self._agreed = AgreedTime(machine.now())

    def now(self) -> Instant:
        """Return the agreed time of the present moment."""
        reading = self.machine.now()
        self._agreed = self._agreed.followed(reading)
        return self._agreed.at(reading.mono)

    @property
    def moved(self) -> timedelta | None:
        """The step by which the machine's clock has leapt; None while it has not."""
        reading = self.machine.now()
        return self._agreed.moved(reading) if self._agreed.stepped(reading) else None

    def agree(self, moment: Instant) -> None:
        """Believe from now on that both clocks showed `moment`."""
        self._agreed = AgreedTime(moment)
