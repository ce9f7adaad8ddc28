"""What checking an archive found: damages, counts, and where each site's chain ends."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was written: which file, what kind, how, and at which second of the visit."""

    path: Path
    kind: str  # missing, added, changed, truncated, chain, tracks, manifest, signature, key, removed, ...
    detail: str = ""
    second: float | None = None


@dataclass(slots=True)
class Report:
    """What was looked at and what was found. `heads`: the number of each site's newest visit and the hash of the
    chain's last line; a chain whose end was cut off is found by comparing them with what was written down elsewhere.
    `own_keys`: nobody said which keys to believe, so those in the archive itself were taken."""

    recordings: int = 0
    files: int = 0
    bytes: int = 0
    copies: int = 0
    damages: list[Damage] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    own_keys: bool = False

    @property
    def ok(self) -> bool:
        """Whether something was looked at and nothing is wrong."""
        return self.recordings > 0 and not self.damages

    @property
    def exit_code(self) -> int:
        """0 whole, 1 damaged, 2 nothing to look at."""
        return 1 if self.damages else 0 if self.recordings else 2
