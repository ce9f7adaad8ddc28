"""The recorder process: fed through its tap, commanded through its socket, killed and restarted."""

import asyncio
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from broker.control.recorder_client import RecorderClient
from broker.ipc.recorder_messages import (
    AcknowledgeRecording,
    ExtendRecording,
    FinishRecording,
    RecorderFact,
    SetRecordingDeadline,
    StartRecording,
    StartReply,
)
from broker.kernel.atomic_files import read_lines
from broker.kernel.clock import monotonic
from broker.kernel.database import engine_for, reading
from broker.kernel.errors import Conflict, NotFound
from recorder.archive.catalog import Catalog
from recorder.archive.tables import MARKS
from recorder.evidence.verify import verify
from tests.bench import kills
from tests.support import probe
from tests.support.lateness import lateness
from tests.support.patience import PATIENCE
from tests.support.recorder import RecorderProcess, Relay, start_order
from tests.support.recording.fixtures import make_database

SESSION = "session_abcdefghijklmnopqrstuvwxyz"


def plan(tap: int = 7, session: str = SESSION, deadline_mono: float | None = None) -> StartRecording:
    return start_order(session, tap, deadline_mono)


def about(session: str) -> Callable[[dict[str, Any]], bool]:
    """Return the condition that a fact is about a session."""
    return lambda facts: facts.get("session") == session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecorderProcess]:
    """A recorder process for all tests of this module: starting one takes longer than most tests."""
    folder, run = tmp_path_factory.mktemp("recorder"), Path(tempfile.mkdtemp(prefix="hj"))
    url = await make_database(folder)
    async with RecorderProcess(folder, run, HUIJIAN_DATABASE_URL=url) as process:
        yield process
    shutil.rmtree(run, ignore_errors=True)


