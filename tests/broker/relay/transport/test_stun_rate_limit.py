"""What those who have proven nothing may cost: little to read, and a bounded number of guesses."""

import asyncio
import struct

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from broker.ipc.relay_messages import Subscribe
from broker.relay.transport.stun_rate_limit import (
    AT_ONCE,
    GUESSES,
    MAX_ATTRIBUTES,
    MAX_HOSTS,
    PAUSE,
    StunRateLimit,
    claimed_ufrag,
)
from tests.broker.relay.transport.test_demux import check, stranger
from tests.support.relay.peers import RawPeer
from tests.support.relay_front import RelayFront


class TestTheNameInACheck:
    def test_is_found_wherever_clients_put_it(self) -> None:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1, "SOFTWARE": "abcde"})
        message.attributes["USERNAME"] = "ours:theirs"
        assert claimed_ufrag(bytes(message)) == "ours"
        assert claimed_ufrag(check("ours:theirs", "p" * 22)) == "ours"

    def test_is_not_looked_for_in_a_heap_of_other_things(self) -> None:
        heap = struct.pack("!HH", 0x8022, 0) * MAX_ATTRIBUTES + struct.pack("!HH", 6, 4) + b"ours"
        assert claimed_ufrag(bytes(20) + heap) == ""
        assert claimed_ufrag(bytes(20) + heap[4:]) == "ours"

    @given(st.binary(max_size=300))
    def test_whatever_comes(self, noise: bytes) -> None:
        assert isinstance(claimed_ufrag(noise), str)


class TestGuesses:
    def test_are_heard_so_many_at_once_and_a_second(self) -> None:
        guesses, heard = StunRateLimit(), 0
        for number in range(10_000):
            now = number / 1000
            if guesses.allows("h", now):
                heard += 1
                guesses.record_failure("h", now)
        assert heard <= AT_ONCE + 10 * GUESSES

    def test_a_host_is_heard_again_after_a_pause(self) -> None:
        guesses = StunRateLimit()
        for _ in range(AT_ONCE + 1):
            guesses.record_failure("h", 1000.0)
        assert not guesses.allows("h", 1000.0 + PAUSE / 2)
        assert guesses.allows("h", 1000.0 + PAUSE)
        assert guesses.allows("other", 1000.0)

    def test_of_so_many_hosts_are_remembered_and_no_more(self) -> None:
        guesses = StunRateLimit()
        for number in range(3 * MAX_HOSTS):
            guesses.record_failure(str(number), 1000.0)
        assert len(guesses) == MAX_HOSTS


@pytest.mark.asyncio(loop_scope="module")
class TestAHostThatGuesses:
    async def test_is_not_listened_to_for_a_while_but_where_it_is_known(self, front: RelayFront) -> None:
        known = await RawPeer(front).watch_in_silence("prison")
        peer = RawPeer(front)
        await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="u", gated=False)
        async with stranger(front) as one:
            for _ in range(3 * AT_ONCE):
                one.send(check(f"{peer.remote.usernameFragment}:x", "guess" * 6))
            before = known.answers
            known.check()
            await known.until(lambda: known.answers > before)
            peer.check()
            known.check()
            await known.until(lambda: known.answers > before + 1)
            assert (peer.answers, one.answers) == (0, 0)
        async with asyncio.timeout(5):
            while not peer.answers:
                peer.check()
                known.check()
                before = known.answers
                await known.until(lambda before=before: known.answers > before)
        await known.close()
        peer.socket.close()
