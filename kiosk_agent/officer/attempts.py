"""Limits on trying PINs: five attempts are free, then each further one costs a wait that doubles. The count is on the
disk before an attempt is looked at, so that neither a restart nor a pulled plug gives attempts back."""

from dataclasses import asdict, dataclass
from pathlib import Path

from broker.kernel.atomic_files import read_json, write_json

FREE = 5
FIRST_WAIT = 30.0
LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Attempts:
    """Wrong PINs since the last right one, and when the newest was tried, in seconds since 1970."""

    wrong: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next attempt may be made."""
        if self.wrong < FREE:
            return 0.0
        needed = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.wrong - FREE, 16))
        return max(0.0, self.last + needed - now)

    @property
    def left(self) -> int:
        """Attempts that are still free."""
        return max(0, FREE - self.wrong)

    def tried(self, now: float) -> "Attempts":
        """Return the attempts with one more that counts as wrong."""
        return Attempts(self.wrong + 1, now)

    def at(self, now: float) -> "Attempts":
        """Return the same attempts for a clock that was set back: the wait begins anew, and does not last for years."""
        return Attempts(self.wrong, min(self.last, now))


class AttemptsFile:
    """File with the attempts of one terminal; without a path they last as long as the program. It is read once, so that
    nothing that happens to the file takes back what this start has seen."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._attempts = self._read()

    def at(self, now: float) -> Attempts:
        """Return the attempts so far."""
        self._attempts = self._attempts.at(now)
        return self._attempts

    def note(self, attempts: Attempts) -> None:
        """Take these attempts for the present ones."""
        self._attempts = attempts

    def write(self) -> None:
        """Write down the attempts so far. It blocks; raises OSError, and then no PIN may be looked at."""
        if self._path is not None:
            write_json(self._path, asdict(self._attempts))

    def _read(self) -> Attempts:
        values = (read_json(self._path) if self._path is not None else None) or {}
        wrong, last = values.get("wrong"), values.get("last")
        if isinstance(wrong, int) and isinstance(last, int | float):
            return Attempts(max(0, wrong), float(last))
        return Attempts()
