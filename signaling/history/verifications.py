"""The verification of recordings on demand, for auditors: one at a time, each by a process of its own with the lowest
priority (`python -m recorder.evidence`), so that a film of a gigabyte holds up nothing. Results are stored with the
hash of the manifest that they are about, so that they outlive a restart."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.history.verifications import Verified
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import TooMany, VisitError
from config.settings import Settings

log = structlog.get_logger()
LOOK = 0.5
"""Seconds between looks at how far a process has read."""
MOST_WAITING = 20
"""Recordings that wait to be verified; more are refused."""
Outcome = Literal["running", "sound", "damaged", "failed"]


@dataclass(slots=True)
class Verification:
    """The verification of one recording. `manifest`: the hash of its manifest when it was ordered; `size`: bytes that
    are read for it."""

    session: str
    manifest: str
    size: int
    state: Outcome = "running"
    progress: float = 0.0
    checked_at: datetime | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)


class Verifications:
    """The verifications of one installation. `run` runs until cancelled; `done` is called with each that has ended, and
    stores it."""

    def __init__(
        self, settings: Settings, clock: Clock, store: Store, done: Callable[[Verification], Awaitable[None]]
    ) -> None:
        self._settings, self._clock, self._store, self._done = settings, clock, store, done
        self._going: dict[str, Verification] = {}
        self._queue: asyncio.Queue[Verification] = asyncio.Queue(MOST_WAITING)

    async def of(self, session: str) -> Verification | None:
        """Return the last verification of a recording, running or done. Raises StorageUnavailable."""
        if (going := self._going.get(session)) is not None:
            return going
        found = await self._store.verification_of(session)
        if found is None:
            return None
        state = cast(Outcome, found.state)
        return Verification(session, found.manifest, 0, state, 1.0, found.checked_at, found.findings)

    def order(self, session: str, manifest: str, size: int) -> Verification:
        """Have a recording verified; one that waits or runs is not ordered twice. Raises TooMany."""
        if (before := self._going.get(session)) is not None:
            return before
        ordered = Verification(session, manifest, size)
        try:
            self._queue.put_nowait(ordered)
        except asyncio.QueueFull:
            raise TooMany("Too many recordings wait to be verified.", "等待验证的录像过多，请稍后再试。") from None
        self._going[session] = ordered
        return ordered

    async def run(self) -> None:
        """Verify what is ordered, one after another, until cancelled; that kills the process that reads."""
        while True:
            verification = await self._queue.get()
            outcome, findings = await self._outcome(verification)
            at = self._clock.now().wall
            ended = replace(verification, state=outcome, progress=1.0, checked_at=at, findings=findings)
            try:
                await self._done(ended)  # before others see that it has ended: what they see is stored and journaled
            except VisitError as error:
                log.error("verification not stored", session=verification.session, why=error.code)
            del self._going[verification.session]

    async def _outcome(self, verification: Verification) -> tuple[Outcome, list[dict[str, Any]]]:
        try:
            return await self._verify(verification)
        except Exception as error:  # the next recording is verified whatever became of this one
            log.error("recording not verified", session=verification.session, why=type(error).__name__)
            return "failed", []

    async def _verify(self, verification: Verification) -> tuple[Outcome, list[dict[str, Any]]]:
        settings = self._settings
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "recorder.evidence", verification.session),
            *(str(settings.archive_dir), str(settings.keys_dir), settings.archive_signing),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={name: value for name, value in os.environ.items() if name != "HUIJIAN_DATABASE_URL"},
            start_new_session=True,
        )
        watching = asyncio.create_task(_watch(process.pid, verification))
        try:
            output, _ = await process.communicate()
        finally:
            watching.cancel()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        result = json.loads(output)
        return ("sound" if result["sound"] else "damaged"), list(result["findings"])


async def _watch(process: int, verification: Verification) -> None:
    """Show how far a process has read, until cancelled: what it has read of what there is to read."""
    while True:
        await asyncio.sleep(LOOK)
        with suppress(OSError, ValueError, IndexError):
            read = int(Path(f"/proc/{process}/io").read_text("ascii").split()[1])
            verification.progress = min(0.99, read / max(verification.size, 1))


async def note_verification(store: Store, journal: Journal, found: Verification) -> None:
    """Store and journal what a verification has found. Raises StorageUnavailable."""
    at = found.checked_at or store.clock.now().wall
    await store.keep_verification(Verified(found.session, found.manifest, found.state, at, found.findings))
    data = {"state": found.state, "findings": len(found.findings), "manifest": found.manifest}
    journal.note("VerificationDone", found.session, "verifier", data)
