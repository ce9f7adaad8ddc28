"""The connection to the recorder: a silent recorder counts as gone, and events wait for one that is away."""

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.control.recorder_client import SILENT, RecorderClient
from broker.ipc.messages import Done
from broker.ipc.recorder_messages import RECORDER, AddEvent, RecorderAlive, RecorderReady
from broker.ipc.server import Server
from broker.kernel.clock import Instant
from tests.support.patience import PATIENCE

NOON = Instant(datetime(2026, 6, 1, 4, tzinfo=UTC), 5000.0)


class RecorderDouble:
    """A recorder that sends what the test wants, the client that is connected to it, and its listener."""

    def __init__(self, folder):
        handlers = dict([AddEvent.handled_by(self.handle_add_event)])
        self.server = Server(
            folder / "recorder.sock", RECORDER, handlers, lambda client: client.report(RecorderReady())
        )
        self.client = RecorderClient(folder)
        self.events, self.calls = [], []
        self.alive = True
        self._changed = asyncio.Event()

    async def handle_add_event(self, command):
        self.events.append(command)
        self._changed.set()
        return Done()

    def received(self, fact):
        raise AssertionError("no other fact was sent")

    def recorder_up(self):
        self.calls.append(("up", ""))
        self._changed.set()

    def recorder_down(self, why):
        self.calls.append(("down", why))
        self._changed.set()

    async def beat(self):
        while True:
            if self.alive:
                self.server.report(RecorderAlive())
            await asyncio.sleep(0.05)

    async def until(self, holds):
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def recorder_double():
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        recorder = RecorderDouble(Path(folder))
        await recorder.server.start()
        tasks = [asyncio.create_task(recorder.client.run(recorder)), asyncio.create_task(recorder.beat())]
        await recorder.until(lambda: recorder.client.ready)
        yield recorder
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await recorder.server.close()


class TestARecorderThatHangs:
    """Invariant 3: no recorder, no crossing. A stopped process keeps its sockets open and sends nothing."""

    async def test_is_lost_though_its_socket_is_open(self):
        async with recorder_double() as recorder:
            recorder.alive = False
            await recorder.until(lambda: ("down", "recorder silent") in recorder.calls)
            assert not recorder.client.ready

    async def test_is_back_with_its_next_fact(self):
        async with recorder_double() as recorder:
            recorder.alive = False
            await recorder.until(lambda: not recorder.client.ready)
            recorder.alive = True
            await recorder.until(lambda: recorder.client.ready)
            assert [name for name, _ in recorder.calls] == ["up", "down", "up"]

    async def test_is_not_given_up_when_this_process_hung(self):
        async with recorder_double() as recorder:
            time.sleep(SILENT * 1.3)  # the whole process, as if it had been stopped
            await asyncio.sleep(0.5)
            assert recorder.client.ready and recorder.calls == [("up", "")]


class TestEventsForTheTimeline:
    """Events are on the timeline with the moment at which they happened, also when the recorder was away."""

    async def test_go_to_the_recorder_with_their_moment(self):
        async with recorder_double() as recorder:
            recorder.client.add_event("ses_1", {"kind": "x"}, NOON)
            await recorder.until(lambda: recorder.events)
            (event,) = recorder.events
            assert (event.session, event.event) == ("ses_1", {"kind": "x"})
            assert (event.at, event.mono) == ("2026-06-01T04:00:00+00:00", 5000.0)

    async def test_wait_in_order_while_it_is_away(self):
        async with recorder_double() as recorder:
            recorder.alive = False
            await recorder.until(lambda: not recorder.client.ready)
            for number in range(3):
                recorder.client.add_event("ses_1", {"n": number}, NOON.after(timedelta(seconds=number)))
            recorder.alive = True
            await recorder.until(lambda: len(recorder.events) == 3)
            assert [event.mono for event in recorder.events] == [5000.0, 5001.0, 5002.0]
