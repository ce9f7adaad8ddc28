"""Tests of the whole kiosk against a simulated control server and real media."""

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
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.agent import Kiosk, KioskConfig, run_kiosk
from kiosk_agent.media.frames import luma
from kiosk_agent.media.source import SourceError
from kiosk_agent.room.words import Words
from kiosk_agent.state.events import Phase, Visit
from kiosk_agent.state.state import Terminal
from signaling.api.messages.session_view import SessionView
from tests.support.kiosk.answerer import TOKEN, Answerer, answering, left_over
from tests.support.kiosk.control import ROOM, Control, view
from tests.support.patience import PATIENCE


@pytest.fixture(autouse=True)
def short_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the self-test of a kiosk that starts 0.3 s long instead of one second."""
    monkeypatch.setattr("kiosk_agent.checks.self_test.SOUNDS", 15)


@pytest.fixture(autouse=True)
async def nothing_stays() -> AsyncIterator[None]:
    """Check that no task outlives its test."""
    before = asyncio.all_tasks()
    yield
    assert not await left_over(before)


class Running:
    """A running kiosk and what it is connected to; `stats` are all its lines of statistics."""

    def __init__(self, far: Answerer, control: Control) -> None:
        self.far, self.control = far, control
        self.stats: list[dict[str, Any]] = []
        self.stop = asyncio.Event()
        self._more = asyncio.Event()

    def take(self, line: dict[str, Any]) -> None:
        """Keep one line of statistics."""
        self.stats.append(line)
        self._more.set()

    async def until(self, phase: str, seconds: float = PATIENCE, **at_least: int) -> dict[str, Any]:
        """Return the next line of statistics in `phase` with at least so many frames of video, audio or voice."""
        seen = len(self.stats)
        async with asyncio.timeout(seconds):
            while True:
                for line in self.stats[seen:]:
                    counts = {kind: line["far"][kind]["frames"] for kind in ("video", "audio")}
                    counts["voice"] = line["voice"]["frames"] if line["voice"] else 0
                    if line["phase"] == phase and all(counts[kind] >= n for kind, n in at_least.items()):
                        return line
                seen = len(self.stats)
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def kiosk(**config: Any) -> AsyncIterator[Running]:
    """Run a kiosk with generated sources until the block ends, then stop it in order."""
    control = Control()
    async with answering(control.routes) as (far, access):
        running = Running(far, control)
        generated = {"source": "generated", "extra_sources": {"generated": generated_sources}}
        settings = KioskConfig(access.url, TOKEN, stats_every=0.05, **generated, **config)
        task = asyncio.create_task(run_kiosk(settings, running.take, running.stop))
        try:
            yield running
            running.stop.set()
            await asyncio.wait_for(task, PATIENCE)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class TestVisit:
    """A visit as the terminal takes part in it."""

    async def test_it_tests_itself_publishes_sees_and_hears_the_far_room_and_leaves_in_order(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.until("waiting")
            assert run.far.offers == []
            await run.control.report(view("check_in"))
            await run.control.until(1)
            report = run.control.messages[0]
            assert (report["type"], report["id"], report["session"]) == ("self_test", 1, "s_1")
            assert report["figures"]["width"] > 0 and report["figures"]["change"] > 0
            assert report["figures"]["level"] > -80 and report["figures"]["answer"] > 0
            assert report["figures"]["sweep"] is None  # headless
            await run.control.report(view("live", tested=True, remaining=60_000))
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
            await run.control.report(view("live", tested=True))
            await run.until("live", video=5)
            await run.control.report(view("ended", tested=True))
            await run.until("ended")
            await run.far.until(lambda: len(run.far.deleted) == 3)
            assert run.far.resources == {}

    async def test_the_screen_shows_why_a_visit_was_given_up(self) -> None:
        given_up = {"code": "no_show", "zh": "会见人一方未按时到场，请与工作人员联系", "en": "Not arrived"}
        over = SessionView.model_validate_json(json.dumps({**view("ended"), "reason": given_up}))
        async with aiohttp.ClientSession() as http:
            kiosk = Kiosk(KioskConfig("http://127.0.0.1", TOKEN), http, lambda line: None)
            kiosk._connection.views["s_1"] = (0.0, over)
            kiosk.terminal = Terminal(Phase.ENDED, ended_at=0.0, ended="s_1")
            assert kiosk.screen().reason == Words(given_up["zh"], given_up["en"])
            kiosk.terminal = Terminal(Phase.WAITING, ended="s_1")
            assert kiosk.screen().reason is None

    async def test_sources_of_the_wrong_side_are_replaced_by_those_of_the_right_side(self) -> None:
        async with kiosk(side_hint=Side.VISITOR) as run:
            await run.control.until(1, "connections")
            await run.control.report(view("check_in", tested=True))
            await run.far.until(lambda: len(run.far.pictures) > 3)
            code = code_in(luma(run.far.pictures[-1]))
            assert code is not None
            assert code.side is Side.PRISON


class TestTalkback:
    """An officer speaks to the room (插话)."""

    async def test_it_is_received_from_check_in_on_and_reconnects(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.report(view("check_in", tested=True))
            line = await run.until("publishing", voice=20)
            assert line["voice"]["rms"] > 0.01 and line["voice"]["connections"] == 1
            await run.far.drop_all()
            await run.until("publishing", voice=line["voice"]["frames"] + 20)

    async def test_it_is_announced_on_the_screen_while_it_lasts(self) -> None:
        async with aiohttp.ClientSession() as http:
            kiosk = Kiosk(KioskConfig("http://127.0.0.1:1", TOKEN), http, lambda _: None)
            visit = Visit("s_1", Side.PRISON, ROOM, "live")
            kiosk.terminal = replace(kiosk.terminal, room=ROOM, visits=(visit,))
            for speech, announced in ((None, False), ({"sides": ["prison"]}, True)):
                seen = SessionView.model_validate_json(json.dumps(view("live") | {"speech": speech}))
                kiosk._connection.views["s_1"] = (0.0, seen)
                assert kiosk.screen().talkback is announced
            await kiosk._media.close()


class TestReconnecting:
    """The kiosk reconnects by itself after every interruption."""

    async def test_a_dropped_resource_is_posted_again(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.report(view("live", tested=True))
            await run.until("live", video=5)
            await run.far.drop_all()
            await run.far.until(lambda: len(run.far.offers) == 6)
            seen = run.stats[-1]["far"]["video"]["frames"]
            line = await run.until("live", video=seen + 10)
            assert line["publications"] == 2
            assert line["far"]["connections"] == 2

    async def test_media_continues_while_the_socket_reconnects(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.report(view("live", tested=True))
            await run.until("live", video=5)
            await run.control.close_sockets()
            await run.control.until(2, "connections")
            seen = run.stats[-1]["far"]["video"]["frames"]
            await run.until("live", video=seen + 10)
            assert len(run.far.offers) == 3

    async def test_a_far_room_that_falls_silent_while_live_is_subscribed_to_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kiosk_agent.state.terminal.SILENCE", 1.0)
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.report(view("live", tested=True))
            await run.until("live", video=5)
            (watched,) = [each for path, each in run.far.resources.items() if "/visitor/" in path]
            for sender in watched.getSenders():
                sender._enabled = False  # packets stop, and the connection stays
            await run.far.until(lambda: [path for path, _ in run.far.offers].count("/whep/s_1/visitor") == 2)
            assert [path for path, _ in run.far.offers].count("/whip/s_1") == 1


class TestStopping:
    """The end of the process."""

    async def test_sigterm_ends_the_process_with_its_resources_deleted(self) -> None:
        control = Control()
        async with answering(control.routes) as (far, access):
            program = (
                "import asyncio, sys; from huijian.demo.synthetic.sources import generated_sources; "
                "from kiosk_agent.agent import Kiosk, KioskConfig, run_kiosk; asyncio.run(run_kiosk("
                "KioskConfig(*sys.argv[1:], 'generated', {'generated': generated_sources}, stats_every=0.2)))"
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", program, access.url, TOKEN),
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            try:
                await control.until(1, "connections")
                await control.report(view("check_in", tested=True))
                await far.until(lambda: len(far.pictures) > 3 and len(far.resources) == 3)
                process.send_signal(signal.SIGTERM)
                output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        assert process.returncode == 0
        assert len(far.deleted) == 3
        assert b'"phase": "publishing"' in output

    async def test_an_unknown_source_ends_it_at_once(self) -> None:
        with pytest.raises(SourceError):
            await run_kiosk(KioskConfig("http://127.0.0.1:1", TOKEN, source="nothing"), stop=asyncio.Event())

    async def test_it_stops_although_no_server_ever_answered(self) -> None:
        stop = asyncio.Event()
        stop.set()
        await asyncio.wait_for(run_kiosk(KioskConfig("http://127.0.0.1:1", TOKEN), stop=stop), PATIENCE)


class TestRemote:
    """What the server learns of the terminal, and orders it, besides visits."""

    async def test_it_reports_its_state_after_the_welcome_and_after_an_ordered_test(self) -> None:
        async with kiosk() as run:
            await run.control.until(1, "connections")
            await run.control.until(1, "reports")
            first = run.control.reports[0]
            assert (first["shows"], first["page_alive"], first["done"]) == ("headless", None, [])
            await run.until("waiting")
            await run.control.order("tor_1", "test")
            async with asyncio.timeout(PATIENCE), run.control.changed:
                await run.control.changed.wait_for(lambda: run.control.reports[-1]["done"] == ["tor_1"])
            assert run.control.reports[-1]["test"]["faults"] == []
            assert run.control.reports[-1]["started_at"] == first["started_at"]

    async def test_an_ordered_restart_ends_it_in_order_after_it_has_said_so(self) -> None:
        control = Control()
        async with answering(control.routes) as (_, access):
            settings = KioskConfig(
                access.url, TOKEN, source="generated", extra_sources={"generated": generated_sources}
            )
            task = asyncio.create_task(run_kiosk(settings, lambda line: None, asyncio.Event()))
            await control.until(1, "connections")
            await control.order("tor_9", "restart")
            assert await asyncio.wait_for(task, PATIENCE) is True
            assert control.reports[-1]["done"] == ["tor_9"]
            assert control.sockets == set()
