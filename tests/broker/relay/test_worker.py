"""A worker process with real DTLS-SRTP on loopback: what crosses, what does not, and which subscribers count."""

import asyncio
import struct
from collections import Counter
from itertools import pairwise

import pytest

from broker.ipc.relay_messages import GetStatus, ShutGate
from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from broker.media import rtcp
from broker.media.h264 import SPS, keyframe_start
from broker.relay.congestion.receiving_proof import RECEIVING
from tests.support.patience import BUSY, FLIGHT, PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher, visit
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestACertificate:
    """RFC 8122 5.1: an offer may have several fingerprints; that of the certificate in use is enough."""

    async def test_may_be_the_second_of_two_and_behind_functions_that_are_not_known(self, front: RelayFront) -> None:
        others = (
            "a=fingerprint:sha-1 " + ":".join(["AB"] * 20),
            "a=fingerprint:md5 " + ":".join(["AB"] * 16),
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        )
        room, officer = RawPeer(front), RawPeer(front)
        room.more_prints = officer.more_prints = others
        await room.publish("prison")
        room.play("prison")
        await officer.watch("prison")
        await officer.until(lambda: len(officer.rtp) > 20)
        for peer in (officer, room):
            await peer.close()


class TestSequenceNumbers:
    async def test_of_a_publisher_may_wrap_while_its_first_packets_are_lost(self, front: RelayFront) -> None:
        """RFC 3711 3.3.1: nothing of it could be opened otherwise, as the relay would count no wrap."""
        room, sealed = await RawPeer(front).publish("prison"), Counter[int]()
        send = room.send_rtp

        def send_later(packet: bytes) -> None:
            ssrc = int.from_bytes(packet[8:12], "big")
            sealed[ssrc] += 1
            if sealed[ssrc] > 60:  # both streams begin at 65,500
                send(packet)
            else:
                room.dtls._tx_srtp.protect(packet)

        room.send_rtp = send_later  # type: ignore[method-assign]
        room.play("prison")
        await front.fact("side_media", side="prison", on=True)
        await room.close()

    async def test_of_a_client_that_sends_rubbish_stay_as_they_are(self, front: RelayFront) -> None:
        room = await RawPeer(front).publish("prison")
        officer = await RawPeer(front).watch("prison")
        for number in range(40):
            ssrc = struct.unpack("!H", room.resource.encode()[-2:])[0] << 8  # as `RawPeer._play` chooses them
            for track in (1, 2):
                room.socket.sendto(Stream(1, ssrc + track, number).packet(bytes(40), 0))
        room.play("prison")
        await front.fact("side_media", side="prison", on=True)
        await officer.until(lambda: officer.of("video") and officer.of("audio"))
        for peer in (officer, room):
            await peer.close()


