"""Where a keyframe begins in RTP (RFC 6184), and how often one is asked for."""

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.rtp.keyframe_requests import IDR, SPS, KeyframeRequests, keyframe_start
from tests.support.clips import pictures
from tests.support.rtp import Stream, packetise

HEAD = struct.pack("!BBHII", 0x80, 96, 1, 2, 3)


def stap_a(*kinds: int) -> bytes:
    return HEAD + bytes([24]) + b"".join(struct.pack("!HB", 3, 0x60 | kind) + b"xx" for kind in kinds)


class TestWhereAKeyframeBegins:
    def test_with_its_parameter_sets_alone_in_a_packet(self) -> None:
        assert keyframe_start(HEAD + b"\x67xyz") == SPS

    def test_with_a_bare_slice(self) -> None:
        assert keyframe_start(HEAD + b"\x65xyz") == IDR

    def test_with_parameter_sets_and_slice_aggregated(self) -> None:
        assert keyframe_start(stap_a(7, 8, 5)) == SPS
        assert keyframe_start(stap_a(9, 7, 8)) == SPS
        assert keyframe_start(stap_a(6, 5)) == IDR

    def test_with_the_first_fragment_of_a_large_slice(self) -> None:
        assert keyframe_start(HEAD + bytes([0x7C, 0x80 | 5]) + b"xyz") == IDR

    def test_not_with_a_later_fragment_of_it(self) -> None:
        assert keyframe_start(HEAD + bytes([0x7C, 5]) + b"xyz") == 0
        assert keyframe_start(HEAD + bytes([0x7C, 0x40 | 5]) + b"xyz") == 0

    def test_not_with_an_ordinary_picture(self) -> None:
        assert keyframe_start(HEAD + b"\x41xyz") == 0
        assert keyframe_start(HEAD + bytes([0x7C, 0x80 | 1]) + b"xyz") == 0
        assert keyframe_start(stap_a(9, 1)) == 0

    def test_behind_a_header_extension_and_csrcs_too(self) -> None:
        packet = Stream(90_000, extension=b"abcd", csrcs=(1, 2)).packet(b"\x67xyz", 0)
        assert keyframe_start(packet) == SPS

    def test_once_for_each_keyframe_of_a_real_stream_however_it_is_packed(self) -> None:
        for aggregate in (True, False):
            signs = []
            for picture in pictures(count=61, keyint=30):
                found = [keyframe_start(HEAD + payload) for payload in packetise(picture, aggregate=aggregate)]
                signs.append(SPS in found)
            assert [number for number, sign in enumerate(signs) if sign] == [0, 30, 60]

    @given(st.binary(min_size=12, max_size=60))
    def test_never_raises_whatever_the_packet_holds(self, packet: bytes) -> None:
        assert keyframe_start(packet) in (0, IDR, SPS)

    @given(st.binary(max_size=40))
    def test_never_raises_on_a_broken_aggregate(self, rest: bytes) -> None:
        assert keyframe_start(HEAD + bytes([24]) + rest) in (0, IDR, SPS)


class TestHowOftenOneIsAskedFor:
    def test_nobody_asks_when_nobody_wants_one(self) -> None:
        assert not KeyframeRequests().due(10.0)

    def test_many_wishes_become_one_request(self) -> None:
        requests = KeyframeRequests()
        for _ in range(20):
            requests.want()
        assert requests.due(10.0)
        requests.want()
        assert not requests.due(10.1)

    def test_it_is_repeated_until_the_keyframe_came(self) -> None:
        requests = KeyframeRequests()
        requests.want()
        asked = [now for now in (step / 100 for step in range(1000, 1100)) if requests.due(now)]
        assert len(asked) == 4
        requests.arrived()
        assert not requests.due(12.0)

    def test_who_lost_the_one_that_just_came_waits_whether_it_is_still_on_its_way(self) -> None:
        requests = KeyframeRequests()
        requests.want()
        assert requests.due(10.0)
        requests.arrived()
        requests.want()
        assert not requests.due(10.0 + KeyframeRequests.INTERVAL - 0.01)
        assert requests.due(10.0 + KeyframeRequests.INTERVAL + 0.01)

    def test_who_came_just_after_it_does_not_wait_for_long(self) -> None:
        requests = KeyframeRequests()
        requests.want()
        assert requests.due(10.0)
        requests.arrived()
        requests.want(newcomer=True)
        assert not requests.due(10.0 + KeyframeRequests.REST - 0.01)
        assert requests.due(10.0 + KeyframeRequests.REST + 0.01)
        assert not requests.due(10.0 + KeyframeRequests.REST + KeyframeRequests.INTERVAL)

    @given(st.lists(st.tuples(st.sampled_from(["want", "come", "arrived", "due"]), st.floats(0, 0.5)), max_size=60))
    def test_never_more_often_than_it_can_be_answered(self, story: list[tuple[str, float]]) -> None:
        requests, now, asked, came = KeyframeRequests(), 100.0, [], -1.0
        for what, after in story:
            now += after
            if what in ("want", "come"):
                requests.want(newcomer=what == "come")
            elif what == "arrived":
                requests.arrived()
                came = now
            elif requests.due(now):
                assert came >= (asked or [came])[-1] or now - asked[-1] >= KeyframeRequests.INTERVAL
                asked.append(now)
        assert all(later - earlier >= KeyframeRequests.REST for earlier, later in pairwise(asked))
