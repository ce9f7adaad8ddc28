"""A bar: one reason for which a listed person may not meet now (F11, F12). Pure, and below the session, which keeps the
bars that stand."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from broker.kernel.ids import PersonId


class BarKind(StrEnum):
    """The kind of decision that bars a person."""

    SUSPENDED = "suspended"
    FORFEITED = "forfeited"


@dataclass(frozen=True, slots=True)
class Bar:
    """Reason for which a person may not meet: the article, and the first day on which they may again."""

    kind: BarKind
    person: PersonId
    article: str
    until: date

    def to_json(self) -> dict[str, Any]:
        """The bar as JSON values; an id, no name."""
        return {"kind": str(self.kind), "person": self.person, "article": self.article, "until": self.until.isoformat()}
