"""The check of checkpoints themselves: of the chain in the archive, and of copies of it. Each line must be genuine and
follow the one before, and none may be missing where a later one exists. What a copy has and the archive has not was
removed there. Whether a journal fits them is compared elsewhere (`broker.control.journal.comparison`). Blocks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from broker.kernel import canonical_json
from broker.kernel.hash_chain import GENESIS
from recorder.evidence.checkpoints import FOLDER, KEPT, NAME, Checkpoint, checkpoint_in, kept_head, members
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import Keys


@dataclass(frozen=True, slots=True)
class CheckpointFault:
    """What is wrong with checkpoints in the place `source`, of the numbers `first` to `last`. `kind`:

    - `signature`: the signature proves nothing, `why`; `spelled`: the line is not as it was written;
    - `unlinked`: it does not name the one before it; `order`: it stands behind a later one;
    - `missing`: they are not there, though a later one is; `removed`: they are not there, though `why` has them;
    - `differs`: another genuine checkpoint with the number is in `why`: the chain was begun anew or written twice;
    - `unreadable`: a line that is no checkpoint, `first` of the file.
    """

    source: str
    kind: str
    first: int
    last: int
    why: str = ""


@dataclass(slots=True)
class Source:
    """The genuine checkpoints of one place, by number, and what is wrong there. `archive`: it should have all."""

    name: str
    archive: bool = False
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    faults: list[CheckpointFault] = field(default_factory=list)
    torn: int = 0  # lines that a full disk or a crash has cut off


def read_source(path: Path, keys: Keys, archive: bool = False) -> Source:
    """Return what is in a file of checkpoints; a copy may hold other lines of a syslog, too. Raises OSError."""
    source = Source(str(path), archive)
    before: Checkpoint | None = None
    doubtful: list[tuple[str, CheckpointFault]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = checkpoint_in(line)
            except ValueError:
                _take_other(source, line, number)
                continue
            why = keys.vouch(members(_text(line)))
            if why:
                fault = CheckpointFault(source.name, "signature", found.number, found.number, why)
                doubtful.append((found.installation, fault))
                continue
            before = _take(source, line, found, before)
    ours = {made.installation for made in source.checkpoints.values()}
    # a syslog server may have the checkpoints of other installations in the same file
    source.faults += [fault for installation, fault in doubtful if archive or not ours or installation in ours]
    return source


def compare_sources(sources: Iterable[Source], kept: tuple[int, str] = (0, GENESIS), kept_in: str = KEPT) -> None:
    """Add to each source what is missing in it by itself and by the others. `kept`: number and digest of the newest
    checkpoint beside the key of the installation."""
    sources = list(sources)
    for source in sources:
        first = 1 if source.archive else min(source.checkpoints, default=1)
        for start, end in _gaps(source.checkpoints, first):
            source.faults.append(CheckpointFault(source.name, "missing", start, end))
    for archive in (source for source in sources if source.archive):
        for other in sources:
            if other is not archive:
                _compare(archive, other)
        number, digest = kept
        newest = max(archive.checkpoints, default=0)
        if number > newest:
            archive.faults.append(CheckpointFault(archive.name, "removed", newest + 1, number, kept_in))
        elif number and archive.checkpoints.get(number, _NONE).digest != digest:
            archive.faults.append(CheckpointFault(archive.name, "differs", number, number, kept_in))


def check_archive(root: Path, keys: Keys, report: Report) -> None:
    """Add to a report what is wrong with the checkpoints in an archive, by the archive alone."""
    path = root / FOLDER / NAME
    if not path.exists():
        return
    try:
        source = read_source(path, keys, archive=True)
    except OSError as error:
        report.damages.append(Damage(path, "unreadable", error.strerror or str(error)))
        return
    compare_sources([source])
    for fault in source.faults:
        numbers = f"{fault.first}" if fault.first == fault.last else f"{fault.first} to {fault.last}"
        detail = f"checkpoint {numbers}: {fault.kind}"
        report.damages.append(Damage(path, "checkpoint", f"{detail}: {fault.why}" if fault.why else detail))


def kept_beside(keys_dir: Path) -> tuple[int, str]:
    """Return number and digest of the newest checkpoint that is kept beside the key; 0 where there is none."""
    return kept_head(keys_dir / KEPT)


def _take(source: Source, line: bytes, found: Checkpoint, before: Checkpoint | None) -> Checkpoint:
    """Add a genuine checkpoint, and what is wrong with its place; return the one that the next one follows."""

    def fault(kind: str, why: str = "") -> None:
        source.faults.append(CheckpointFault(source.name, kind, found.number, found.number, why))

    if _text(line).rstrip(b"\r\n") != canonical_json.sorted_utf8(members(_text(line))):
        fault("spelled")
    there = source.checkpoints.get(found.number)
    if there is not None:
        if there.digest != found.digest:
            fault("differs", source.name)
        return before or found  # a copy may have it twice: it was sent again
    source.checkpoints[found.number] = found
    if before is not None and found.number < before.number:
        fault("order")
        return before
    follows = before is None or found.number != before.number + 1 or found.before == before.digest
    if not follows or (found.number == 1 and found.before != GENESIS):
        fault("unlinked")
    return found


def _take_other(source: Source, line: bytes, number: int) -> None:
    """Take a line that is no checkpoint: in a copy it may be of another program, or cut off."""
    if not source.archive or not line.endswith(b"\n"):
        source.torn += 1
    else:
        source.faults.append(CheckpointFault(source.name, "unreadable", number, number))


def _compare(archive: Source, other: Source) -> None:
    """Add to the archive what a copy has and the archive has not."""
    lost = sorted(set(other.checkpoints) - set(archive.checkpoints))
    for start, end in _runs(lost):
        archive.faults.append(CheckpointFault(archive.name, "removed", start, end, other.name))
    common = set(other.checkpoints) & set(archive.checkpoints)
    differing = sorted(n for n in common if other.checkpoints[n].digest != archive.checkpoints[n].digest)
    for start, end in _runs(differing):
        archive.faults.append(CheckpointFault(archive.name, "differs", start, end, other.name))


def _gaps(numbers: Iterable[int], first: int) -> Iterable[tuple[int, int]]:
    expected = first
    for number in sorted(numbers):
        if number > expected:
            yield expected, number - 1
        expected = number + 1


def _runs(numbers: list[int]) -> Iterable[tuple[int, int]]:
    """Yield the stretches of numbers that follow one another."""
    start = 0
    for place, number in enumerate(numbers):
        if place + 1 == len(numbers) or numbers[place + 1] != number + 1:
            yield numbers[start], number
            start = place + 1


def _text(line: bytes) -> bytes:
    """Return the checkpoint itself, without the head of a syslog message."""
    return line[max(0, line.find(b'{"at":')) :]


_NONE = Checkpoint(0, 0, "", "", "", "", "")
