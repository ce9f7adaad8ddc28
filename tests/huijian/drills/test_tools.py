"""Tests of the tools of drills: the child process that plays the officers, the disk, and the key."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from broker.control.drills.tools import Part
from broker.kernel.ids import RoomId, SessionId, Side
from config.settings import ADDRESS_FILE, Settings
from huijian.drills.tools import DrillTools, write_speed
from recorder.evidence.signing import trusted
from tests.support.patience import PATIENCE

PART = Part(SessionId("ses_d"), {side: ["drl_a_token_that_is_gone"] for side in Side})


@pytest.fixture
def tools(place: Path) -> DrillTools:
    settings = Settings.load()
    settings.prepare()
    (settings.run_dir / ADDRESS_FILE).write_text("http://127.0.0.1:9")  # where no server listens
    return DrillTools(settings, lambda room: room == "p1")


class TestTheProgram:
    async def test_is_a_process_that_ends_by_itself(self, tools: DrillTools) -> None:
        async with asyncio.timeout(PATIENCE):
            reports = [report async for report in tools.play(PART)]
        assert [report["did"] for report in reports] == ["no_server"]

    async def test_ends_when_it_is_not_listened_to_any_more(self, tools: DrillTools, tmp_path: Path) -> None:
        async with asyncio.timeout(PATIENCE):
            playing = tools.play(PART)
            await anext(playing)
            await playing.aclose()
        assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _is_child_program(path)]


def _is_child_program(cmdline: Path) -> bool:
    """Whether a process is the program of a drill, and a child of this one."""
    try:
        parent = (cmdline.parent / "stat").read_text().rpartition(")")[2].split()[1]
        return b"huijian.drills.program" in cmdline.read_bytes() and int(parent) == os.getpid()
    except OSError:
        return False


class TestTheDisk:
    async def test_is_measured_by_writing_and_nothing_stays(self, tools: DrillTools, place: Path) -> None:
        disk = await tools.measure_disk()
        assert disk.speed > 0 and disk.free > 0
        assert not list((place / "data" / "drills").glob("*.tmp"))

    def test_that_cannot_be_written_is_an_error(self, place: Path) -> None:
        with pytest.raises(OSError, match="none"):
            write_speed(place / "none")


class TestTheKey:
    async def test_is_the_one_that_signs_the_archive(self, tools: DrillTools, place: Path) -> None:
        signed = await tools.seal({"drill": "ses_d", "state": "passed"})
        kept = json.loads((place / "data" / "drills" / "results" / "ses_d.json").read_text("utf-8"))
        assert kept == signed and trusted(place / "data" / "keys").vouch(kept) == ""


class TestTheRooms:
    def test_are_asked_of_the_sockets(self, tools: DrillTools) -> None:
        assert tools.connected(RoomId("p1")) and not tools.connected(RoomId("p2"))