class TestTheGate:
    async def test_nothing_crosses_without_a_lease(self, front: RelayFront) -> None:
        async with visit(front) as both:
            officer = await RawPeer(front).watch("prison")
            await officer.until(lambda: len(officer.rtp) > 60)
            assert [len(kiosk.rtp) for kiosk in both.kiosks.values()] == [0, 0]
            await officer.close()

    async def test_crossing_begins_with_a_decodable_picture(self, front: RelayFront) -> None:
        async with visit(front) as both:
            asked = monotonic()
            await front.lease("s")
            for kiosk in both.kiosks.values():
                await kiosk.until(lambda kiosk=kiosk: kiosk.of("video"))
                assert keyframe_start(kiosk.of("video")[0][1]) == SPS
            opened = await front.fact("gate_changed", open=True)
            crossed = await front.fact("first_crossing", session="s")
            first = min(kiosk.rtp[0][0] for kiosk in both.kiosks.values())
            assert asked < opened["mono"] <= crossed["mono"] <= first < crossed["mono"] + FLIGHT

    async def test_the_gate_shuts_by_itself_when_the_control_process_is_gone(self, own_front: RelayFront) -> None:
        async with visit(own_front) as both:
            kiosk = both.kiosks["visitor"]
            begun = await own_front.lease("s", seconds=60)
            leased = monotonic()
            await kiosk.until(lambda: kiosk.rtp)
            own_front.cut()
            room = both.rooms["prison"]
            await room.until(lambda: room.feedback and monotonic() > leased + 3.6)
            assert both.last_sent(begun + 3.0 - BUSY) < both.last_crossing() < leased + 3.0 + FLIGHT

    async def test_the_limit_is_exact_and_final(self, front: RelayFront) -> None:
        async with visit(front) as both:
            await front.lease("s", limit=1.0)
            crossed = (await front.fact("first_crossing"))["mono"]
            shut = await front.fact("gate_changed", open=False)
            assert shut["why"] == "limit"
            assert 0 <= shut["mono"] - (crossed + 1.0) < BUSY / 2
            officer = await RawPeer(front).watch("prison")
            # By then all packets on their way to the kiosks have arrived.
            await officer.until(lambda: len(officer.rtp) > 10)
            counts = {side: len(kiosk.rtp) for side, kiosk in both.kiosks.items()}
            assert both.last_crossing() < crossed + 1.0 + FLIGHT
            await front.lease("s", limit=1800)
            await officer.until(lambda: len(officer.rtp) > 40)
            assert {side: len(kiosk.rtp) for side, kiosk in both.kiosks.items()} == counts
            await officer.close()

    async def test_the_shut_command_is_exact_to_the_packet(self, front: RelayFront) -> None:
        async with visit(front) as both:
            kiosk = both.kiosks["prison"]
            await front.lease("s")
            await kiosk.until(lambda: len(kiosk.rtp) > 20)
            await front.link.call(ShutGate(session="s", why="held"))
            counted = await front.link.call(GetStatus())
            officer = await RawPeer(front).watch("visitor")
            await officer.until(lambda: len(officer.rtp) > 20)
            came = sum(len(one.rtp) for one in both.kiosks.values())
            assert came <= counted.forwarded
            assert (await front.fact("gate_changed", open=False))["why"] == "held"
            n = len(kiosk.rtp)
            await officer.until(lambda: len(officer.rtp) > 40)
            assert len(kiosk.rtp) == n
            await officer.close()

    async def test_numbers_go_on_after_a_hold_and_begin_with_a_keyframe(self, front: RelayFront) -> None:
        async with visit(front) as both:
            kiosk, room = both.kiosks["prison"], both.rooms["visitor"]
            await front.lease("s")
            await kiosk.until(lambda: len(kiosk.of("video")) > 10 and len(kiosk.of("audio")) > 2)
            await front.link.call(ShutGate(session="s"))
            before = len(room.feedback)
            await room.until(lambda: any(one.kind == rtcp.RR for one in room.feedback[before:]))
            count, again = len(kiosk.of("video")), await front.lease("s")
            await kiosk.until(lambda: kiosk.first_video(again) and len(kiosk.of("video")) > count + 5)
            assert keyframe_start(kiosk.first_video(again)) == SPS
            assert set(steps(kiosk.numbers("video"))) == {1}
            assert set(steps(kiosk.numbers("audio"))) == {1}

    async def test_a_kiosk_gets_no_retransmission_from_while_the_gate_was_shut(self, front: RelayFront) -> None:
        async with visit(front) as both:
            kiosk = both.kiosks["prison"]
            await front.lease("s")
            await kiosk.until(lambda: len(kiosk.of("video")) > 5 and kiosk.of("audio"))
            for kind in ("audio", "video"):
                first = kiosk.numbers(kind)[0]
                for back in range(1, 300, 16):
                    kiosk.nack(kind, [first - back - one for one in range(16)])
            kiosk.lose = 20
            await kiosk.until(lambda: not kiosk.lose)
            count = len(kiosk.of("video"))
            await kiosk.until(lambda: len(kiosk.of("video")) > count)
            last, after = kiosk.numbers("video")[count - 1 : count + 1]
            missing = [last + one for one in range(1, (after - last) & 0xFFFF)]
            kiosk.nack("video", missing)
            await kiosk.until(lambda: {one & 0xFFFF for one in missing} <= set(kiosk.numbers("video")))
            for kind in ("audio", "video"):
                numbers = kiosk.numbers(kind)
                assert not any((number - numbers[0]) & 0x8000 for number in numbers)


