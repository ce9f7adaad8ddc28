"""The proof of a recording's due date. The catalog plans a purge, but a table can be altered; therefore the signed
records decide: the recording's manifest, and its line in the chain of the site. The latest date counts. Blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from broker.kernel import atomic_files, canonical_json
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict
from recorder.archive.manifest_check import is_moment, malformed_member
from recorder.archive.paths import MANIFEST
from recorder.evidence import site_chain
from recorder.evidence.chain_facts import ChainFacts, Dated
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


class Held(Conflict):
    """The recording is held as evidence by a line in the chain of its site."""

    code = "held"
    title_zh, title_en = "已保全，不得销毁", "The recording is held as evidence"


@dataclass(frozen=True, slots=True)
class Proof:
    """The signed facts of one recording. `due`: aware; `ordered`: the chain has its deletion, by two officers; `held`:
    it has a hold that stands; `dated`: no wrong clock leaves the due date open."""

    due: datetime
    ordered: bool
    held: bool = False
    dated: bool = True

    def check(self, session: str, now: datetime) -> None:
        """Raise Held where a hold stands, Unproven where the date is open, NotDue where `now` is before it."""
        if self.held:
            raise Held(f"{session} is held as evidence.", f"{session} 已保全。")
        if not self.dated:
            raise Unproven(
                f"{session} was recorded with a wrong clock, and no right one has dated it since.",
                f"{session} 录制时时钟有误，此后未经校正。",
            )
        if now < self.due:
            until = in_shanghai(self.due)
            text = f"{until:%Y-%m-%d %H:%M:%S} (Asia/Shanghai)"
            raise NotDue(f"{session} must be kept until {text}.", f"{session} 应保存至 {text}。", due=until.isoformat())


def proof(root: Path, folder: PurePosixPath, session: str, keys: Keys, lines: Sequence[bytes] | None = None) -> Proof:
    """Return the proof for the recording in `folder` (relative to the archive). `lines`: the lines of the site's chain,
    read from its file where they are None. Raises Unproven, OSError."""
    if lines is None:
        lines = site_chain.lines_of_site(root, folder.parts[0])
    entered = list(genuine_lines(lines, session, keys))
    written = _manifest(root / folder / MANIFEST, session, keys)
    if written is not None and "number" in written and not any(line["kind"] == VISIT for line in entered):
        raise Unproven(f"The chain of the site has lost the line of {session}.", f"单位链中缺少 {session} 的记录。")
    facts = _facts(folder.parts[0], lines, session, keys)
    dated = facts.dated.get(session)
    dates = [*_dates_in(written, dated), *_dates_in_chain(entered), *([dated.due] if dated else [])]
    if not dates:
        raise Unproven(
            f"Neither the manifest nor the chain of the site proves when {session} is due.",
            f"清单和单位链均不能证明 {session} 何时到期。",
        )
    ordered = any(_by_two(line) for line in entered if line["kind"] == PURGE)
    return Proof(max(dates), ordered, session in facts.held, session not in facts.undated)


def _facts(site: str, lines: Sequence[bytes], session: str, keys: Keys) -> ChainFacts:
    """Return what the lines about a session say beside its visit. Raises Unproven where one cannot be read: it may be a
    hold."""
    facts, mark = ChainFacts(), canonical_json.sorted_utf8(session)
    try:
        facts.take(site, (line for line in lines if mark in line), keys)
    except ValueError as error:
        raise Unproven(
            f"A line about {session} in the chain of the site cannot be read: {error}.",
            f"单位链中关于 {session} 的记录无法读取。",
        ) from error
    return facts


def _manifest(path: Path, session: str, keys: Keys) -> dict[str, Any] | None:
    """Return the manifest of a session, None where it is missing or not genuine."""
    written = atomic_files.read_json(path)
    if written is None or malformed_member(written) or keys.vouch(written) or written["session"] != session:
        return None
    return written


def _dates_in(written: dict[str, Any] | None, dated: Dated | None) -> Iterator[datetime]:
    """Yield the due date in a genuine manifest, and the ones that follow from its policy and its end, or the end by a
    later record."""
    if written is None:
        return
    if written["due_at"] is not None:
        yield datetime.fromisoformat(written["due_at"])
    yield due_at(datetime.fromisoformat(written["ended_at"]), months_of(written["policy"]))
    if dated is not None:
        yield due_at(dated.since, months_of(written["policy"]))


def _dates_in_chain(lines: list[dict[str, Any]]) -> Iterator[datetime]:
    for line in lines:
        if line["kind"] == VISIT and is_moment(line.get("due_at")):
            yield datetime.fromisoformat(line["due_at"])


def _by_two(line: dict[str, Any]) -> bool:
    by, second = line.get("by"), line.get("second")
    return isinstance(by, str) and isinstance(second, str) and by != second
