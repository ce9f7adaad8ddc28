"""Talkback (插话): an officer is heard by the named room and by no other, exact to the packet, and takes no part in the
visit."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker.ipc.relay_messages import CloseTalkback, OpenTalkback, PublishTalkback, SubscribeTalkback
from broker.kernel.clock import monotonic
from broker.kernel.errors import CodecMissing, TooMany
from broker.kernel.ids import Side
from broker.media import tap_format
from broker.relay.talkback import MICROPHONES
from tests.broker.relay.test_tap import Recorder, order
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.sdp_samples import offer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher, visit
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

LI, MA = "li@first-prison", "ma@panlong"


class Microphone(RawPeer):
    """An officer's microphone; each packet has content of its own."""

    stream: Stream
    spoken = 0

    async def connect(self, officer: str) -> "Microphone":
        await self._connect(PublishTalkback, "aiortc-speak", session="s", publisher=officer)
        self.stream = Stream(48_000, id(self) & 0xFFFFFF, 65_000, payload_type=self.payload_types["audio"])
        return self

    def say(self, count: int = 1) -> list[bytes]:
        """Send so many packets; return what each holds."""
        words = [f"{id(self)} {self.spoken + n}".encode() for n in range(count)]
        for word in words:
            self.send_rtp(self.stream.packet(word, self.spoken / 50))
            self.spoken += 1
        return words


class Listener(RawPeer):
    """A kiosk or an officer that gets talkback."""

    async def connect(self, side: str | None, client: str) -> "Listener":
        return await self._connect(SubscribeTalkback, "aiortc-listen", session="s", side=side, subscriber=client)  # type: ignore[return-value]

    @property
    def words(self) -> list[bytes]:
        return [data[12:] for _, data in self.rtp]

    async def until_heard(self, words: list[bytes]) -> None:
        await self.until(lambda: set(words) <= set(self.words))


async def start_turn(front: RelayFront, officer: str, *sides: str) -> None:
    await front.link.call(OpenTalkback(session="s", publisher=officer, sides=frozenset(map(Side, sides))))


async def stop_turn(front: RelayFront) -> None:
    await front.link.call(CloseTalkback(session="s", why="ordered"))


async def all_read(*microphones: Microphone) -> None:
    """Wait until the worker has read all that was sent so far: it answers checks in order."""
    for microphone in microphones:
        answers = microphone.answers
        microphone.check()
        await microphone.until(lambda peer=microphone, answers=answers: peer.answers > answers)  # type: ignore[misc]


