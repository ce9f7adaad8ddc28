"""Reports of a terminal's state: what is in them, and when they are sent."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from broker.kernel.clock import SystemClock
from kiosk_agent.checks.self_test import SelfTestResult
from kiosk_agent.remote import reports as module
from kiosk_agent.remote.reports import Reports
from signaling.api.messages.socket import CLIENT
from tests.support.patience import PATIENCE

GOOD = SelfTestResult({"width": 1280.0, "level": -30.0, "answer": 12.0, "sweep": 30.0})


class Room:
    """A page that comes and goes, and what was sent of it."""

    def __init__(self):
        self.alive, self.done = None, []
        self.sent = asyncio.Queue()
        self.reports = Reports(SystemClock(), lambda: self.alive, lambda: self.done, self._send)

    async def _send(self, text):
        await self.sent.put(CLIENT.validate_json(text))

    async def next(self):
        async with asyncio.timeout(PATIENCE):
            return await self.sent.get()


@asynccontextmanager
async def reporting(room):
    task = asyncio.create_task(room.reports.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestContent:
    async def test_before_a_test_has_nothing_of_devices(self):
        report = Room().reports.report({"temperature": 51.0, "disk": 9000.0})
        assert (report.shows, report.page_alive, report.test) == ("headless", None, None)
        assert [device.works for device in report.devices] == [None, None, None]
        assert (report.temperature, report.disk) == (51.0, 9000.0)

    async def test_after_a_test_says_which_parts_work(self):
        room = Room()
        room.reports.tested(SelfTestResult({**GOOD.figures, "level": -120.0}))
        report = room.reports.report({})
        assert report.test is not None and report.test.faults == ["microphone"]
        assert {device.kind: device.works for device in report.devices} == {
            "camera": True,
            "microphone": False,
            "speaker": True,
        }
        assert report.test.figures.answer == 12.0

    async def test_names_orders_that_are_done_and_is_a_message_of_the_protocol(self):
        room = Room()
        room.alive, room.done = True, ["tor_1"]
        report = room.reports.report({})
        assert CLIENT.validate_json(report.model_dump_json()) == report
        assert (report.shows, report.page_alive, report.done) == ("page", True, ["tor_1"])
        assert not {"token", "name"} & set(json.loads(report.model_dump_json()))


class TestMoments:
    async def test_are_after_the_welcome_and_at_the_changes(self):
        room = Room()
        async with reporting(room):
            room.reports.due()
            assert (await room.next()).page_alive is None
            room.alive = True
            room.reports.look()
            assert (await room.next()).page_alive is True
            room.reports.look()
            room.reports.tested(GOOD)
            assert (await room.next()).test is not None
        assert room.sent.empty()

    async def test_are_regular_where_nothing_changes(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(module, "EVERY", 0.01)
        room = Room()
        async with reporting(room):
            await room.next()
            await room.next()
