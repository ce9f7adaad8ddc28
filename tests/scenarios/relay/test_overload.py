"""A real worker that finds itself overloaded: far rooms get everything, supervisors whole frames, and they count."""

from itertools import pairwise

import pytest

from broker.kernel.clock import monotonic
from broker.media.h264 import keyframe_start
from broker.relay.congestion.overload import Level
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import visit
from tests.support.relay_front import RelayFront, relay_front

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARE = 0.4
RUNS = 5
OVERLOADED = f"""
import runpy
from broker.relay.congestion.overload import Level, Overload

def update(self, now, busy, wait):
    self.level, self.share = Level.THINNED, {SHARE}

Overload.update = update
runpy.run_module("broker.relay", run_name="__main__")
"""


def runs(officer: RawPeer) -> list[list[bytes]]:
    """Return the packets of the picture that came, in a list for each stretch of frames without one missing."""
    found: list[list[bytes]] = []
    before = None
    for _, packet in officer.of("video"):
        at = int.from_bytes(packet[4:8], "big")
        if before is None or (at - before) & 0xFFFFFFFF > 90_000 * 1.5 / 30:
            found.append([])
        found[-1].append(packet)
        before = at
    return found


async def watching(front: RelayFront, name: str, side: str) -> RawPeer:
    officer = await RawPeer(front).watch(side, name)
    await front.fact("subscription_changed", subscriber=name, side=side, on=True)
    return officer


async def test_supervisors_get_fewer_frames_whole_and_count_and_all_others_get_everything() -> None:
    async with relay_front(program=("-c", OVERLOADED)) as front:
        await front.admit("s")
        began = monotonic()
        async with visit(front) as both:
            await front.lease("s", seconds=3.0)
            officers = [await watching(front, f"officer{number}@site", "prison") for number in range(2)]
            after, kiosk = len(front.facts), both.kiosks["visitor"]
            while min(len(runs(officer)) for officer in officers) < RUNS:
                await front.lease("s", seconds=3.0)
                count = len(kiosk.rtp)
                await kiosk.until(lambda count=count: len(kiosk.rtp) > count + 30)
            status = await front.status()
            requested = len(both.rooms["prison"].requested)
            thinned = await front.fact("pictures_thinned", session="s", thinned=True)
            lost = [fact for name, fact in front.facts[after:] if name == "subscription_changed" and not fact["on"]]
        assert (status["overload"], status["picture_share"]) == (Level.THINNED, SHARE)
        assert began < thinned["mono"] < monotonic()
        assert lost == []
        assert set(steps(kiosk.numbers("video"))) == set(steps(kiosk.numbers("audio"))) == {1}
        assert requested < 8 * RUNS, "a request for each turn, and some for those who join"
        for officer in officers:
            assert set(steps(officer.numbers("video"))) == set(steps(officer.numbers("audio"))) == {1}
            for earlier, later in pairwise(runs(officer)):
                assert earlier[-1][1] & 0x80, "a frame without its end"
                assert keyframe_start(later[0]), "frames that refer to some that did not come"
            assert len(officer.of("video")) < 0.8 * len(kiosk.of("video"))
            await officer.close()


async def test_supervisors_of_a_visit_in_sign_language_lose_the_sound_and_no_picture() -> None:
    async with relay_front(program=("-c", OVERLOADED)) as front:
        await front.admit("s", picture_floor=300_000)
        async with visit(front) as both:
            await front.lease("s", seconds=3.0)
            officer, after = await watching(front, "officer@site", "prison"), len(front.facts)
            kiosk = both.kiosks["visitor"]
            while len(list(officer.of("video"))) < 150:
                await front.lease("s", seconds=3.0)
            heard = len(list(officer.of("audio")))
            crossed = len(list(kiosk.of("audio")))
            while len(list(officer.of("video"))) < 300:
                await front.lease("s", seconds=3.0)
            assert len(runs(officer)) == 1
            assert len(list(officer.of("audio"))) == heard
            assert len(list(kiosk.of("audio"))) > crossed
            assert not [fact for name, fact in front.facts[after:] if name == "pictures_thinned"]
            changes = [fact for name, fact in front.facts[after:] if name == "subscription_changed"]
            assert all(change["on"] for change in changes)
        await officer.close()
