"""What a drill needs from outside of the control process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from broker.drills.judgement import Disk
from broker.kernel.ids import RoomId, SessionId, Side


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the synthetic officers in a drill: its session, and their tokens by side."""

    session: SessionId
    tokens: Mapping[Side, Sequence[str]]

    def to_json(self) -> dict[str, Any]:
        """The part as JSON values."""
        return {"session": self.session, "tokens": {str(side): list(found) for side, found in self.tokens.items()}}


class Tools(Protocol):
    """The neighbours of a drill."""

    def connected(self, room: RoomId) -> bool:
        """Whether the enrolled terminal of a room is connected now."""

    def play(self, part: Part) -> AsyncIterator[Mapping[str, Any]]:
        """Run the program of the synthetic officers; yield what it tells, until it has ended. Raises OSError."""

    async def verify(self, session: SessionId) -> tuple[str, ...]:
        """Check the sealed recording of a drill; return the kinds of damage."""

    async def measure_disk(self) -> Disk:
        """Measure the disk of the recordings. Raises OSError."""

    async def seal(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Sign a result and write it beside the recordings of drills. Raises OSError or KeyProblem."""
