"""The result of checking an archive: damages, counts, and where each site's chain ends. Pure; it lies below the modules
that check recordings, copies and chains."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damage:
    """One deviation from what was written: the file, the kind, a detail, and the second of the visit."""

    path: Path
    kind: str  # missing, added, changed, truncated, chain, tracks, manifest, signature, key, removed, ...
    detail: str = ""
    second: float | None = None


@dataclass(slots=True)
class Report:
    """What was checked and what was found.

    `packs`: for each policy pack that a manifest names, by name, version and hash, the number of its recordings.

    `heads`: for each site the number of its newest visit and the hash of the chain's last line; comparing them with
    heads stored elsewhere finds a chain whose end was cut off. `holds`: the sessions that are held by a chain, with the
    site of that chain. `own_keys`: no trusted keys were given, so those in the
    archive itself were used.
    """

    recordings: int = 0
    files: int = 0
    bytes: int = 0
    copies: int = 0
    damages: list[Damage] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    packs: dict[str, int] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    own_keys: bool = False

    @property
    def ok(self) -> bool:
        """Whether at least one recording was checked and nothing is damaged."""
        return self.recordings > 0 and not self.damages

    @property
    def exit_code(self) -> int:
        """Return 0 where all is whole, 1 for damage, 2 where there was nothing to check."""
        return 1 if self.damages else 0 if self.recordings else 2
