"""What the control process makes of a recorder's words, and of their absence."""

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from broker.control.recorder_client import SILENT, RecorderClient
from broker.control.relay_facts import Hearing
from broker.ipc.server import Server
from broker.kernel.clock import Instant

NOON = Instant(datetime(2026, 6, 1, 4, tzinfo=UTC), 5000.0)


class Pretended:
    """A recorder that says what the test wants, and whoever listens to it."""

    def __init__(self, folder):
        self.server = Server(folder / "recorder.sock", "recorder", {"note": self._note}, lambda who: who.tell("ready"))
        self.listener = RecorderClient(folder, self._fact)
        self.notes, self.facts = [], []
        self.speaks = True
        self._moved = asyncio.Event()

    async def _note(self, told):
        self.notes.append(told)
        self._moved.set()
        return {}

    def _fact(self, name, told):
        self.facts.append((name, told.get("why", "")))
        self._moved.set()

    async def beat(self):
        while True:
            if self.speaks:
                self.server.tell("alive")
            await asyncio.sleep(0.05)

    async def until(self, holds):
        async with asyncio.timeout(15):
            while not holds():
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def pretended():
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        one = Pretended(Path(folder))
        await one.server.start()
        tasks = [asyncio.create_task(one.listener.run()), asyncio.create_task(one.beat())]
        await one.until(lambda: one.listener.ready)
        yield one
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await one.server.close()


class TestARecorderThatHangs:
    """Invariant 3: no recorder, no crossing. A stopped process keeps its sockets open and says nothing."""

    async def test_is_lost_though_its_socket_is_open(self):
        async with pretended() as recorder:
            recorder.speaks = False
            await recorder.until(lambda: ("down", "recorder silent") in recorder.facts)
            assert not recorder.listener.ready

    async def test_is_there_again_with_its_next_word(self):
        async with pretended() as recorder:
            recorder.speaks = False
            await recorder.until(lambda: not recorder.listener.ready)
            recorder.speaks = True
            await recorder.until(lambda: recorder.listener.ready)
            assert [name for name, _ in recorder.facts] == ["up", "down", "up"]

    async def test_is_not_suspected_when_it_was_we_who_hung(self):
        async with pretended() as recorder:
            time.sleep(SILENT * 1.3)  # the whole process, as one that was stopped
            await asyncio.sleep(0.5)
            assert recorder.listener.ready and recorder.facts == [("up", "")]


class TestEventsForTheTimeline:
    """What happens to a visit is on its timeline, with the moment at which it happened, recorder or not."""

    async def test_go_to_the_recorder_with_their_moment(self):
        async with pretended() as recorder:
            recorder.listener.note("ses_1", {"kind": "x"}, NOON)
            await recorder.until(lambda: recorder.notes)
            told = {"session": "ses_1", "event": {"kind": "x"}, "at": "2026-06-01T04:00:00+00:00", "mono": 5000.0}
            assert recorder.notes == [told]

    async def test_wait_in_order_while_it_is_away(self):
        async with pretended() as recorder:
            recorder.speaks = False
            await recorder.until(lambda: not recorder.listener.ready)
            for number in range(3):
                recorder.listener.note("ses_1", {"n": number}, NOON.after(timedelta(seconds=number)))
            recorder.speaks = True
            await recorder.until(lambda: len(recorder.notes) == 3)
            assert [note["mono"] for note in recorder.notes] == [5000.0, 5001.0, 5002.0]


class TestAnAlarmOfTheArchive:
    async def test_is_journaled_once_however_often_it_is_said(self):
        noted = []
        journal = SimpleNamespace(note=lambda *entry: noted.append(entry))
        hearing = Hearing({}, {}, journal, None, None, None, None)
        for _ in range(3):
            hearing.from_recorder("alarm", {"kind": "chain_cut", "site": "a", "path": ["x"]})
        hearing.from_recorder("alarm", {"kind": "chain_cut", "site": "b"})
        assert noted == [("ArchiveAlarm", None, "recorder", {"kind": "chain_cut", "site": site}) for site in ("a", "b")]