class TestSupervisors:
    async def test_get_both_sides_without_any_gate(self, front: RelayFront) -> None:
        async with visit(front):
            for side in Side:
                officer = await RawPeer(front).watch(side)
                await front.fact("subscription_changed", side=side, subscriber="officer@site", on=True, gated=False)
                await officer.until(lambda officer=officer: officer.of("video") and officer.of("audio"))
                assert keyframe_start(officer.of("video")[0][1]) == SPS
                await officer.close()

    async def test_count_only_after_they_report_what_arrives(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch_in_silence("prison")
        await officer.until(lambda: len(officer.rtp) > 60)
        assert not [members for name, members in front.facts if name == "subscription_changed" and members["on"]]
        officer.report()
        await front.fact("subscription_changed", subscriber="silent@site", on=True)
        await officer.close()
        await room.close()

    async def test_one_that_leaves_is_reported_at_once(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        await officer.close()
        left = await front.fact("resource_closed", resource=officer.resource)
        assert left["why"] == "closed by the client"
        await front.fact("subscription_changed", on=False, after=since)
        await room.close()

    async def test_one_that_vanishes_is_reported_within_two_seconds(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        await officer.vanish()
        gone = await front.fact("subscription_changed", on=False, after=since)
        assert RECEIVING <= gone["report_age"] < 2.0 + BUSY / 2
        await room.close()

    async def test_one_that_only_keeps_the_line_open_no_longer_counts(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        officer.pretend()
        await front.fact("subscription_changed", on=False, after=since)
        await officer.close()
        await room.close()


class TestReports:
    async def test_carry_the_canonical_name_in_every_compound(self, front: RelayFront) -> None:
        """RFC 3550 6.1: a report first, then the canonical name, which for subscribers is that of the answer."""
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await officer.until(lambda: len(officer.compounds) > 2)
        room.keyframe_wanted = False
        await room.until(lambda: len(room.compounds) > 5)
        for peer, kind, name in ((room, rtcp.RR, b"huijian"), (officer, rtcp.SR, b"prison-1")):
            for first, second, *_ in peer.compounds:
                assert (first.kind, second.kind) == (kind, rtcp.SDES)
                assert second.body[:4] == first.body[:4]
                assert second.body[4:].rstrip(bytes(1)) == bytes((rtcp.CNAME, len(name))) + name
        for peer in (officer, room):
            await peer.close()


class TestAnotherPublisher:
    async def test_replaces_the_first_and_numbers_go_on(self, front: RelayFront) -> None:
        first = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        await officer.until(lambda: len(officer.of("video")) > 10)
        since = len(front.facts)
        second = await RawPeer(front).publish("prison")
        count = len(officer.of("video"))
        second.play("prison")
        await officer.until(lambda: any(keyframe_start(one) for at, one in officer.of("video")[count:]))
        gone = await front.fact("resource_closed", after=since)
        assert (gone["resource"], gone["why"]) == (first.resource, "replaced by a newer connection")
        await asyncio.wait_for(first.gone.wait(), PATIENCE)
        count = len(officer.of("video"))
        await officer.until(lambda: len(officer.of("video")) > count + 30)
        for kind in ("video", "audio"):
            assert set(steps(officer.numbers(kind))) == {1}
        stamps = [int.from_bytes(data[4:8], "big") for _, data in officer.of("video")]
        assert all((after - before) & 0xFFFFFFFF < 90_000 * 5 for before, after in pairwise(stamps))
        assert not [1 for name, members in front.facts[since:] if name == "subscription_changed" and not members["on"]]
        for peer in (officer, first, second):
            await peer.close()

    async def test_supervisors_stay_connected_while_a_room_pauses(self, front: RelayFront) -> None:
        first = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        await first.vanish()
        await front.fact("side_media", on=False, after=since)
        second = await publisher(front, "prison")
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 100)
        assert not [members for name, members in front.facts[since:] if name == "subscription_changed"]
        for peer in (officer, second):
            await peer.close()