@pytest.mark.asyncio(loop_scope="module")
class TestWholeSession:
    """A session from the first packet to the archive."""

    async def test_is_flushed_soon_and_archived_whole(self, shared: RecorderProcess) -> None:
        session = "session_whole"
        assert await shared.call(plan(11, session=session)) == StartReply(part=1)
        relay = Relay(shared.run, 11)
        await relay.play(2.0)
        flushed = await shared.wait_for("fragment_flushed", where=about(session))
        assert relay.begun is not None
        assert flushed["mono"] - relay.begun < 1.0  # 0.3 s on an idle machine; the rest is for a busy one
        await shared.note(session, {"kind": "state", "state": "live"})
        await shared.call(FinishRecording(session=session, reason={"code": "completed"}))
        done = await shared.wait_for("recording_archived", where=about(session))
        film = shared.archive / done["path"]
        assert probe.complaints(film) == ""
        streams = probe.probe(film)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "opus", "h264", "opus", "opus"]
        assert [stream["tags"]["handler_name"] for stream in streams] == [
            "prison video", "prison audio", "visitor video", "visitor audio", "supervisors",
        ]  # fmt: skip
        assert all(abs(length - 2.0) < 0.3 for length in probe.lengths(film))
        assert done["lost"] == 0 and done["gaps"] == []
        assert verify(session, shared.archive).ok
        rules = json.loads(film.with_name("manifest.json").read_text())["rules"]
        assert {side: told["terminal"] for side, told in rules.items()} == {
            "prison": "trm_prison",
            "visitor": "trm_visitor",
        }
        assert film.stat().st_mode & 0o222 == 0

    async def test_is_reported_again_until_acknowledged(self, shared: RecorderProcess) -> None:
        session = "session_again"
        await shared.call(plan(12, session=session))
        await Relay(shared.run, 12).play(0.6)
        await shared.call(FinishRecording(session=session, reason={"code": "completed"}))
        first = await shared.wait_for("recording_archived", where=about(session))
        seen = len(shared.facts)
        await shared.stop()
        await shared.restart()
        assert await shared.wait_for("recording_archived", seen, about(session)) == first
        await shared.call(AcknowledgeRecording(session=session))
        with pytest.raises(Conflict):
            await shared.call(plan(12, session=session))

    async def test_notes_that_the_control_process_is_gone(self, shared: RecorderProcess) -> None:
        session = "session_alone"
        await shared.call(plan(13, session=session, deadline_mono=monotonic() + 60))
        await Relay(shared.run, 13).play(0.5)
        await shared.hang_up()
        timeline = shared.archive / ".work" / session / "timeline.jsonl"
        async with asyncio.timeout(PATIENCE):
            while not any(entry["event"] == {"kind": "control", "there": False} for entry in read_lines(timeline)):
                await asyncio.sleep(0.05)  # another process writes the file, so there is no event to wait for
        await shared.connect()
        await shared.call(FinishRecording(session=session, reason={"code": "completed"}))
        await shared.wait_for("recording_archived", where=about(session))

    async def test_ends_at_its_deadline_without_a_command(self, shared: RecorderProcess) -> None:
        session = "session_deadline"
        await shared.call(plan(14, session=session))
        deadline = monotonic() + 1.5
        await shared.call(SetRecordingDeadline(session=session, deadline_mono=deadline))
        relay = Relay(shared.run, 14)
        await relay.play(2.0)
        done = await shared.wait_for("recording_archived", where=about(session))
        assert relay.begun is not None
        lengths = probe.lengths(shared.archive / done["path"])
        assert all(abs(length - (deadline - relay.begun)) < 0.2 + relay.longest_pause() for length in lengths)
        manifest = json.loads((shared.archive / done["path"]).with_name("manifest.json").read_text())
        assert manifest["reason"] == {"code": "time_limit", "by": "recorder"}

    async def test_ends_later_by_an_approval_made_in_time_and_by_nothing_else(self, shared: RecorderProcess) -> None:
        session = "session_extended"
        begun = monotonic()
        await shared.call(plan(15, session=session, deadline_mono=begun + 1.0))
        longer = {"session": session, "minutes": 31.0, "deadline_mono": begun + 2.0}
        await shared.call(SetRecordingDeadline(session=session, deadline_mono=begun + 60))
        await shared.call(ExtendRecording(**longer, made=begun + 0.5))
        await shared.call(ExtendRecording(**{**longer, "deadline_mono": begun + 60}, made=begun + 2.0))
        event = {
            "kind": "action",
            "what": "ExtensionApproved",
            "by": "warden",
            "article": "YN-14-FAMILY",
            "added": 60.0,
        }
        await shared.note(session, event)
        relay = Relay(shared.run, 15)
        await relay.play(2.5)
        done = await shared.wait_for("recording_archived", where=about(session))
        assert relay.begun is not None
        lengths = probe.lengths(shared.archive / done["path"])
        assert all(abs(length - (begun + 2.0 - relay.begun)) < 0.2 + relay.longest_pause() for length in lengths)
        manifest = json.loads((shared.archive / done["path"]).with_name("manifest.json").read_text())
        (extension,) = manifest["extensions"]
        assert (extension["by"], extension["article"], extension["added"]) == ("warden", "YN-14-FAMILY", 60.0)
        assert extension["at"]
        assert verify(session, shared.archive).ok

    async def test_without_any_media_is_a_failure_that_says_so(self, shared: RecorderProcess) -> None:
        session = "session_no_media"
        await shared.call(plan(16, session=session))
        await shared.note(session, {"kind": "state", "state": "check_in"})
        await shared.call(FinishRecording(session=session, reason={"code": "no_show"}))
        failed = await shared.wait_for("archiving_failed", where=about(session))
        assert failed["reason"] == "no_media"
        folder = shared.archive / failed["path"]
        assert "check_in" in (folder / "timeline.jsonl").read_text()
        assert json.loads((folder / "manifest.json").read_text())["reason"] == {"code": "no_show"}

    async def test_refuses_an_unknown_session(self, shared: RecorderProcess) -> None:
        with pytest.raises(NotFound):
            await shared.call(FinishRecording(session="session_unknown", reason={}))


