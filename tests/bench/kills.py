"""Kills of a recorder by kill -9 at random moments: python -m tests.bench.kills [RUNS]. After each, the next recorder
must archive what was written, at most two seconds short, and every intent and every file must have its row. Then one
kill at each write with which a part is finished (see tests/bench/dying.py)."""

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from broker.ipc.recorder_messages import AcknowledgeRecording, FinishRecording
from broker.kernel.clock import monotonic
from broker.kernel.database import engine_for
from recorder.archive import paths
from recorder.archive.catalog import Catalog
from recorder.archive.tables import METADATA
from recorder.evidence.verify import verify
from tests.bench import dying
from tests.support import probe
from tests.support.recorder import RecorderProcess, Relay, start_order


async def kill_once(recorder: RecorderProcess, number: int, wait: float) -> tuple[float, float, str]:
    """Play, kill the recorder `wait` seconds after the first fragment, restart it and archive.

    Returns seconds played, seconds archived, and the complaints of FFmpeg."""
    session, seen = f"session_{number}", len(recorder.facts)
    await recorder.call(start_order(session, number + 1))
    relay = Relay(recorder.run, number + 1)
    playing = asyncio.create_task(relay.play(10.0))
    await recorder.wait_for("fragment_flushed", seen, lambda facts: facts["session"] == session)
    await asyncio.sleep(wait)
    played = monotonic() - (relay.begun or 0.0)
    await recorder.kill()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    relay.close()
    await recorder.restart()
    await recorder.call(FinishRecording(session=session, reason={"code": "technical"}))
    done = await recorder.wait_for("recording_archived", seen, lambda facts: facts["session"] == session)
    await recorder.call(AcknowledgeRecording(session=session))
    film = recorder.archive / done["path"]
    return played, min(probe.lengths(film)), await asyncio.to_thread(probe.complaints, film)


def closing() -> tuple[int, int]:
    """Kill while a part is finished, and return how many kills there were, and how many cost more than two seconds."""
    steps, broken = 0, 0
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        while (kept := dying.at(Path(folder) / str(steps) / "archive", steps)) is not None:
            steps += 1
            broken += kept < dying.SECONDS - 2.0
    return steps, broken


async def killed(runs: int, longest: float = 3.0, seed: int = 4) -> dict[str, Any]:
    """Kill a recorder `runs` times, each within `longest` seconds of its first fragment.

    Returns how many runs lost too much or were damaged, the worst loss in seconds, and whether archive and catalog are
    whole afterwards."""
    chance, broken, worst = random.Random(seed), 0, 0.0
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        place, url = Path(folder), f"sqlite+aiosqlite:///{folder}/h.sqlite"
        (place / "run").mkdir(mode=0o700)
        catalog = Catalog(engine_for(url))
        async with catalog.engine.begin() as db:
            await db.run_sync(METADATA.create_all)
        async with RecorderProcess(
            place, place / "run", HUIJIAN_DATABASE_URL=url, HUIJIAN_LOG_LEVEL="error"
        ) as recorder:
            for number in range(runs):
                played, kept, complaints = await kill_once(recorder, number, chance.uniform(0.0, longest))
                worst = max(worst, played - kept)
                if played - kept > 2.0 or complaints:
                    broken += 1
                    print(f"run {number}: played {played:.2f} s, kept {kept:.2f} s {complaints}")
        report = verify(None, place / "archive")
        rows = await catalog.sessions()
        files = {path.name for path in paths.recordings(place / "archive")}
        unfinished = await catalog.unfinished()
        await catalog.close()
        for path in paths.recordings(place / "archive"):
            path.chmod(0o700)
    whole = report.ok and rows == files and len(files) == runs and not unfinished
    result = {"runs": runs, "broken": broken, "worst_loss": round(worst, 3), "archive_whole": whole}
    return {**result, "rows": len(rows), "recordings": report.recordings}


async def main(runs: int) -> int:
    """Print the result, and return the number of runs that lost too much or were damaged."""
    result = await killed(runs)
    steps, cost = await asyncio.to_thread(closing)
    print(json.dumps({**result, "kills_while_closing": steps, "of_them_broken": cost}))
    return int(result["broken"]) + cost + (not result["archive_whole"])


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)))
