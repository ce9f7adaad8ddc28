"""What is known of the journal's checkpoints at present, for metrics and for those who look after the service."""

from dataclasses import dataclass, field
from typing import Literal

from broker.control.journal.comparison import Finding

JournalTrouble = Literal["", "differs", "no_checkpoint", "copy_fails"]
"""What an operator has to look into; empty where all is well."""


@dataclass(slots=True)
class CheckpointStatus:
    """The newest checkpoint has `number` and vouches for the entries up to `covered`; `uncovered` came after it.

    `differs`: what does not fit, None where all does. `failing`: why none can be made. `copies`: the newest checkpoint
    in each copy, `copies_failing`: why the others cannot be written; by the number of the copy in the settings.
    """

    number: int = 0
    covered: int = 0
    uncovered: int = 0
    differs: Finding | None = None
    failing: str = ""
    copies: dict[str, int] = field(default_factory=dict)
    copies_failing: dict[str, str] = field(default_factory=dict)

    def made(self, number: int, covered: int) -> None:
        """Take a checkpoint that was made."""
        self.number, self.covered, self.uncovered, self.failing = number, covered, 0, ""

    @property
    def trouble(self) -> JournalTrouble:
        """What an operator has to look into, as one word; empty where all is well."""
        if self.differs is not None:
            return "differs"
        if self.failing:
            return "no_checkpoint"
        return "copy_fails" if self.copies_failing else ""