@pytest.mark.asyncio(loop_scope="module")
class TestDeathOfTheRecorder:
    """Design, section 9: the recorder is killed, the power fails."""

    async def test_costs_at_most_two_seconds_and_the_hole_is_kept(self, shared: RecorderProcess) -> None:
        session = "session_killed"
        await shared.call(plan(17, session=session))
        relay = Relay(shared.run, 17)
        await relay.play(2.5)
        await shared.kill()
        seen = len(shared.facts)
        await shared.restart()
        assert await shared.call(plan(17, session=session)) == StartReply(part=2)
        again = Relay(shared.run, 17, ssrc=900)
        await again.play(1.5)
        assert (await shared.wait_for("fragment_flushed", seen, about(session)))["part"] == 2
        await shared.call(FinishRecording(session=session, reason={"code": "completed"}))
        done = await shared.wait_for("recording_archived", where=about(session))
        film = shared.archive / done["path"]
        assert probe.complaints(film) == ""
        assert relay.begun is not None and again.begun is not None
        whole = again.begun - relay.begun + 1.5
        assert all(abs(length - whole) < 0.4 for length in probe.lengths(film))
        holes = [gap for gap in done["gaps"] if gap["cause"] == "recorder"]
        assert {gap["track"] for gap in holes} == {0, 1, 2, 3, 4}
        away = again.begun - relay.begun - 2.5
        assert all(gap["seconds"] < away + 2.0 for gap in holes)
        assert verify(film, shared.archive).ok

    async def test_unfinished_sessions_are_archived_when_asked(self, shared: RecorderProcess) -> None:
        session = "session_unfinished"
        await shared.call(plan(18, session=session))
        await Relay(shared.run, 18).play(1.5)
        await shared.kill()
        await shared.restart()
        await shared.call(FinishRecording(session=session, reason={"code": "technical"}))
        done = await shared.wait_for("recording_archived", where=about(session))
        film = shared.archive / done["path"]
        assert probe.complaints(film) == ""
        assert min(probe.lengths(film)) > 0.9
        assert verify(None, shared.archive).ok

    async def test_the_parents_death_finishes_the_file(self, shared: RecorderProcess) -> None:
        session = "session_orphan"
        await shared.call(plan(19, session=session))
        await Relay(shared.run, 19).play(1.0)
        assert shared.process.stdin is not None
        shared.process.stdin.close()
        assert await shared.process.wait() == 0
        part = shared.archive / ".work" / session / "part-1.mp4"
        assert probe.complaints(part) == ""
        assert json.loads(part.with_suffix(".json").read_text())["clean"]
        await shared.restart()
        await shared.call(FinishRecording(session=session, reason={"code": "technical"}))
        await shared.wait_for("recording_archived", where=about(session))


@pytest.mark.asyncio(loop_scope="module")
class TestARecorderThatIsStopped:
    """SIGSTOP: the sockets stay open, the kernel still accepts what is sent, and nothing is written."""

    async def test_is_lost_within_two_seconds_and_there_again_when_it_goes_on(self, shared: RecorderProcess) -> None:
        received: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

        class Listener:
            def received(self, fact: RecorderFact) -> None:
                received.put_nowait((type(fact).__name__, monotonic()))

            def recorder_up(self) -> None:
                received.put_nowait(("up", monotonic()))

            def recorder_down(self, why: str) -> None:
                received.put_nowait(("down", monotonic()))

        client = RecorderClient(shared.run)
        listening = asyncio.create_task(client.run(Listener()))

        async def fact_at(name: str) -> float:
            async with asyncio.timeout(PATIENCE):
                while (fact := await received.get())[0] != name:
                    pass
            return fact[1]

        await fact_at("up")
        await shared.call(plan(20, session="session_stopped"))
        await Relay(shared.run, 20).play(1.0)
        await fact_at("FragmentFlushed")
        shared.process.send_signal(signal.SIGSTOP)
        stopped = monotonic()
        try:
            async with lateness() as late:
                down = await fact_at("down")
            assert down - stopped < 2.5 + late.seconds  # 1.8 s on an idle machine
            assert not client.ready
        finally:
            shared.process.send_signal(signal.SIGCONT)
        await fact_at("up")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await shared.answers()
        await shared.call(FinishRecording(session="session_stopped", reason={"code": "technical"}))
        await shared.wait_for("recording_archived", where=about("session_stopped"))


@pytest.mark.asyncio(loop_scope="module")
class TestStart:
    async def test_remembers_both_clocks_once_for_this_run_of_the_machine(self, shared: RecorderProcess) -> None:
        catalog = Catalog(engine_for(f"sqlite+aiosqlite:///{shared.archive.parent / 'huijian.sqlite'}"))
        async with reading(catalog.engine) as db:
            first = (await db.execute(select(MARKS.c.boot, MARKS.c.wall, MARKS.c.mono))).all()
        await shared.kill()
        await shared.restart()
        async with reading(catalog.engine) as db:
            again = (await db.execute(select(MARKS.c.boot, MARKS.c.wall, MARKS.c.mono))).all()
        assert again == first and len(first) == 1
        await catalog.close()


class TestRandomKills:
    """Four of the fifty and more kills that `python -m tests.bench.kills` does."""

    @pytest.mark.slow
    @pytest.mark.timeout(300)  # a restart takes up to ten seconds on a busy machine
    async def test_lose_at_most_two_seconds_each_and_no_row_or_file(self) -> None:
        result = await kills.killed(4, longest=1.0)
        assert result["broken"] == 0 and result["worst_loss"] < 2.0, result
        assert result["archive_whole"] and result["rows"] == result["recordings"] == 4, result
