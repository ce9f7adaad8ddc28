"""The tap: every packet while recording, nothing otherwise, and no harm from a recorder that dies."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from broker.ipc.relay_messages import RequestKeyframe, TapSession
from broker.kernel.clock import monotonic_ns
from broker.kernel.errors import RecorderUnavailable
from broker.media import rtcp, tap_format
from broker.media.h264 import keyframe_start
from broker.relay.tap import Tap
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront


class Recorder:
    """Listens as the recorder does and keeps every record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[tap_format.TapRecord] = []
        self._arrived = asyncio.Event()
        self._connections: list[socket.socket] = []

    def listen(self) -> None:
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.setblocking(False)
        self.listener.bind(str(self.path))
        self.listener.listen(8)
        asyncio.get_running_loop().add_reader(self.listener, self._accept)

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        self._connections.append(connection)
        asyncio.get_running_loop().add_reader(connection, self._read, connection)

    def _read(self, connection: socket.socket) -> None:
        message = connection.recv(65_536)
        if not message:
            self._drop(connection)
        self.records += tap_format.unpack(message)
        self._arrived.set()

    def _drop(self, connection: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
        self._connections.remove(connection)

    def die(self) -> None:
        """End as kill -9 does: the socket file stays behind."""
        for connection in list(self._connections):
            self._drop(connection)
        asyncio.get_running_loop().remove_reader(self.listener)
        self.listener.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.records) < count:
                self._arrived.clear()
                await self._arrived.wait()

    def packets(self, track: int) -> list[bytes]:
        return [record.data for record in self.records if record.track == track and record.kind == tap_format.RTP]


@pytest_asyncio.fixture(loop_scope="module")
async def recorder(front: RelayFront) -> AsyncIterator[Recorder]:
    listening = Recorder(front.run_dir / "tap.sock")
    listening.listen()
    yield listening
    if listening.listener.fileno() >= 0:
        listening.die()


def keyframe_requests(room: RawPeer) -> list[rtcp.RtcpPacket]:
    """Return the keyframe requests that a room got."""
    return [one for one in room.feedback if (one.kind, one.format) == (rtcp.PSFB, rtcp.PLI)]


async def order(front: RelayFront, on: bool) -> None:
    await front.link.call(TapSession(session="s", on=on, socket=str(front.run_dir / "tap.sock")))


@pytest.mark.asyncio(loop_scope="module")
class TestTheRecorder:
    async def test_gets_every_packet_as_the_rooms_sent_it_while_recording(
        self, front: RelayFront, recorder: Recorder
    ) -> None:
        rooms = [await publisher(front, side) for side in ("prison", "visitor")]
        lost = (await front.status())["tap_lost"]
        began = monotonic_ns()
        await order(front, True)
        await recorder.until(300)
        assert {record.tap for record in recorder.records} == {1}
        for track in range(4):
            numbers = [int.from_bytes(data[2:4], "big") for data in recorder.packets(track)]
            assert len(numbers) > 20
            assert set(steps(numbers)) == {1}
            assert {data[1] & 127 for data in recorder.packets(track)} == {101 if track % 2 == 0 else 96}
        times = [record.arrival_ns for record in recorder.records]
        assert times == sorted(times)
        assert began < times[0] < times[-1] < monotonic_ns()
        assert (await front.status())["tap_lost"] == lost
        for room in rooms:
            await room.close()

    async def test_gets_the_sender_reports_of_publishers_too(self, front: RelayFront, recorder: Recorder) -> None:
        room = await publisher(front, "visitor")
        await order(front, True)
        await recorder.until(100)
        reports = [record for record in recorder.records if record.kind == tap_format.SENDER_REPORT]
        assert {len(record.data) for record in reports} == {28}
        assert {record.track for record in reports} <= {tap_format.VISITOR_VIDEO, tap_format.VISITOR_AUDIO}
        ssrcs = {record.data[4:8] for record in reports}
        assert ssrcs == {data[8:12] for track in (2, 3) for data in recorder.packets(track)}
        await room.close()

    async def test_gets_a_keyframe_soon_after_it_begins(self, front: RelayFront, recorder: Recorder) -> None:
        room = await publisher(front, "prison")
        await order(front, True)
        async with asyncio.timeout(PATIENCE):  # requested, or one that came without a request
            while not any(keyframe_start(one) for one in recorder.packets(tap_format.PRISON_VIDEO)):
                await recorder.until(len(recorder.records) + 1)
        await room.close()

    async def test_gets_another_keyframe_on_request(self, front: RelayFront) -> None:
        room = await publisher(front, "visitor")
        await room.until(lambda: not room.keyframe_wanted and len(room.feedback) > 3)
        asked = len(keyframe_requests(room))
        async with asyncio.timeout(PATIENCE):
            while (
                len(keyframe_requests(room)) == asked
            ):  # one that comes without a request is as good, so the recorder repeats
                heard = len(room.feedback)
                await front.link.call(RequestKeyframe(session="s", side="visitor"))
                await room.until(lambda heard=heard: len(room.feedback) > heard)
        await room.close()

    async def test_gets_nothing_before_and_after_recording(self, front: RelayFront, recorder: Recorder) -> None:
        room = await publisher(front, "prison")
        before = (await front.status())["tapped"]
        await front.fact("media_report", after=len(front.facts))
        assert (await front.status())["tapped"] == before
        await order(front, True)
        await recorder.until(50)
        await order(front, False)
        status = await front.status()
        tapped, received = status["tapped"], status["received"]
        await front.fact("media_report", after=len(front.facts))
        status = await front.status()
        assert status["received"] > received
        assert status["tapped"] == tapped
        await recorder.until(tapped - before)
        assert len(recorder.records) == tapped - before
        await room.close()

    async def test_is_connected_again_after_it_died_during_a_visit(self, front: RelayFront, recorder: Recorder) -> None:
        room = await publisher(front, "prison")
        await order(front, True)
        await recorder.until(50)
        recorder.die()
        lost = await front.fact("tap_lost")
        assert lost["sessions"] == ["s"]
        assert lost["records"] > 0
        recorder.records.clear()
        recorder.listen()
        await recorder.until(50)
        assert front.process is not None
        assert front.process.returncode is None
        await room.close()

    async def test_recording_without_a_recorder_is_refused(self, front: RelayFront) -> None:
        with pytest.raises(RecorderUnavailable):
            await order(front, True)
        await order(front, False)


