"""Officers who speak in (插话): heard by the room that is meant and by no other, exact to the packet, and a participant
to nobody."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker.kernel.clock import monotonic
from broker.kernel.errors import CodecMissing, TooMany
from broker.media import tap_format
from broker.relay.talkback import MICROPHONES
from tests.broker.relay.test_tap import Recorder, order
from tests.support.relay.peers import RawPeer
from tests.support.relay.sdp_samples import offer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher, visit
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

LI, MA = "li@first-prison", "ma@panlong"


class Voice(RawPeer):
    """An officer's microphone; each packet says which it is."""

    stream: Stream
    said = 0

    async def connect(self, who: str) -> "Voice":
        await self._connect("publish_voice", "aiortc-speak", session="s", who=who)
        self.stream = Stream(48_000, id(self) & 0xFFFFFF, 65_000, payload_type=self.payload_types["audio"])
        return self

    def say(self, count: int = 1) -> list[bytes]:
        """Send so many packets; what each holds."""
        words = [f"{id(self)} {self.said + n}".encode() for n in range(count)]
        for word in words:
            self.send_rtp(self.stream.packet(word, self.said / 50))
            self.said += 1
        return words


class Ear(RawPeer):
    """A kiosk's or an officer's ear."""

    async def connect(self, side: str | None, who: str) -> "Ear":
        members = {"side": side} if side else {}
        return await self._connect("listen", "aiortc-listen", session="s", who=who, **members)  # type: ignore[return-value]

    @property
    def words_heard(self) -> list[bytes]:
        return [data[12:] for _, data in self.rtp]

    async def hears(self, words: list[bytes]) -> None:
        await self.until(lambda: set(words) <= set(self.words_heard))


async def let(front: RelayFront, who: str, *sides: str) -> None:
    await front.link.call("voice", session="s", who=who, sides=list(sides))


async def hush(front: RelayFront) -> None:
    await front.link.call("voice", session="s", sides=[], why="ordered")


async def passed(*microphones: Voice) -> None:
    """All that was sent so far has been read by the worker: a check is answered in order."""
    for one in microphones:
        answers = one.answers
        one.check()
        await one.until(lambda one=one, answers=answers: one.answers > answers)  # type: ignore[misc]