@pytest.mark.asyncio(loop_scope="module")
class TestATurn:
    async def test_is_heard_in_the_named_room_and_not_in_the_other(self, front: RelayFront) -> None:
        near, far = (
            await Listener(front).connect("prison", "prison"),
            await Listener(front).connect("visitor", "visitor"),
        )
        officer = await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        words = officer.say(50)
        await near.until_heard(words)
        assert near.words == words and far.rtp == []
        await start_turn(front, LI, "prison", "visitor")
        words = officer.say(20)
        await near.until_heard(words)
        await far.until_heard(words)
        assert far.words == words
        for peer in (near, far, officer):
            await peer.close()

    async def test_ends_exact_to_the_packet_and_the_next_continues_the_numbers(self, front: RelayFront) -> None:
        listener, officer = await Listener(front).connect("visitor", "visitor"), await Microphone(front).connect(LI)
        before = officer.say(10)
        await all_read(officer)
        await start_turn(front, LI, "visitor")
        during = officer.say(30)
        await all_read(officer)
        await stop_turn(front)
        after = officer.say(30)
        await all_read(officer)
        await start_turn(front, LI, "visitor")
        again = officer.say(30)
        await listener.until_heard(again)
        assert listener.words == during + again
        assert set(steps(listener.numbers("audio"))) == {1}
        times = [int.from_bytes(data[4:8], "big") for _, data in listener.rtp]
        assert all(0 < (later - earlier) & 0xFFFFFFFF < 48_000 * 60 for earlier, later in pairwise(times))
        assert not set(before + after) & set(listener.words)
        await listener.close()
        await officer.close()

    async def test_belongs_to_one_officer_at_a_time(self, front: RelayFront) -> None:
        listener = await Listener(front).connect("prison", "prison")
        first, second = await Microphone(front).connect(LI), await Microphone(front).connect(MA)
        await start_turn(front, LI, "prison")
        mine = first.say(10)
        second.say(10)
        await all_read(first, second)
        await start_turn(front, MA, "prison")
        first.say(10)
        theirs = second.say(10)
        await listener.until_heard(theirs)
        assert listener.words == mine + theirs
        assert set(steps(listener.numbers("audio"))) == {1}
        assert (
            len({data[8:12] for _, data in listener.rtp}) == 1
        )  # the room cannot tell who speaks, nor that it changed
        for peer in (listener, first, second):
            await peer.close()

    async def test_is_heard_by_other_officers_but_not_by_the_speaking_one(self, front: RelayFront) -> None:
        colleague, own = await Listener(front).connect(None, MA), await Listener(front).connect(None, LI)
        officer = await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        words = officer.say(20)
        await colleague.until_heard(words)
        assert own.rtp == []
        for peer in (colleague, own, officer):
            await peer.close()

    async def test_is_reported_with_the_moments_of_its_start_and_end(self, front: RelayFront) -> None:
        officer = await Microphone(front).connect(LI)
        began = monotonic()
        await start_turn(front, LI, "visitor", "prison")
        opened = await front.fact("talkback_changed", open=True)
        assert (opened["publisher"], opened["sides"], opened["session"]) == (LI, ["prison", "visitor"], "s")
        await stop_turn(front)
        shut = await front.fact("talkback_changed", open=False)
        assert shut["why"] == "ordered" and began < opened["mono"] < shut["mono"] < monotonic()
        await officer.close()

    async def test_does_not_start_without_a_microphone(self, front: RelayFront) -> None:
        await start_turn(front, LI, "prison")
        assert (await front.fact("talkback_changed", open=False))["why"] == "no microphone"

    async def test_ends_with_the_microphone(self, front: RelayFront) -> None:
        officer = await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        await officer.close()
        assert (await front.fact("talkback_changed", open=False))["why"] == "microphone gone"

    async def test_goes_on_with_a_microphone_that_connects_again(self, front: RelayFront) -> None:
        listener, officer = await Listener(front).connect("prison", "prison"), await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        first = officer.say(10)
        await listener.until_heard(first)
        again = await Microphone(front).connect(LI)
        await front.fact("resource_closed", resource=officer.resource)
        second = again.say(10)
        await listener.until_heard(second)
        assert listener.words == first + second and set(steps(listener.numbers("audio"))) == {1}
        assert not any(name == "talkback_changed" and not fact["open"] for name, fact in front.facts)
        for peer in (listener, again):
            await peer.close()
        await officer.vanish()

    async def test_reaches_a_listener_that_connects_during_it(self, front: RelayFront) -> None:
        officer = await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        officer.say(10)
        meant, other = (
            await Listener(front).connect("prison", "prison"),
            await Listener(front).connect("visitor", "visitor"),
        )
        words = officer.say(10)
        await meant.until_heard(words)
        assert other.rtp == []
        for peer in (officer, meant, other):
            await peer.close()

    async def test_a_newer_listener_of_a_room_replaces_the_older_one(self, front: RelayFront) -> None:
        older = await Listener(front).connect("prison", "prison")
        newer = await Listener(front).connect("prison", "prison")
        await front.fact("resource_closed", resource=older.resource)
        await newer.close()
        await older.vanish()


