"""Yunnan 12, 26(5): the drill of two rooms, with the real service, real headless terminals and the real command."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from sqlalchemy import select

from broker.control.store.records import Role
from broker.control.store.tables import absences, rebookings
from broker.drills.result import STEPS
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from huijian.demo.setup import PLACES
from huijian.demo.synthetic.frame_code import code_in
from recorder.archive.tables import RECORDINGS
from tests.support.installation import Installation, installation, long_pack
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.timeout(300)
PASSWORD = "zhong-yi-zhang"
ROOMS = [PLACES[side].room for side in Side]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(long_pack(tmp_path)) as running:  # whose limit is that of drills
        await running.add_officer("warden", "监狱长", Role.APPROVER, PASSWORD, PLACES[Side.PRISON].site)
        yield running


async def warden(place: Installation) -> OfficerClient:
    return await OfficerClient.sign_in(place.http, place.server, "warden", PASSWORD)


async def command(place: Installation, token: str, *arguments: str) -> tuple[int, str]:
    """Run `huijian drill` and return its exit code and what it has printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "huijian", "--data-dir", str(place.settings.data_dir), "drill", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HUIJIAN_TOKEN": token},
    )
    out, _ = await process.communicate()
    return await process.wait(), out.decode()


async def connected(place: Installation, officer: OfficerClient) -> None:
    """Wait until both terminals have signed in."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with place.http.get(f"{place.server}/metrics") as answer:
                if 'huijian_sockets{kind="terminal"} 2.0' in await answer.text():
                    return
            await asyncio.sleep(0.1)


def verdicts(drill: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["verdict"] for step in drill["steps"]}


async def rows(place: Installation) -> list[int]:
    """Return how many rows the tables of visits have: recordings, absences, re-booking requests."""
    counts = []
    async with place.store._reading() as db:
        for table in (RECORDINGS, absences, rebookings):
            counts.append(len((await db.execute(select(table))).all()))
    return counts


def shows_the_room(drills: Path) -> bool:
    """Return whether any picture in a recording of drills is of a room, whose pictures bear a code."""
    films = list(drills.rglob("*.mp4"))
    assert films
    for film in films:
        with av.open(str(film)) as file:
            pictures = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]
        assert pictures
        if any(code_in(picture) for picture in pictures):
            return True
    return False


class TestADrill:
    async def test_of_two_rooms_that_work_proves_it_and_leaves_nothing_among_the_visits(
        self, place: Installation
    ) -> None:
        officer = await warden(place)
        async with place.kiosk(Side.PRISON), place.kiosk(Side.VISITOR):
            await connected(place, officer)
            code, output = await command(place, officer.token, "--rooms", *ROOMS, "--json")
            assert code == 0, output
            (drill,) = json.loads(output)
        assert list(verdicts(drill)) == list(STEPS) and set(verdicts(drill).values()) == {"passed"}
        assert not shows_the_room(place.settings.drills_dir)
        (file,) = place.settings.drills_dir.glob("results/*.json")
        code, output = await command(place, officer.token, "verify", str(file), "--json")
        assert code == 0 and json.loads(output) == {
            **{"file": str(file), "signature": "genuine", "recording": "kept", "damages": []},
            **{"state": "passed", "failed_at": ""},
        }
        file.chmod(0o644)
        file.write_text(file.read_text("utf-8").replace('"passed"', '"failed"', 1), "utf-8")
        assert (await command(place, officer.token, "verify", str(file)))[0] == 4
        assert await rows(place) == [0, 0, 0]
        assert not [one for one in Path(place.settings.archive_dir).iterdir() if not one.name.startswith(".")]
        async with place.http.get(f"{place.server}/metrics") as answer:
            numbers = await answer.text()
        assert 'huijian_session_ends_total{reason="time_limit"} 0.0' in numbers or "time_limit" not in numbers


class TestAFault:
    async def test_of_a_terminal_that_is_away_is_named_and_marks_the_first_visit(self, place: Installation) -> None:
        officer = await warden(place)
        soon = SystemClock().now().wall + timedelta(hours=1)
        session = await place.slot(
            starts_at=soon.isoformat(), ends_at=(soon + timedelta(minutes=30)).isoformat(), minutes=1
        )
        code, output = await command(place, officer.token, *(PLACES[side].site for side in Side), "--json")
        (drill,) = json.loads(output)
        assert (code, drill["state"], drill["failed_at"]) == (4, "failed", "terminals")
        assert "prison" in drill["steps"][0]["detail"] and "visitor" in drill["steps"][0]["detail"]
        supervisor = (await place.officers())[0]
        view = await place.until(supervisor, session, lambda view: view["drill_failed"] is not None)
        assert view["drill_failed"]["step"] == "terminals"

    async def test_of_a_recorder_that_hangs_is_named(self, place: Installation) -> None:
        officer = await warden(place)
        async with place.kiosk(Side.PRISON), place.kiosk(Side.VISITOR):
            await connected(place, officer)
            running = asyncio.create_task(command(place, officer.token, "--rooms", *ROOMS, "--json"))
            os.kill(place.pid("recorder"), signal.SIGSTOP)
            try:
                code, output = await running
            finally:
                place.cont("recorder")
        (drill,) = json.loads(output)
        assert code == 4 and verdicts(drill)["opening"] == "failed"
        assert "recorder" in next(step for step in drill["steps"] if step["name"] == "opening")["detail"]
