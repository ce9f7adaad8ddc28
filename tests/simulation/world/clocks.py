"""The clocks of the simulated machine. The monotonic one begins anew with each boot; the wall clock drifts, and is set
by people and time services."""

from datetime import UTC, datetime, timedelta

from broker.kernel.clock import Discipline, Instant
from tests.simulation.engine.scheduler import Scheduler

BEGIN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""The true wall time at true second nought: ten in the morning in Shanghai, a Monday."""


class Clocks:
    """What the machine believes about time. `true_wall` is what a perfect clock would show."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._booted, self._boot = -1000.0, 1
        self.disciplined = True
        """Whether a time service keeps the wall clock right, as far as the kernel knows."""
        self.error, self.drift = 0.0, 0.0
        """Seconds by which the wall clock is wrong at nought, and how many more it gets in each second."""

    def mono(self) -> float:
        """The seconds of CLOCK_MONOTONIC in this boot."""
        return self._scheduler.now - self._booted

    def wall(self) -> datetime:
        """The wall clock as the machine has it."""
        return BEGIN + timedelta(seconds=self._scheduler.now * (1 + self.drift) + self.error)

    def true_wall(self) -> datetime:
        """The time that a right clock shows."""
        return BEGIN + timedelta(seconds=self._scheduler.now)

    def now(self) -> Instant:
        """Both clocks: what the product's Clock returns."""
        return Instant(self.wall(), self.mono())

    def boot(self) -> str:
        """The name of this boot."""
        return f"boot-{self._boot}"

    def discipline(self) -> Discipline:
        """What the kernel knows of the wall clock's reference."""
        return Discipline(self.disciplined, 0.0, 0.01 if self.disciplined else 16.0)

    def reboot(self) -> None:
        """Begin the monotonic clock anew."""
        self._booted, self._boot = self._scheduler.now - 5.0, self._boot + 1

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self.error += seconds


def true_second(moment: datetime) -> float:
    """Return the true second of a moment."""
    return (moment - BEGIN).total_seconds()