@pytest.mark.asyncio(loop_scope="module")
class TestIsNoPartOfTheVisit:
    async def test_the_gate_stays_as_it_is_and_nothing_counts_as_crossing(self, front: RelayFront) -> None:
        """An officer speaks before the visit begins: the minutes do not run."""
        async with visit(front) as both:
            listener, officer = await Listener(front).connect("prison", "prison"), await Microphone(front).connect(LI)
            await start_turn(front, LI, "prison")
            await listener.until_heard(officer.say(50))
            assert both.kiosks["prison"].rtp == [] and both.kiosks["visitor"].rtp == []
            assert not any(fact in ("first_crossing", "gate_changed") for fact, _ in front.facts)
            await front.lease("s")
            await front.fact("first_crossing")
            kinds = {data[1] & 127 for _, data in both.kiosks["prison"].rtp}
            assert kinds <= set(both.kiosks["prison"].payload_types.values())
            for peer in (listener, officer):
                await peer.close()

    async def test_listening_proves_no_presence(self, front: RelayFront) -> None:
        listener, officer = await Listener(front).connect(None, MA), await Microphone(front).connect(LI)
        listener.report()
        await start_turn(front, LI, "prison", "visitor")
        await listener.until_heard(officer.say(50))
        await front.fact("media_report", after=len(front.facts))
        assert not any(fact in ("subscription_changed", "side_media") for fact, _ in front.facts)
        for peer in (listener, officer):
            await peer.close()

    async def test_the_answer_to_a_room_has_no_officers_name(self, front: RelayFront) -> None:
        await Microphone(front).connect(LI)
        answer = await front.link.call(
            SubscribeTalkback(session="s", side="prison", subscriber="terminal:trm_1", sdp=offer("aiortc-listen"))
        )
        assert "cname:voice-1" in answer.sdp
        assert not any(name in answer.sdp for name in ("li@", "first-prison", "prison-1", "user:"))


@pytest.mark.asyncio(loop_scope="module")
class TestTheRecorder:
    async def test_gets_only_what_is_said_in_a_turn(self, front: RelayFront) -> None:
        recorder = Recorder(front.run_dir / "tap.sock")
        recorder.listen()
        room, officer = await publisher(front, "prison"), await Microphone(front).connect(LI)
        await start_turn(front, LI, "prison")
        officer.say(5)
        await all_read(officer)
        await order(front, True)
        await recorder.until(50)  # most of them from the room
        words = officer.say(20)
        await all_read(officer)
        await stop_turn(front)
        officer.say(20)
        await all_read(officer)
        await start_turn(front, LI, "visitor")
        words += officer.say(20)
        await all_read(officer)
        await stop_turn(front)

        def of_voice() -> list[tap_format.TapRecord]:
            return [one for one in recorder.records if one.track == tap_format.TALKBACK]

        async with asyncio.timeout(PATIENCE):
            while len([one for one in of_voice() if one.kind == tap_format.ANEW]) < 4:
                await recorder.until(len(recorder.records) + 1)
        kinds = [one.kind for one in of_voice()]
        # recording begins, the first turn ends, the second begins, the second ends
        assert kinds == [tap_format.ANEW] + [tap_format.RTP] * 20 + [tap_format.ANEW] * 2 + [tap_format.RTP] * 20 + [
            tap_format.ANEW
        ]
        assert [one.data[12:] for one in of_voice() if one.kind == tap_format.RTP] == words
        assert len(recorder.packets(tap_format.PRISON_AUDIO)) > 0
        await order(front, False)
        recorder.die()
        for peer in (room, officer):
            await peer.close()


@pytest.mark.asyncio(loop_scope="module")
class TestRefusals:
    async def test_a_microphone_needs_sound(self, front: RelayFront) -> None:
        text = offer("aiortc-speak").replace("opus/48000/2", "opux/48000/2")
        with pytest.raises(CodecMissing):
            await front.link.call(PublishTalkback(session="s", publisher=LI, sdp=text))

    async def test_one_microphone_too_many(self, front: RelayFront) -> None:
        members: dict[str, Any] = {"session": "s", "sdp": offer("aiortc-speak")}
        for number in range(MICROPHONES.most):
            await front.link.call(PublishTalkback(publisher=f"o{number}@site", **members))
        with pytest.raises(TooMany):
            await front.link.call(PublishTalkback(publisher="one-more@site", **members))


@pytest.mark.asyncio(loop_scope="module")
class TestWithoutABroker:
    async def test_the_turn_ends(self, own_front: RelayFront, tmp_path: Path) -> None:
        listener, officer = (
            await Listener(own_front).connect("prison", "prison"),
            await Microphone(own_front).connect(LI),
        )
        await start_turn(own_front, LI, "prison")
        await listener.until_heard(officer.say(5))
        own_front.cut()
        heard = len(listener.rtp)
        async with asyncio.timeout(PATIENCE):
            while officer.say(1)[0] in listener.words or len(listener.rtp) > heard:
                heard = len(listener.rtp)
                await all_read(officer)
                await asyncio.sleep(0.05)
        for peer in (listener, officer):
            await peer.close()