class TestTheSocket:
    def test_a_recorder_that_does_not_read_loses_records_without_delaying_the_relay(self, tmp_path: Path) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(tmp_path / "t"))
        listener.listen(1)
        tap = Tap()
        assert tap.connect(tmp_path / "t")
        for _ in range(40_000):
            tap.put(1, 0, 0, 0, bytes(1200))
            tap.flush()
        assert tap.lost > 0
        assert tap.connected
        assert tap.lost + tap.sent + tap.waiting == 40_000
        tap.close()
        assert tap.lost + tap.sent == 40_000
        listener.close()

    def test_a_recorder_that_is_slow_for_a_moment_misses_nothing(self, tmp_path: Path) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(tmp_path / "t"))
        listener.listen(1)
        tap = Tap()
        tap.connect(tmp_path / "t")
        reader, _ = listener.accept()
        reader.setblocking(False)
        for number in range(20_000):
            tap.put(1, 0, 0, number, bytes(1000))
            tap.flush()
        assert tap.waiting > 0
        seen: list[int] = []
        while len(seen) < 20_000:
            try:
                seen += [record.arrival_ns for record in tap_format.unpack(reader.recv(100_000))]
            except BlockingIOError:
                tap.flush()  # as the timer does where no packet comes
        assert seen == list(range(20_000))
        assert (tap.lost, tap.sent, tap.waiting) == (0, 20_000, 0)
        for end in (tap, reader, listener):
            end.close()

    def test_a_full_listen_queue_does_not_block_the_relay(self, tmp_path: Path) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(tmp_path / "t"))
        listener.listen(0)
        taps = [Tap() for _ in range(5)]
        assert [tap.connect(tmp_path / "t") for tap in taps].count(False) > 0
        for tap in taps:
            tap.close()
        listener.close()

    def test_no_message_is_longer_than_the_readers_buffer(self, tmp_path: Path) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(tmp_path / "t"))
        listener.listen(1)
        tap = Tap()
        tap.connect(tmp_path / "t")
        reader, _ = listener.accept()
        for number in range(500):
            tap.put(1, 0, 0, number, bytes(1400))
        tap.flush()
        seen: list[int] = []
        while len(seen) < 500:
            message = reader.recv(100_000)
            assert len(message) <= tap_format.MAX_MESSAGE
            seen += [record.arrival_ns for record in tap_format.unpack(message)]
        assert seen == list(range(500))
        for end in (tap, reader, listener):
            end.close()
