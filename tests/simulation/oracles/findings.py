"""A finding: something that must never be, and was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What an oracle found: when (true second), about which visit, in words."""

    oracle: str
    at: float
    about: str
    words: str

    def __str__(self) -> str:
        return f"{self.oracle}: {self.words} ({self.about}, at {self.at:.3f} s)"
