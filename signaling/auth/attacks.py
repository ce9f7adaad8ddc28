"""Attacks on accounts, seen by the sign-ins that were refused: one guess is a slip, ten in a minute are written down
with the account. Pure; moments are monotonic seconds."""

from dataclasses import dataclass, field
from typing import Any

MINUTE = 60.0
"""Seconds over which refused sign-ins are counted together, and between two entries about the same account."""
ATTACK = 10
"""Refused sign-ins of one account in a minute that no officer's slips make."""
PLACES = 1000


@dataclass(slots=True)
class Refused:
    """What was refused at one account since a moment: wrong passwords, attempts over a limit, and from how many
    places."""

    since: float
    wrong: int = 0
    limited: int = 0
    places: set[str] = field(default_factory=set)

    def to_json(self, account: str) -> dict[str, Any]:
        """Return the data of the journal's entry. No address is kept."""
        return {"user": account, "wrong": self.wrong, "limited": self.limited, "places": len(self.places)}


class Attacks:
    """Refused sign-ins, counted by account. `refused` counts all of them, also those of names that are no account."""

    def __init__(self) -> None:
        self._counted: dict[str, Refused] = {}
        self._written: dict[str, float] = {}
        self.refused = 0
        self.seen = 0

    def count(self, account: str, wrong: bool, place: str, now: float) -> None:
        """Count one refused attempt: a `wrong` password, else one that was over a limit and not looked at. `account` is
        "" for a name that is none."""
        self.refused += 1
        if not account:
            return
        refused = self._counted.setdefault(account, Refused(now))
        if wrong:
            refused.wrong += 1
        else:
            refused.limited += 1
        if len(refused.places) < PLACES:
            refused.places.add(place)

    def due(self, now: float) -> dict[str, Refused]:
        """Return the attacks to be written now, by account: at once when one is seen, then once a minute while it goes
        on. What stays below is forgotten after a minute."""
        due = {account: refused for account, refused in self._counted.items() if self._is_due(account, refused, now)}
        for account in due:
            self._written[account] = now
        self.seen += len(due)
        self._written = {account: at for account, at in self._written.items() if now - at < MINUTE}
        self._counted = {
            account: refused
            for account, refused in self._counted.items()
            if account not in due and (account in self._written or now - refused.since < MINUTE)
        }
        return due

    def _is_due(self, account: str, refused: Refused, now: float) -> bool:
        rested = now - self._written.get(account, now - MINUTE) >= MINUTE
        return rested and refused.wrong + refused.limited >= ATTACK