@pytest.mark.asyncio(loop_scope="module")
class TestTheFloor:
    async def test_lets_the_meant_room_hear_and_never_the_other(self, front: RelayFront) -> None:
        near, far = await Ear(front).connect("prison", "prison"), await Ear(front).connect("visitor", "visitor")
        officer = await Voice(front).connect(LI)
        await let(front, LI, "prison")
        words = officer.say(50)
        await near.hears(words)
        assert near.words_heard == words and far.rtp == []
        await let(front, LI, "prison", "visitor")
        words = officer.say(20)
        await near.hears(words)
        await far.hears(words)
        assert far.words_heard == words
        for one in (near, far, officer):
            await one.close()

    async def test_ends_exact_to_the_packet_and_goes_on_without_a_hole(self, front: RelayFront) -> None:
        ear, officer = await Ear(front).connect("visitor", "visitor"), await Voice(front).connect(LI)
        before = officer.say(10)
        await passed(officer)
        await let(front, LI, "visitor")
        during = officer.say(30)
        await passed(officer)
        await hush(front)
        after = officer.say(30)
        await passed(officer)
        await let(front, LI, "visitor")
        again = officer.say(30)
        await ear.hears(again)
        assert ear.words_heard == during + again
        assert set(steps(ear.numbers("audio"))) == {1}
        times = [int.from_bytes(data[4:8], "big") for _, data in ear.rtp]
        assert all(0 < (later - earlier) & 0xFFFFFFFF < 48_000 * 60 for earlier, later in pairwise(times))
        assert not set(before + after) & set(ear.words_heard)
        await ear.close()
        await officer.close()

    async def test_belongs_to_one_voice_at_a_time(self, front: RelayFront) -> None:
        ear = await Ear(front).connect("prison", "prison")
        first, second = await Voice(front).connect(LI), await Voice(front).connect(MA)
        await let(front, LI, "prison")
        mine = first.say(10)
        second.say(10)
        await passed(first, second)
        await let(front, MA, "prison")
        first.say(10)
        theirs = second.say(10)
        await ear.hears(theirs)
        assert ear.words_heard == mine + theirs
        assert set(steps(ear.numbers("audio"))) == {1}
        assert len({data[8:12] for _, data in ear.rtp}) == 1  # the room cannot tell who speaks, nor that it changed
        for one in (ear, first, second):
            await one.close()

    async def test_lets_colleagues_hear_and_not_the_speaker(self, front: RelayFront) -> None:
        colleague, own = await Ear(front).connect(None, MA), await Ear(front).connect(None, LI)
        officer = await Voice(front).connect(LI)
        await let(front, LI, "prison")
        words = officer.say(20)
        await colleague.hears(words)
        assert own.rtp == []
        for one in (colleague, own, officer):
            await one.close()

    async def test_is_told_of_with_its_moments(self, front: RelayFront) -> None:
        officer = await Voice(front).connect(LI)
        began = monotonic()
        await let(front, LI, "visitor", "prison")
        opened = await front.fact("floor", open=True)
        assert (opened["who"], opened["sides"], opened["session"]) == (LI, ["prison", "visitor"], "s")
        await hush(front)
        shut = await front.fact("floor", open=False)
        assert shut["why"] == "ordered" and began < opened["mono"] < shut["mono"] < monotonic()
        await officer.close()

    async def test_goes_to_nobody_without_a_microphone(self, front: RelayFront) -> None:
        await let(front, LI, "prison")
        assert (await front.fact("floor", open=False))["why"] == "no microphone"

    async def test_is_lost_with_the_microphone(self, front: RelayFront) -> None:
        officer = await Voice(front).connect(LI)
        await let(front, LI, "prison")
        await officer.close()
        assert (await front.fact("floor", open=False))["why"] == "microphone gone"

    async def test_stays_with_a_microphone_that_comes_again(self, front: RelayFront) -> None:
        ear, officer = await Ear(front).connect("prison", "prison"), await Voice(front).connect(LI)
        await let(front, LI, "prison")
        first = officer.say(10)
        await ear.hears(first)
        again = await Voice(front).connect(LI)
        await front.fact("gone", resource=officer.resource)
        second = again.say(10)
        await ear.hears(second)
        assert ear.words_heard == first + second and set(steps(ear.numbers("audio"))) == {1}
        assert not any(fact == "floor" and not told["open"] for fact, told in front.facts)
        for one in (ear, again):
            await one.close()
        await officer.vanish()

    async def test_reaches_an_ear_that_comes_while_somebody_speaks(self, front: RelayFront) -> None:
        officer = await Voice(front).connect(LI)
        await let(front, LI, "prison")
        officer.say(10)
        meant, other = await Ear(front).connect("prison", "prison"), await Ear(front).connect("visitor", "visitor")
        words = officer.say(10)
        await meant.hears(words)
        assert other.rtp == []
        for one in (officer, meant, other):
            await one.close()

    async def test_a_rooms_newer_ear_replaces_the_older_one(self, front: RelayFront) -> None:
        older = await Ear(front).connect("prison", "prison")
        newer = await Ear(front).connect("prison", "prison")
        await front.fact("gone", resource=older.resource)
        await newer.close()
        await older.vanish()


