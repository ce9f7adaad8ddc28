"""Tests of peer and receiver against a real WHIP and WHEP server, with DTLS-SRTP on loopback."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from av import AudioFrame

from broker.kernel.errors import CodecMissing, NotSignedIn, SessionEnded, TooEarly, WrongRoom
from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import generated_sources
from huijian.demo.synthetic.voice_detector import marks_in, side_heard
from kiosk_agent.media.frames import luma, mono_samples
from kiosk_agent.media.source import RoomSources
from kiosk_agent.webrtc import aiortc_adapter
from kiosk_agent.webrtc.peer import (
    BadAnswer,
    NotConnected,
    Redirected,
    ServerAccess,
    Unreachable,
    publish,
    refuse_redirects,
)
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.kiosk.answerer import Answerer, answering, left_over
from tests.support.patience import PATIENCE


@pytest.fixture(autouse=True)
async def nothing_stays() -> AsyncIterator[None]:
    """Check that no task and no thread of a connection outlives its test."""
    before = asyncio.all_tasks()
    yield
    left = await left_over(before)
    threads = [each.name for each in threading.enumerate() if "decoder" in each.name or "file-" in each.name]
    assert not left
    assert not threads


@pytest.fixture
async def room() -> AsyncIterator[RoomSources]:
    """Sources of the prison's room, with small pictures."""
    sources = generated_sources(Side.PRISON, size=(320, 180))
    yield sources
    await sources.close()


def _runs(sounds: list[AudioFrame]) -> list[list[AudioFrame]]:
    """Return the sound in stretches that are without a gap by their stamps: a busy machine leaves frames out."""
    runs: list[list[AudioFrame]] = []
    for frame in sounds:
        last = runs[-1][-1] if runs else None
        if last is not None and frame.pts == (last.pts or 0) + last.samples:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def _whole(sounds: list[AudioFrame]) -> int:
    """Return the number of frames in the longest stretch without a gap."""
    return max((len(run) for run in _runs(sounds)), default=0)


