"""The whole kiosk against a pretend control server and real media."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import code_in
from kiosk_agent.agent import Kiosk, KioskConfig, run_kiosk
from kiosk_agent.media.source import SourceError, luma
from kiosk_agent.state.events import Phase, Visit
from kiosk_agent.state.state import Terminal
from signaling.api.messages import SessionView
from tests.support.kiosk.answerer import TOKEN, Answerer, answering, left_over
from tests.support.kiosk.control import ROOM, Control, view


@pytest.fixture(autouse=True)
async def nothing_stays() -> AsyncIterator[None]:
    """No task outlives its test."""
    before = asyncio.all_tasks()
    yield
    assert not await left_over(before)


class Running:
    """A kiosk at work; `stats` are all its statistics lines."""

    def __init__(self, far: Answerer, control: Control) -> None:
        self.far, self.control = far, control
        self.stats: list[dict[str, Any]] = []
        self.stop = asyncio.Event()
        self.told = asyncio.Condition()

    def take(self, line: dict[str, Any]) -> None:
        """Receives statistics."""
        self.stats.append(line)

    async def until(self, phase: str, seconds: float = 15.0, **at_least: int) -> dict[str, Any]:
        """The next statistics line in `phase` whose counts reach what is named (video, audio, voice frames)."""
        seen = len(self.stats)
        async with asyncio.timeout(seconds):
            while True:
                for line in self.stats[seen:]:
                    counts = {kind: line["far"][kind]["frames"] for kind in ("video", "audio")}
                    counts["voice"] = line["voice"]["frames"] if line["voice"] else 0
                    if line["phase"] == phase and all(counts[kind] >= n for kind, n in at_least.items()):
                        return line
                seen = len(self.stats)
                await asyncio.sleep(0.02)


@asynccontextmanager
async def kiosk(**config: Any) -> AsyncIterator[Running]:
    """Runs one until the block ends, then stops it in order."""
    control = Control()
    async with answering(control.routes) as (far, door):
        running = Running(far, control)
        settings = KioskConfig(door.server, TOKEN, stats_every=0.05, **config)
        task = asyncio.create_task(run_kiosk(settings, running.take, running.stop))
        try:
            yield running
            running.stop.set()
            await asyncio.wait_for(task, 10)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class TestAVisit:
    """From the terminal's side."""

    async def test_it_tests_itself_publishes_sees_and_hears_the_far_room_and_leaves_in_order(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.until("waiting")
            assert run.far.offers == []
            await run.control.say(view("check_in"))
            await run.control.until(1)
            assert run.control.said[0] == {
                **{"type": "self_test", "id": 1, "session": "s_1"},
                **{"camera": True, "microphone": True, "speaker": True, "network": True},
                "speaker_checked": False,  # headless
            }
            await run.control.say(view("live", tested=True, remaining=60_000))
            line = await run.until("live", video=20, audio=40)
            assert line["far"]["rms"] > 0.01
            assert line["far"]["video"]["packets"] >= line["far"]["video"]["frames"]
            assert line["far"]["first_picture_after"] < 5
            assert line["room"] == ROOM
            await run.far.until(lambda: len(run.far.pictures) > 10)
            code = code_in(luma(run.far.pictures[-1]))
            assert code is not None
            assert code.side is Side.PRISON
        assert sorted(path for path, _ in run.far.offers) == ["/whep/s_1/visitor", "/whep/s_1/voice", "/whip/s_1"]
        assert len(run.far.deleted) == 3
        assert run.control.sockets == set()

    async def test_the_end_of_the_session_ends_its_media(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.say(view("live", tested=True))
            await run.until("live", video=5)
            await run.control.say(view("ended", tested=True))
            await run.until("ended")
            await run.far.until(lambda: len(run.far.deleted) == 3)
            assert run.far.resources == {}

    async def test_the_slate_of_a_visit_that_was_given_up_says_so(self) -> None:
        given_up = {"code": "no_show", "zh": "家属一方未按时到场，视为放弃本次会见", "en": "Given up"}
        over = SessionView.model_validate_json(json.dumps({**view("ended"), "reason": given_up}))
        async with aiohttp.ClientSession() as http:
            one = Kiosk(KioskConfig("http://127.0.0.1", TOKEN), http, lambda line: None)
            one._line.views["s_1"] = (0.0, over)
            one.terminal = Terminal(Phase.ENDED, ended_at=0.0, ended="s_1")
            assert one.screen().reason == (given_up["zh"], given_up["en"])
            one.terminal = Terminal(Phase.WAITING, ended="s_1")
            assert one.screen().reason is None

    async def test_a_room_made_of_the_wrong_side_is_made_anew_for_the_right_one(self) -> None:
        async with kiosk(side_hint=Side.VISITOR) as run:
            await run.control.until(1, "connections")
            await run.control.say(view("check_in", tested=True))
            await run.far.until(lambda: len(run.far.pictures) > 3)
            code = code_in(luma(run.far.pictures[-1]))
            assert code is not None
            assert code.side is Side.PRISON


class TestAnOfficerWhoSpeaks:
    """插话."""

    async def test_is_heard_from_check_in_on_and_comes_back(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.say(view("check_in", tested=True))
            line = await run.until("publishing", voice=20)
            assert line["voice"]["rms"] > 0.01 and line["voice"]["connections"] == 1
            await run.far.drop_all()
            await run.until("publishing", voice=line["voice"]["frames"] + 20)

    async def test_is_announced_on_the_screen_while_he_speaks(self) -> None:
        async with aiohttp.ClientSession() as http:
            kiosk = Kiosk(KioskConfig("http://127.0.0.1:1", TOKEN), http, lambda _: None)
            visit = Visit("s_1", Side.PRISON, ROOM, "live")
            kiosk.terminal = replace(kiosk.terminal, room=ROOM, visits=(visit,))
            for speech, spoken in ((None, False), ({"sides": ["prison"]}, True)):
                seen = SessionView.model_validate_json(json.dumps(view("live") | {"speech": speech}))
                kiosk._line.views["s_1"] = (0.0, seen)
                assert kiosk.screen().spoken is spoken
            await kiosk._legs.close()


class TestComingBack:
    """After every break, by itself."""

    async def test_a_dropped_resource_is_posted_again(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.say(view("live", tested=True))
            await run.until("live", video=5)
            await run.far.drop_all()
            await run.far.until(lambda: len(run.far.offers) == 6)
            seen = run.stats[-1]["far"]["video"]["frames"]
            line = await run.until("live", video=seen + 10)
            assert line["publications"] == 2
            assert line["far"]["connections"] == 2

    async def test_media_goes_on_while_the_socket_comes_back(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.say(view("live", tested=True))
            await run.until("live", video=5)
            await run.control.hang_up()
            await run.control.until(2, "connections")
            seen = run.stats[-1]["far"]["video"]["frames"]
            await run.until("live", video=seen + 10)
            assert len(run.far.offers) == 3

    async def test_a_far_room_that_falls_silent_while_live_is_asked_for_again(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.say(view("live", tested=True))
            await run.until("live", video=5)
            (watched,) = [each for path, each in run.far.resources.items() if "/visitor/" in path]
            for sender in watched.getSenders():
                sender._enabled = False  # nothing is sent any more, and nobody says goodbye
            await run.far.until(lambda: [path for path, _ in run.far.offers].count("/whep/s_1/visitor") == 2)
            assert [path for path, _ in run.far.offers].count("/whip/s_1") == 1


class TestGoingDown:
    """As a process."""

    async def test_sigterm_ends_the_process_with_its_resources_deleted(self) -> None:
        control = Control()
        async with answering(control.routes) as (far, door):
            program = (
                "import asyncio, sys; from kiosk_agent.agent import Kiosk, KioskConfig, run_kiosk; "
                "asyncio.run(run_kiosk(KioskConfig(sys.argv[1], sys.argv[2], stats_every=0.2)))"
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", program, door.server, TOKEN),
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            try:
                await control.until(1, "connections")
                await control.say(view("check_in", tested=True))
                await far.until(lambda: len(far.pictures) > 3 and len(far.resources) == 3)
                process.send_signal(signal.SIGTERM)
                output, _ = await asyncio.wait_for(process.communicate(), 10)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        assert process.returncode == 0
        assert len(far.deleted) == 3
        assert b'"phase": "publishing"' in output

    async def test_a_source_that_is_none_ends_it_at_once(self) -> None:
        with pytest.raises(SourceError):
            await run_kiosk(KioskConfig("http://127.0.0.1:1", TOKEN, source="nothing"), stop=asyncio.Event())

    async def test_it_stops_although_no_server_was_ever_there(self) -> None:
        stop = asyncio.Event()
        stop.set()
        await asyncio.wait_for(run_kiosk(KioskConfig("http://127.0.0.1:1", TOKEN), stop=stop), 5)
