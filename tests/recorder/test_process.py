"""The recorder as a process: fed through its tap, commanded through its socket, killed, restarted."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from broker.control.recorder_client import RecorderClient
from broker.kernel.atomic_files import read_lines
from broker.kernel.clock import monotonic
from broker.kernel.database import engine_for, reading
from broker.kernel.errors import Conflict, NotFound
from recorder.archive.catalog import Catalog
from recorder.archive.tables import MARKS
from recorder.evidence.verify import verify
from tests.bench import kills
from tests.support import probe
from tests.support.recorder import RecorderProcess, Relay

SESSION = "session_abcdefghijklmnopqrstuvwxyz"


def plan(tap: int = 7, session: str = SESSION, **more: Any) -> dict[str, Any]:
    sides = {side: {"site": f"{side}-site", "room": "r1", "title": side} for side in ("prison", "visitor")}
    return {
        "session": session,
        "tap": tap,
        "site": "prison-site",
        "slot": {"id": "slot_1"},
        "policy": {"name": "yunnan", "version": "1"},
        "sides": sides,
        "starts_at": "2026-11-22T02:00:00+00:00",
        "deadline_mono": None,
        **more,
    }


class TestWholeSession:
    """From the first packet to the archive."""

    async def test_is_flushed_soon_and_archived_whole(self, recorder: RecorderProcess) -> None:
        assert await recorder.call("start", **plan()) == {"part": 1}
        relay = Relay(recorder.run, 7)
        await relay.play(2.0)
        flushed = await recorder.wait_for("flushed")
        assert relay.begun is not None
        assert flushed["mono"] - relay.begun < 1.0  # 0.3 s on an idle machine; the rest is for a busy one
        await recorder.call("note", session=SESSION, event={"kind": "state", "state": "live"})
        await recorder.call("finish", session=SESSION, reason={"code": "completed"})
        done = await recorder.wait_for("archived")
        film = recorder.archive / done["path"]
        assert probe.complaints(film) == ""
        streams = probe.probe(film)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "opus", "h264", "opus", "opus"]
        assert [stream["tags"]["handler_name"] for stream in streams] == [
            "prison video", "prison audio", "visitor video", "visitor audio", "supervisors",
        ]  # fmt: skip
        assert all(abs(length - 2.0) < 0.3 for length in probe.lengths(film))
        assert done["lost"] == 0 and done["gaps"] == []
        assert verify(SESSION, recorder.archive).ok
        assert film.stat().st_mode & 0o222 == 0

    async def test_is_told_again_until_acknowledged(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan())
        await Relay(recorder.run, 7).play(0.6)
        await recorder.call("finish", session=SESSION, reason={"code": "completed"})
        first = await recorder.wait_for("archived")
        seen = len(recorder.facts)
        await recorder.stop()
        await recorder.restart()
        assert await recorder.wait_for("archived", after=seen) == first
        await recorder.call("acknowledge", session=SESSION)
        with pytest.raises(Conflict):
            await recorder.call("start", **plan())

    async def test_notes_that_nobody_says_any_more_who_watches(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan(deadline_mono=monotonic() + 60))
        await Relay(recorder.run, 7).play(0.5)
        await recorder.hang_up()
        timeline = recorder.archive / ".work" / SESSION / "timeline.jsonl"
        async with asyncio.timeout(10):
            while not any(entry["event"] == {"kind": "control", "there": False} for entry in read_lines(timeline)):
                await asyncio.sleep(0.05)  # of another process, which has no event for us

    async def test_ends_at_its_deadline_without_being_told(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan())
        deadline = monotonic() + 1.5
        await recorder.call("deadline", session=SESSION, deadline_mono=deadline)
        relay = Relay(recorder.run, 7)
        await relay.play(2.0)
        done = await recorder.wait_for("archived")
        assert relay.begun is not None
        lengths = probe.lengths(recorder.archive / done["path"])
        assert all(abs(length - (deadline - relay.begun)) < 0.2 for length in lengths)
        manifest = json.loads((recorder.archive / done["path"]).with_name("manifest.json").read_text())
        assert manifest["reason"] == {"code": "time_limit", "by": "recorder"}

    async def test_ends_later_by_an_approval_made_in_time_and_by_no_other_word(self, recorder: RecorderProcess) -> None:
        begun = monotonic()
        await recorder.call("start", **plan(deadline_mono=begun + 1.0))
        longer = {"session": SESSION, "minutes": 31.0, "deadline_mono": begun + 2.0}
        await recorder.call("deadline", session=SESSION, deadline_mono=begun + 60)
        await recorder.call("extend", **longer, made=begun + 0.5)
        await recorder.call("extend", **{**longer, "deadline_mono": begun + 60}, made=begun + 2.0)
        event = {
            "kind": "action",
            "what": "ExtensionApproved",
            "by": "warden",
            "article": "YN-14-FAMILY",
            "added": 60.0,
        }
        await recorder.call("note", session=SESSION, event=event)
        relay = Relay(recorder.run, 7)
        await relay.play(2.5)
        done = await recorder.wait_for("archived")
        assert relay.begun is not None
        lengths = probe.lengths(recorder.archive / done["path"])
        assert all(abs(length - (begun + 2.0 - relay.begun)) < 0.2 for length in lengths)
        manifest = json.loads((recorder.archive / done["path"]).with_name("manifest.json").read_text())
        (one,) = manifest["extensions"]
        assert (one["by"], one["article"], one["added"]) == ("warden", "YN-14-FAMILY", 60.0) and one["at"]
        assert verify(SESSION, recorder.archive).ok

    async def test_without_any_media_is_an_honest_failure(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan())
        await recorder.call("note", session=SESSION, event={"kind": "state", "state": "check_in"})
        await recorder.call("finish", session=SESSION, reason={"code": "no_show"})
        failed = await recorder.wait_for("archive_failed")
        assert failed["reason"] == "no_media"
        folder = recorder.archive / failed["path"]
        assert "check_in" in (folder / "timeline.jsonl").read_text()
        assert json.loads((folder / "manifest.json").read_text())["reason"] == {"code": "no_show"}

    async def test_refuses_what_it_does_not_know(self, recorder: RecorderProcess) -> None:
        with pytest.raises(NotFound):
            await recorder.call("finish", session="session_unknown", reason={})


class TestDeathOfTheRecorder:
    """Design, section 9: the recorder is killed, the power fails."""

    async def test_costs_at_most_two_seconds_and_the_hole_is_kept(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan())
        relay = Relay(recorder.run, 7)
        await relay.play(2.5)
        await recorder.kill()
        seen = len(recorder.facts)
        await recorder.restart()
        assert await recorder.call("start", **plan()) == {"part": 2}
        again = Relay(recorder.run, 7, ssrc=900)
        await again.play(1.5)
        assert (await recorder.wait_for("flushed", after=seen))["part"] == 2
        await recorder.call("finish", session=SESSION, reason={"code": "completed"})
        done = await recorder.wait_for("archived")
        film = recorder.archive / done["path"]
        assert probe.complaints(film) == ""
        assert relay.begun is not None and again.begun is not None
        whole = again.begun - relay.begun + 1.5
        assert all(abs(length - whole) < 0.4 for length in probe.lengths(film))
        holes = [gap for gap in done["gaps"] if gap["cause"] == "recorder"]
        assert {gap["track"] for gap in holes} == {0, 1, 2, 3, 4}
        away = again.begun - relay.begun - 2.5
        assert all(gap["seconds"] < away + 2.0 for gap in holes)
        assert verify(film, recorder.archive).ok

    async def test_unfinished_sessions_are_archived_when_asked(self, recorder: RecorderProcess) -> None:
        await recorder.call("start", **plan())
        await Relay(recorder.run, 7).play(1.5)
        await recorder.kill()
        await recorder.restart()
        await recorder.call("finish", session=SESSION, reason={"code": "technical"})
        done = await recorder.wait_for("archived")
        film = recorder.archive / done["path"]
        assert probe.complaints(film) == ""
        assert min(probe.lengths(film)) > 0.9
        assert verify(None, recorder.archive).ok

    async def test_the_parents_death_finishes_the_file(self, recorder: RecorderProcess, tmp_path: Path) -> None:
        await recorder.call("start", **plan())
        await Relay(recorder.run, 7).play(1.0)
        assert recorder.process.stdin is not None
        recorder.process.stdin.close()
        assert await recorder.process.wait() == 0
        part = tmp_path / "archive" / ".work" / SESSION / "part-1.mp4"
        assert probe.complaints(part) == ""
        assert json.loads(part.with_suffix(".json").read_text())["clean"]
        await recorder.restart()


class TestRandomKills:
    """Four of the fifty and more that `python -m tests.bench.kills` does."""

    @pytest.mark.slow
    @pytest.mark.timeout(300)  # a restart is an interpreter that starts: ten seconds on a starved machine
    async def test_lose_at_most_two_seconds_each_and_no_row_or_file(self) -> None:
        told = await kills.killed(4, longest=1.0)
        assert told["broken"] == 0 and told["worst_loss"] < 2.0, told
        assert told["archive_whole"] and told["rows"] == told["recordings"] == 4, told


class TestARecorderThatIsStopped:
    """SIGSTOP: its sockets stay open, its kernel goes on taking what is sent, and it writes nothing."""

    async def test_is_lost_within_two_seconds_and_there_again_when_it_goes_on(self, recorder: RecorderProcess) -> None:
        heard: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        listener = RecorderClient(recorder.run, lambda name, _: heard.put_nowait((name, monotonic())))
        listening = asyncio.create_task(listener.run())

        async def hears(name: str) -> float:
            async with asyncio.timeout(15):
                while (told := await heard.get())[0] != name:
                    pass
            return told[1]

        await hears("up")
        await recorder.call("start", **plan())
        await Relay(recorder.run, 7).play(1.0)
        await hears("flushed")
        stopped = monotonic()
        recorder.process.send_signal(signal.SIGSTOP)
        try:
            assert await hears("down") - stopped < 2.5  # 1.8 s on an idle machine
            assert not listener.ready
        finally:
            recorder.process.send_signal(signal.SIGCONT)
        await hears("up")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


class TestStart:
    async def test_remembers_both_clocks_once_for_this_run_of_the_machine(
        self, recorder: RecorderProcess, database: str
    ) -> None:
        catalog = Catalog(engine_for(database))
        async with reading(catalog.engine) as db:
            first = (await db.execute(select(MARKS.c.boot, MARKS.c.wall, MARKS.c.mono))).all()
        await recorder.kill()
        await recorder.restart()
        async with reading(catalog.engine) as db:
            again = (await db.execute(select(MARKS.c.boot, MARKS.c.wall, MARKS.c.mono))).all()
        assert again == first and len(first) == 1
        await catalog.close()