class TestPublishing:
    """Publishing by WHIP (RFC 9725)."""

    async def test_the_server_decodes_picture_and_sound_of_this_room(self, room: RoomSources) -> None:
        async with answering() as (far, access):
            peer = await publish(access, "s_1", *room.tracks())
            await far.until(lambda: len(far.pictures) > 30 and _whole(far.sounds) > 120)
            await peer.close()
            codes = [code_in(luma(each)) for each in far.pictures]
            numbers = [code.number for code in codes if code is not None]
            assert codes.count(None) == 0
            assert {code.side for code in codes if code} == {Side.PRISON}
            assert numbers == sorted(set(numbers))
            whole = [np.concatenate([mono_samples(each) for each in run]) for run in _runs(far.sounds)]
            assert side_heard(max(whole, key=len)) is Side.PRISON
            for marks in map(marks_in, whole):
                assert [mark.second - marks[0].second for mark in marks] == list(range(len(marks)))
            assert len(marks_in(max(whole, key=len))) >= 2

    async def test_the_offer_holds_constrained_baseline_mode_1_and_opus_and_loopback_only(
        self, room: RoomSources
    ) -> None:
        async with answering() as (far, access):
            peer = await publish(access, "s_1", *room.tracks())
            await peer.close()
            offer = far.offers[0][1]
        codecs = {line.split()[1] for line in offer.splitlines() if line.startswith("a=rtpmap")}
        assert codecs == {"opus/48000/2", "H264/90000", "rtx/90000"}
        assert "packetization-mode=1" in offer
        assert "profile-level-id=42e01f" in offer
        candidates = [line for line in offer.splitlines() if line.startswith("a=candidate")]
        assert candidates
        assert all(" 127.0.0.1 " in line and "typ host" in line for line in candidates)
        assert offer.count("a=sendonly") == 2

    async def test_close_deletes_the_resource(self, room: RoomSources) -> None:
        async with answering() as (far, access):
            peer = await publish(access, "s_1", *room.tracks())
            await peer.close()
            await peer.close()
            assert far.deleted == ["/whip/s_1/1"]

    async def test_a_new_publication_continues_where_the_source_is(self, room: RoomSources) -> None:
        async with answering() as (far, access):
            first = await publish(access, "s_1", *room.tracks())
            await far.until(lambda: len(far.pictures) > 5)
            await far.drop_all()
            await asyncio.wait_for(first.lost.wait(), PATIENCE)
            await first.close()
            last = _number(far, -1)
            far.pictures.clear()
            second = await publish(access, "s_1", *room.tracks())
            await far.until(lambda: len(far.pictures) > 5)
            await second.close()
            assert _number(far, 0) > last

    async def test_sender_reports_have_the_time_of_capture_however_long_a_frame_waited(
        self, room: RoomSources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encode = aiortc_adapter.KioskH264Encoder.encode

        def slowly(*arguments: Any) -> Any:
            time.sleep(0.09)  # a kiosk whose processor is busy: pictures leave late, sound does not
            return encode(*arguments)

        monkeypatch.setattr(aiortc_adapter.KioskH264Encoder, "encode", slowly)
        async with answering() as (far, access):
            peer = await publish(access, "s_1", *room.tracks())
            await far.until(lambda: len(far.sounds) > 150 and len(far.reports) == 2)
            await peer.close()
        mark = marks_in(np.concatenate([mono_samples(each) for each in far.sounds]))[0]
        taken = {"video": _number(far, 0) / 25, "audio": mark.second - mark.at}
        zeros = []
        for kind, rate in (("video", 90_000), ("audio", 48_000)):
            moment, stamp = far.reports[kind]
            since = (stamp - far.first_stamps[kind]) % (1 << 32) / rate
            zeros.append(moment - since - taken[kind])
        assert zeros[0] == pytest.approx(zeros[1], abs=0.02)

    async def test_receiver_feedback_is_counted(self, room: RoomSources) -> None:
        async with answering() as (far, access):
            peer = await publish(access, "s_1", *room.tracks())
            await far.until(lambda: len(far.sounds) > 100)
            assert sum(meter.packets for meter in peer.feedback.values()) > 0
            await peer.close()


class TestReceiving:
    """Receiving by WHEP, as kiosk and as supervisor."""

    async def test_picture_and_sound_are_decoded_and_counted(self) -> None:
        codes: list[FrameCode | None] = []
        sounds: list[np.ndarray] = []
        enough = asyncio.Event()

        def keep(frame: object) -> None:
            sounds.append(mono_samples(frame).copy())  # type: ignore[arg-type]
            if len(sounds) > 100:
                enough.set()

        async with answering() as (_far, access):
            receiver = Receiver(access, "s_1", "visitor", lambda frame: codes.append(code_in(luma(frame))), keep)
            await receiver.start()
            await asyncio.wait_for(enough.wait(), PATIENCE)
            live = await receiver.measure()
            assert receiver.silent_for() < 1
            await receiver.close()
            stats = await receiver.measure()
        assert {code.side for code in codes if code} == {Side.VISITOR}
        assert side_heard(np.concatenate(sounds)) is Side.VISITOR
        assert live.rms > 0.02
        assert stats.video.frames == len(codes) > 20
        assert stats.audio.frames == len(sounds)
        assert stats.video.packets >= live.video.packets >= live.video.frames
        assert stats.video.lost == stats.audio.lost == 0
        assert stats.audio.seconds > len(sounds) * 0.02 - 0.4  # more where this machine is behind its source
        assert stats.first_picture_after is not None
        assert stats.first_picture_after < 5
        assert stats.dropped == 0

    async def test_a_dropped_resource_is_detected_and_counts_go_on_after_a_restart(self) -> None:
        seen = asyncio.Event()
        async with answering() as (far, access):
            receiver = Receiver(access, "s_1", "visitor", lambda _: seen.set())
            await receiver.start()
            await asyncio.wait_for(seen.wait(), PATIENCE)
            await far.drop_all()
            await asyncio.wait_for(receiver.wait_lost(), PATIENCE)
            assert not receiver.connected
            before = await receiver.measure()
            seen.clear()
            await receiver.start()
            await asyncio.wait_for(seen.wait(), PATIENCE)
            await receiver.close()
            after = await receiver.measure()
            assert after.connections == 2
            assert after.video.packets > before.video.packets > 0

    async def test_a_running_receiver_reconnects_by_itself(self) -> None:
        async with answering() as (far, access):
            seen = asyncio.Event()
            receiver = Receiver(access, "s_1", "visitor", lambda _: seen.set())
            keeping = asyncio.create_task(receiver.run())
            for _ in range(2):
                await asyncio.wait_for(seen.wait(), PATIENCE)
                await far.drop_all()
                await asyncio.wait_for(receiver.wait_lost(), PATIENCE)
                seen.clear()
            await asyncio.wait_for(seen.wait(), PATIENCE)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            assert (await receiver.measure()).connections == 3
            assert far.deleted[-1] == "/whep/s_1/visitor/3"

    async def test_a_running_receiver_without_packets_reconnects(self) -> None:
        async with answering() as (far, access):
            seen = asyncio.Event()
            receiver = Receiver(access, "s_1", "visitor", lambda _: seen.set())
            keeping = asyncio.create_task(receiver.run(silence=0.5))
            await asyncio.wait_for(seen.wait(), PATIENCE)
            for sender in next(iter(far.resources.values())).getSenders():
                sender._enabled = False
            await far.until(lambda: len(far.offers) == 2)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def test_a_callback_that_fails_ends_the_connection(self) -> None:
        def fail(_: object) -> None:
            raise RuntimeError("the screen is gone")

        async with answering() as (_far, access):
            receiver = Receiver(access, "s_1", "visitor", fail)
            await receiver.start()
            await asyncio.wait_for(receiver.wait_lost(), PATIENCE)
            await receiver.close()


class TestRefusals:
    """A problem document is raised as the error from which it was made."""

    @pytest.mark.parametrize("refusal", [WrongRoom(), SessionEnded(), CodecMissing(), TooEarly(opens_at="10:00")])
    async def test_each_refusal_is_raised_with_its_type_and_text(self, refusal: Exception, room: RoomSources) -> None:
        async with answering(refuse=refusal) as (_far, access):
            with pytest.raises(type(refusal)) as caught:
                await publish(access, "s_1", *room.tracks())
            assert caught.value.problem() == refusal.problem()  # type: ignore[attr-defined]

    async def test_a_wrong_token_is_not_signed_in(self, room: RoomSources) -> None:
        async with answering() as (_far, access):
            with pytest.raises(NotSignedIn):
                await publish(ServerAccess(access.http, access.url, "another"), "s_1", *room.tracks())

    async def test_a_missing_server_is_unreachable(self, room: RoomSources) -> None:
        async with answering() as (far, _access):
            pass
        async with aiohttp.ClientSession() as http:
            with pytest.raises(Unreachable):
                await publish(ServerAccess(http, far.url, "token-of-ours"), "s_1", *room.tracks())

    async def test_an_answer_that_is_no_sdp_is_refused_and_the_resource_deleted(self, room: RoomSources) -> None:
        async with answering(answer_with="v=0\r\nnonsense") as (far, access):
            with pytest.raises((BadAnswer, NotConnected)):
                await publish(access, "s_1", *room.tracks())
            assert far.deleted == ["/whip/s_1/1"]

    async def test_a_resource_on_another_host_does_not_get_the_token(self, room: RoomSources) -> None:
        async with answering(elsewhere="http://192.0.2.1") as (_far, access):
            with pytest.raises(Unreachable):
                await publish(access, "s_1", *room.tracks())


class TestRedirects:
    """The terminal's token goes to no address that an answer names."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_none_is_followed_by_a_request_or_a_socket(self, status: int) -> None:
        asked: list[tuple[str, str | None]] = []

        async def answer(request: web.Request) -> web.Response:
            asked.append((request.path, request.headers.get("Authorization")))
            return web.Response(status=status, headers={"Location": "/elsewhere"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        async with TestServer(app) as server, aiohttp.ClientSession(middlewares=(refuse_redirects,)) as http:
            headers = {"Authorization": "Bearer token-of-ours"}
            with pytest.raises(Redirected):
                await http.ws_connect(server.make_url("/api/v1/ws"), headers=headers)
            for method in ("GET", "POST", "DELETE"):
                with pytest.raises(Redirected):
                    await http.request(method, server.make_url("/whip/x"), headers=headers)
        assert {path for path, _ in asked} == {"/api/v1/ws", "/whip/x"}


def _number(far: Answerer, index: int) -> int:
    code = code_in(luma(far.pictures[index]))
    assert code is not None
    return code.number
