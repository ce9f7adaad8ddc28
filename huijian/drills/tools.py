"""What the control process is given for its drills: the program of the synthetic officers as a child process, the
verifier, the measurement of the disk, and the key that signs the archive."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from broker.control.drills.tools import Part
from broker.drills.judgement import Disk
from broker.kernel import atomic_files
from broker.kernel.clock import monotonic
from broker.kernel.ids import RoomId, SessionId
from config.settings import ADDRESS_FILE, Settings
from recorder.evidence.signing import installed, sign, trusted
from recorder.evidence.verify import verify

PROBE = 16 * 1024**2
"""Bytes that are written and synced to measure the disk: a minute of recording."""
_CHUNK = 1024**2
RESULTS = "results"
"""Name of the folder of signed results, in that of the drills."""
LINE = 64 * 1024


class DrillTools:
    """The tools of drills of one installation. `connected` tells whether a room's terminal is connected."""

    def __init__(self, settings: Settings, connected: Callable[[RoomId], bool]) -> None:
        self._settings, self._connected = settings, connected

    def connected(self, room: RoomId) -> bool:
        """Return whether the enrolled terminal of a room is connected now."""
        return self._connected(room)

    async def play(self, part: Part) -> AsyncIterator[Mapping[str, Any]]:
        """Run the program of the synthetic officers; yield what it tells. The process ends with this generator."""
        server = (self._settings.run_dir / ADDRESS_FILE).read_text("ascii").strip()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "huijian.drills.program"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"server": server, "part": part.to_json()}).encode() + b"\n")
            await process.stdin.drain()
            async for line in process.stdout:
                yield json.loads(line)
        finally:
            await _ended(process)

    async def verify(self, session: SessionId) -> tuple[str, ...]:
        """Check the sealed recording of a drill with the installation's own keys; return the kinds of damage."""
        return await asyncio.to_thread(self._verify, session)

    def _verify(self, session: SessionId) -> tuple[str, ...]:
        keys = trusted(self._settings.keys_dir, self._settings.archive_signing)
        report = verify(session, self._settings.drills_dir, keys)
        return tuple(sorted({damage.kind for damage in report.damages}))

    async def measure_disk(self) -> Disk:
        """Measure how fast this disk takes a minute of recording, and how much is free."""
        return await asyncio.to_thread(self._measure_disk)

    def _measure_disk(self) -> Disk:
        settings = self._settings
        settings.drills_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        speed = write_speed(settings.drills_dir)
        free = shutil.disk_usage(settings.archive_dir).free
        return Disk(free, settings.disk_reserve_bytes, speed, settings.session_bytes_per_second)

    async def seal(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Sign a result and write it into the folder of results."""
        return await asyncio.to_thread(self._seal, result)

    def _seal(self, result: Mapping[str, Any]) -> dict[str, Any]:
        settings = self._settings
        signed = sign(result, installed(settings.keys_dir, settings.drills_dir, settings.archive_signing))
        folder = settings.drills_dir / RESULTS
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic_files.write_json(folder / f"{result['drill']}.json", signed)
        return signed


def write_speed(folder: Path) -> float:
    """Return the bytes a second that the disk of a folder takes, written and synced. Raises OSError."""
    probe, chunk = folder / "probe.tmp", os.urandom(_CHUNK)
    try:
        begun = monotonic()
        with probe.open("wb") as file:
            for _ in range(PROBE // _CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return PROBE / max(monotonic() - begun, 1e-6)
    finally:
        probe.unlink(missing_ok=True)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End the program by closing its input, and by a signal where it does not listen."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
