"""When the officer's screen is open, pure: a PIN opens it, two minutes without a touch close it, and while people meet
there is the volume alone. Moments are seconds of one monotonic clock."""

from dataclasses import dataclass, replace

from kiosk_agent.officer.view import Level

UNUSED = {Level.PIN: 30.0, Level.OPEN: 120.0, Level.VOLUME: 30.0}
"""Seconds without a touch after which the screen closes, by level."""
SOON = 15.0
"""Seconds before it closes from which it says so."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open of the officer's screen, and when it was last used."""

    level: Level = Level.CLOSED
    used_at: float = 0.0

    def asked(self, now: float) -> "Opened":
        """Ask for the PIN, where nothing is open."""
        return Opened(Level.PIN, now) if self.level is Level.CLOSED else self.used(now)

    def used(self, now: float) -> "Opened":
        """Note that the screen is in use."""
        return replace(self, used_at=now)

    def entered(self, meeting: bool, now: float) -> "Opened":
        """Open what may be open after the right PIN."""
        return Opened(Level.VOLUME if meeting else Level.OPEN, now)

    def due(self, meeting: bool, now: float) -> "Opened":
        """Return what is open at this moment: it closes unused, and gives way where people meet. After a visit, the
        volume of which was open, the PIN is asked for again: the people are still in the room."""
        if self.level is Level.CLOSED or now - self.used_at >= UNUSED[self.level]:
            return Opened()
        if self.level is Level.OPEN and meeting:
            return Opened(Level.VOLUME, now)
        return Opened() if self.level is Level.VOLUME and not meeting else self

    def leaves_in(self, now: float) -> int | None:
        """Return the whole seconds until it closes unused; None while that is not soon."""
        if self.level is Level.CLOSED:
            return None
        left = self.used_at + UNUSED[self.level] - now
        return max(0, round(left)) if left <= SOON else None
