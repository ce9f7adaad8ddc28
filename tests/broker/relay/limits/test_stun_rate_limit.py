"""Limits for clients that have proven no address: little is parsed, and the number of limit is bounded."""

import asyncio
import struct
from contextlib import suppress

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from broker.ipc.relay_messages import Subscribe
from broker.relay.limits.stun_rate_limit import (
    AT_ONCE,
    GUESSES,
    MAX_ATTRIBUTES,
    MAX_HOSTS,
    PAUSE,
    StunRateLimit,
    claimed_ufrag,
)
from tests.broker.relay.transport.test_demux import check, stranger
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay_front import RelayFront


class TestTheUsernameOfACheck:
    def test_is_found_in_any_place_among_the_attributes(self) -> None:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1, "SOFTWARE": "abcde"})
        message.attributes["USERNAME"] = "ours:theirs"
        assert claimed_ufrag(bytes(message)) == "ours"
        assert claimed_ufrag(check("ours:theirs", "p" * 22)) == "ours"

    def test_is_not_searched_behind_too_many_other_attributes(self) -> None:
        heap = struct.pack("!HH", 0x8022, 0) * MAX_ATTRIBUTES + struct.pack("!HH", 6, 4) + b"ours"
        assert claimed_ufrag(bytes(20) + heap) == ""
        assert claimed_ufrag(bytes(20) + heap[4:]) == "ours"

    @given(st.binary(max_size=300))
    def test_is_a_string_for_any_bytes(self, noise: bytes) -> None:
        assert isinstance(claimed_ufrag(noise), str)


class TestFailedPasswordChecks:
    def test_are_limited_in_a_burst_and_per_second(self) -> None:
        limit, allowed = StunRateLimit(), 0
        for number in range(10_000):
            now = number / 1000
            if limit.allows("h", now):
                allowed += 1
                limit.record_failure("h", now)
        assert allowed <= AT_ONCE + 10 * GUESSES

    def test_of_a_host_are_allowed_again_after_a_pause(self) -> None:
        limit = StunRateLimit()
        for _ in range(AT_ONCE + 1):
            limit.record_failure("h", 1000.0)
        assert not limit.allows("h", 1000.0 + PAUSE / 2)
        assert limit.allows("h", 1000.0 + PAUSE)
        assert limit.allows("other", 1000.0)

    def test_are_remembered_for_a_bounded_number_of_hosts(self) -> None:
        limit = StunRateLimit()
        for number in range(3 * MAX_HOSTS):
            limit.record_failure(str(number), 1000.0)
        assert len(limit) == MAX_HOSTS


@pytest.mark.asyncio(loop_scope="module")
class TestAHostThatGuessesPasswords:
    async def test_is_ignored_for_a_while_except_at_its_proven_addresses(self, front: RelayFront) -> None:
        proven = await RawPeer(front).watch_in_silence("prison")
        peer = RawPeer(front)
        await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="u", gated=False)
        async with stranger(front) as other:
            for _ in range(3 * AT_ONCE):
                other.send(check(f"{peer.remote.usernameFragment}:x", "guess" * 6))
            before = proven.answers
            proven.check()
            await proven.until(lambda: proven.answers > before)
            peer.check()
            proven.check()
            await proven.until(lambda: proven.answers > before + 1)
            assert (peer.answers, other.answers) == (0, 0)
        async with asyncio.timeout(PATIENCE):
            while not peer.answers:
                peer.check()
                with suppress(TimeoutError):
                    await peer.until(lambda: peer.answers, within=0.1)
        await proven.close()
        peer.socket.close()
