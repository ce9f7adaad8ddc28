"""Yunnan 12: drills are recorded and sealed as visits are, apart from them: nothing of one is in the archive, in the
catalog, in a chain of the archive, or within reach of the purge."""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from broker.ipc.recorder_messages import FinishRecording
from broker.kernel.database import engine_for, reading
from recorder.archive.tables import INTENTS, RECORDINGS
from recorder.drills import remove_old, remove_unfinished
from recorder.evidence.verify import verify
from tests.recorder.test_process import about, plan
from tests.support import probe
from tests.support.recorder import RecorderProcess, Relay
from tests.support.recording.fixtures import make_database

DRILL = "ses_drill"


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    run = Path(tempfile.mkdtemp(prefix="hj"))
    url = await make_database(tmp_path)
    async with RecorderProcess(tmp_path, run, HUIJIAN_DATABASE_URL=url) as process:
        yield process
    shutil.rmtree(run, ignore_errors=True)


async def rows(folder: Path) -> list[int]:
    """Return how many recordings and intents the catalog has."""
    url = f"sqlite+aiosqlite:///{next(folder.glob('*.sqlite'))}"
    engine = engine_for(url)
    async with reading(engine) as db:
        found = [len((await db.execute(table.select())).all()) for table in (RECORDINGS, INTENTS)]
    await engine.dispose()
    return found


class TestADrill:
    async def test_is_sealed_apart_beside_a_visit_that_is_not_touched(
        self, recorder: RecorderProcess, tmp_path: Path
    ) -> None:
        drills = tmp_path / "drills"
        await recorder.call(msgspec.structs.replace(plan(7, session=DRILL), drill=True))
        await recorder.call(plan(8, session="ses_visit"))
        relays = Relay(recorder.run, 7), Relay(recorder.run, 8, ssrc=900)
        for relay in relays:
            await relay.play(1.0)
        for session in (DRILL, "ses_visit"):
            await recorder.call(FinishRecording(session=session, reason={"reason": "time_limit"}))
        done = await recorder.wait_for("recording_archived", where=about(DRILL))
        visit = await recorder.wait_for("recording_archived", where=about("ses_visit"))
        film = drills / done["path"]
        assert film.is_file() and probe.complaints(film) == ""
        assert verify(DRILL, drills).ok
        assert not list(recorder.archive.rglob(f"*{DRILL}*"))
        chain = (recorder.archive / "prison-site" / "chain.jsonl").read_text()
        assert DRILL not in chain and "ses_visit" in chain
        assert json.loads((recorder.archive / visit["path"]).with_name("manifest.json").read_text())["number"] == 1
        assert verify(None, recorder.archive).ok
        assert await rows(tmp_path) == [1, 1]

    async def test_that_was_not_finished_is_removed_by_the_next_start(
        self, recorder: RecorderProcess, tmp_path: Path
    ) -> None:
        await recorder.call(msgspec.structs.replace(plan(7, session=DRILL), drill=True))
        await Relay(recorder.run, 7).play(0.6)
        await recorder.kill()
        assert list((tmp_path / "drills" / ".work").iterdir())
        await recorder.restart()
        assert not list((tmp_path / "drills" / ".work").iterdir())
        assert await rows(tmp_path) == [0, 0]


class TestItsDays:
    """Drills have days of their own (`drill_days`), and no due date of a visit."""

    def test_pass_and_take_recording_and_result_with_them(self, tmp_path: Path) -> None:
        now = datetime(2026, 6, 1, tzinfo=UTC)
        for name, days in (("ses_old", 91), ("ses_new", 89)):
            folder = tmp_path / "prison-site" / "2026" / "03" / "02" / name
            folder.mkdir(parents=True)
            (folder / "session.mp4").write_bytes(b"film")
            (tmp_path / "results").mkdir(exist_ok=True)
            result = tmp_path / "results" / f"{name}.json"
            result.write_text("{}")
            moment = (now - timedelta(days=days)).timestamp()
            for path in (folder, result):
                os.utime(path, (moment, moment))
        assert remove_old(tmp_path, now, 90) == 1
        assert [path.name for path in sorted(tmp_path.rglob("ses_*"))] == ["ses_new", "ses_new.json"]

    def test_of_a_folder_without_drills_are_nothing(self, tmp_path: Path) -> None:
        remove_unfinished(tmp_path)
        assert remove_old(tmp_path, datetime.now(UTC), 90) == 0
