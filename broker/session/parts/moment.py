"""What the change of a part may look at beside the part and the fact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broker.booking.slot import Slot
from broker.kernel.clock import Instant


@dataclass(frozen=True, slots=True)
class Moment:
    """The slot of the session, the clocks, and when media first crossed (monotonic seconds, None before that)."""

    slot: Slot
    now: Instant
    crossed: float | None


Table = Mapping[type, Callable[..., Any]]
"""Class of a fact -> change(part, fact, moment) -> part."""