@pytest.mark.asyncio(loop_scope="module")
class TestAParticipantToNobody:
    async def test_the_gate_stays_as_it_is_and_nothing_counts_as_crossing(self, front: RelayFront) -> None:
        """An officer explains something while the visit has not begun: the minutes do not run."""
        async with visit(front) as both:
            ear, officer = await Ear(front).connect("prison", "prison"), await Voice(front).connect(LI)
            await let(front, LI, "prison")
            await ear.hears(officer.say(50))
            assert both.kiosks["prison"].rtp == [] and both.kiosks["visitor"].rtp == []
            assert not any(fact in ("crossed", "gate") for fact, _ in front.facts)
            await front.lease("s")
            await front.fact("crossed")
            kinds = {data[1] & 127 for _, data in both.kiosks["prison"].rtp}
            assert kinds <= set(both.kiosks["prison"].payload_types.values())
            for one in (ear, officer):
                await one.close()

    async def test_listening_is_no_watching(self, front: RelayFront) -> None:
        ear, officer = await Ear(front).connect(None, MA), await Voice(front).connect(LI)
        ear.report()
        await let(front, LI, "prison", "visitor")
        await ear.hears(officer.say(50))
        await front.fact("quality", after=len(front.facts))
        assert not any(fact in ("watching", "media") for fact, _ in front.facts)
        for one in (ear, officer):
            await one.close()

    async def test_no_name_goes_to_a_room(self, front: RelayFront) -> None:
        await Voice(front).connect(LI)
        told = await front.link.call(
            "listen", session="s", side="prison", who="terminal:trm_1", sdp=offer("aiortc-listen")
        )
        assert "cname:voice-1" in told["sdp"]
        assert not any(name in told["sdp"] for name in ("li@", "first-prison", "prison-1", "user:"))


@pytest.mark.asyncio(loop_scope="module")
class TestTheRecorder:
    async def test_gets_what_is_said_and_nothing_else(self, front: RelayFront) -> None:
        recorder = Recorder(front.run_dir / "tap.sock")
        recorder.listen()
        room, officer = await publisher(front, "prison"), await Voice(front).connect(LI)
        await let(front, LI, "prison")
        officer.say(5)
        await passed(officer)
        await order(front, True)
        await recorder.until(50)  # of the room, for most
        said = officer.say(20)
        await passed(officer)
        await hush(front)
        officer.say(20)
        await passed(officer)
        await let(front, LI, "visitor")
        said += officer.say(20)
        await passed(officer)
        await hush(front)

        def of_voice() -> list[tap_format.TapRecord]:
            return [one for one in recorder.records if one.track == tap_format.TALKBACK]

        async with asyncio.timeout(8):
            while len([one for one in of_voice() if one.kind == tap_format.ANEW]) < 4:
                await recorder.until(len(recorder.records) + 1)
        kinds = [one.kind for one in of_voice()]
        # the recorder comes, the first ends, the second begins, the second ends
        assert kinds == [tap_format.ANEW] + [tap_format.RTP] * 20 + [tap_format.ANEW] * 2 + [tap_format.RTP] * 20 + [
            tap_format.ANEW
        ]
        assert [one.data[12:] for one in of_voice() if one.kind == tap_format.RTP] == said
        assert len(recorder.packets(tap_format.PRISON_AUDIO)) > 0
        await order(front, False)
        recorder.die()
        for one in (room, officer):
            await one.close()


@pytest.mark.asyncio(loop_scope="module")
class TestRefusals:
    async def test_a_microphone_needs_sound(self, front: RelayFront) -> None:
        text = offer("aiortc-speak").replace("opus/48000/2", "opux/48000/2")
        with pytest.raises(CodecMissing):
            await front.link.call("publish_voice", session="s", who=LI, sdp=text)

    async def test_a_crowd_of_microphones(self, front: RelayFront) -> None:
        members: dict[str, Any] = {"session": "s", "sdp": offer("aiortc-speak")}
        for number in range(MICROPHONES.most):
            await front.link.call("publish_voice", who=f"o{number}@site", **members)
        with pytest.raises(TooMany):
            await front.link.call("publish_voice", who="one-more@site", **members)


@pytest.mark.asyncio(loop_scope="module")
class TestABrokerThatIsGone:
    async def test_leaves_nobody_speaking(self, own_front: RelayFront, tmp_path: Path) -> None:
        ear, officer = await Ear(own_front).connect("prison", "prison"), await Voice(own_front).connect(LI)
        await let(own_front, LI, "prison")
        await ear.hears(officer.say(5))
        own_front.cut()
        heard = len(ear.rtp)
        async with asyncio.timeout(8):
            while officer.say(1)[0] in ear.words_heard or len(ear.rtp) > heard:
                heard = len(ear.rtp)
                await passed(officer)
                await asyncio.sleep(0.05)
        for one in (ear, officer):
            await one.close()
