"""A room that sends its H.264 parameter sets with its first keyframe only: clients that come later see it."""

import asyncio
from pathlib import Path

import av
import pytest

from broker.ipc.relay_messages import TapSession
from broker.kernel.ids import Side
from broker.media import tap_format
from broker.media.h264 import IDR, PPS, SPS, keyframe_start, split_aggregate
from broker.media.rtp import payload_start
from tests.broker.relay.test_tap import Recorder
from tests.scenarios.relay.test_chromium import grows, peer_page
from tests.support.patience import PATIENCE
from tests.support.recorder import RecorderProcess, start_order
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def room(front: RelayFront, side: str = "prison") -> RawPeer:
    """Connect such a room, and wait until the relay has seen its first keyframe."""
    peer = await publisher(front, side)
    peer.sends_sets = False
    return peer


def nals(packet: bytes) -> list[bytes]:
    """Return the units of a packet that are whole."""
    payload = packet[payload_start(packet) :]
    return split_aggregate(payload)[0] if payload[0] & 31 == 24 else [payload]


def decoded(packets: list[bytes]) -> int:
    """Return how many pictures a decoder makes of the packets; it knows nothing else."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    found, stream, fragments = 0, b"", b""
    for packet in packets:
        payload = packet[payload_start(packet) :]
        if payload[0] & 31 == 28:
            if payload[1] & 0x80:
                fragments = bytes((payload[0] & 0xE0 | payload[1] & 31,))
            fragments += payload[2:]
            if not payload[1] & 0x40:
                continue
            stream += b"\0\0\0\1" + fragments
        else:
            stream += b"".join(b"\0\0\0\1" + nal for nal in nals(packet))
        if packet[1] & 0x80:
            found += len(decoder.decode(av.Packet(stream)))
            stream = b""
    return found


class TestALaterWatcher:
    async def test_decodes_every_picture_from_its_first_packet_on(self, front: RelayFront) -> None:
        sender = await room(front)
        watcher = await RawPeer(front).watch("prison")
        await watcher.until(lambda: sum(data[1] >> 7 for _, data in watcher.of("video")) >= 40)
        packets = [data for _, data in watcher.of("video")]
        assert [nal[0] & 31 for nal in nals(packets[0])] == [SPS, PPS]
        assert keyframe_start(packets[1]) == IDR
        assert packets[0][4:8] == packets[1][4:8]
        assert not packets[0][1] & 0x80
        assert set(steps(watcher.numbers("video"))) == {1}
        assert decoded(packets) >= 39
        for peer in (watcher, sender):
            await peer.close()

    async def test_gets_the_sets_again_where_they_were_lost(self, front: RelayFront) -> None:
        sender = await room(front)
        watcher = await RawPeer(front).watch("prison")
        await watcher.until(lambda: len(watcher.of("video")) > 5)
        first = watcher.of("video")[0][1]
        number = int.from_bytes(first[2:4], "big")
        before = len(watcher.of("video"))
        watcher.nack("video", [number])
        await watcher.until(lambda: number in watcher.numbers("video")[before:])
        again = next(data for _, data in watcher.of("video")[before:] if data[2:4] == first[2:4])
        assert again[payload_start(again) :] == first[payload_start(first) :]
        for peer in (watcher, sender):
            await peer.close()

    @pytest.mark.browser
    async def test_may_be_a_browser(self, front: RelayFront) -> None:
        sender = await room(front)
        async with peer_page(front) as (_, page):
            await page.evaluate("watch('late', 's', 'prison', 'guard@site')")
            await grows(page, "late", "framesDecoded")
            await grows(page, "late", "framesDecoded")
        await sender.close()


class TestTheFarRoom:
    async def test_decodes_again_each_time_the_gate_opens(self, front: RelayFront) -> None:
        sender = await room(front)
        kiosk = await RawPeer(front).watch("prison", client="visitor", gated=True)
        for _ in range(3):
            before = len(kiosk.of("video"))
            await front.lease("s", seconds=1.2)
            await kiosk.until(lambda before=before: len(kiosk.of("video")) > before + 10)
            first = kiosk.of("video")[before][1]
            assert [nal[0] & 31 for nal in nals(first)] == [SPS, PPS]
            await front.fact("gate_changed", open=False)
            front.facts.clear()
        assert set(steps(kiosk.numbers("video"))) == {1}
        for peer in (kiosk, sender):
            await peer.close()


class TestTheRecorder:
    async def test_is_given_the_sets_when_it_begins_later(self, front: RelayFront) -> None:
        sender = await room(front)
        recorder = Recorder(front.run_dir / "tap.sock")
        recorder.listen()
        await front.link.call(TapSession(session="s", on=True, socket=str(front.run_dir / "tap.sock")))
        async with asyncio.timeout(PATIENCE):
            while not any(record.kind == tap_format.PARAMETER_SET for record in recorder.records):
                await recorder.until(len(recorder.records) + 1)
        sets = [record for record in recorder.records if record.kind == tap_format.PARAMETER_SET]
        assert {record.track for record in sets} == {tap_format.PRISON_VIDEO}
        assert [record.data[0] & 31 for record in sets] == [SPS, PPS]
        recorder.die()
        await sender.close()

    async def test_writes_a_film_of_them_in_every_part(self, front: RelayFront, tmp_path: Path, database: str) -> None:
        rooms = [await room(front, side) for side in Side]
        tap = TapSession(session="s", on=True, socket=str(front.run_dir / "tap.sock"))
        async with RecorderProcess(tmp_path, front.run_dir, HUIJIAN_DATABASE_URL=database) as recorder:
            for part in (1, 2):
                since = len(recorder.facts)
                await recorder.call(start_order("s", 1))
                await front.link.call(tap)
                flushed = await recorder.wait_for("fragment_flushed", since)
                assert flushed["part"] == part
                if part == 1:
                    await recorder.kill()
                    await recorder.restart()
        for peer in rooms:
            await peer.close()
