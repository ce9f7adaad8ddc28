"""The proof of a recording's due date. The catalog plans a purge, but a table can be altered; therefore the signed
records decide: the recording's manifest, and its line in the chain of the site. The latest date counts. Blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from broker.kernel import atomic_files
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict
from recorder.archive.manifest_check import is_moment, malformed_member
from recorder.archive.paths import MANIFEST
from recorder.evidence import site_chain
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import PURGE, VISIT
from recorder.evidence.site_chain_check import genuine_lines
from recorder.retention.rules import due_at, months_of


class NotDue(Conflict):
    """The recording must be kept for longer (云南 第十三条), until `due`."""

    code = "not_due"
    title_zh, title_en = "未到期，不得销毁", "The recording is not due and must be kept"


class Unproven(Conflict):
    """No signed record has the due date, or the order to delete; the recording stays."""

    code = "unproven"
    title_zh, title_en = "无法证明已到期，不得销毁", "Nothing signed proves that it may be deleted"


@dataclass(frozen=True, slots=True)
class Proof:
    """The signed facts of one recording. `due`: aware; `ordered`: the chain has its deletion, by two officers."""

    due: datetime
    ordered: bool

    def check(self, session: str, now: datetime) -> None:
        """Raise NotDue where `now` is before the due date."""
        if now < self.due:
            until = in_shanghai(self.due)
            text = f"{until:%Y-%m-%d %H:%M:%S} (Asia/Shanghai)"
            raise NotDue(f"{session} must be kept until {text}.", f"{session} 应保存至 {text}。", due=until.isoformat())


def proof(root: Path, folder: PurePosixPath, session: str, keys: Keys, lines: Sequence[bytes] | None = None) -> Proof:
    """Return the proof for the recording in `folder` (relative to the archive). `lines`: the lines of the site's chain,
    read from its file where they are None. Raises Unproven, OSError."""
    if lines is None:
        path = root / folder.parts[0] / site_chain.NAME
        lines = site_chain.read(path)[0] if path.exists() else []
    entered = list(genuine_lines(lines, session, keys))
    dates = [*_dates_in_manifest(root / folder / MANIFEST, session, keys), *_dates_in_chain(entered)]
    if not dates:
        raise Unproven(f"Neither the manifest nor the chain of the site proves when {session} is due.")
    return Proof(max(dates), any(_by_two(line) for line in entered if line["kind"] == PURGE))


def _dates_in_manifest(path: Path, session: str, keys: Keys) -> Iterator[datetime]:
    """Yield the due date in a genuine manifest, and the one that follows from its end and policy."""
    written = atomic_files.read_json(path)
    if written is None or malformed_member(written) or keys.vouch(written) or written["session"] != session:
        return
    if written["due_at"] is not None:
        yield datetime.fromisoformat(written["due_at"])
    yield due_at(datetime.fromisoformat(written["ended_at"]), months_of(written["policy"]))


def _dates_in_chain(lines: list[dict[str, Any]]) -> Iterator[datetime]:
    for line in lines:
        if line["kind"] == VISIT and is_moment(line.get("due_at")):
            yield datetime.fromisoformat(line["due_at"])


def _by_two(line: dict[str, Any]) -> bool:
    by, second = line.get("by"), line.get("second")
    return isinstance(by, str) and isinstance(second, str) and by != second
