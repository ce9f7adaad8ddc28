"""Parameter sets that a publisher sent once reach a client that begins later, ahead of the keyframe, and once only."""

import pytest

from broker.media.h264 import PPS, SPS, split_aggregate
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.track import Destination
from tests.support.relay.track_model import SLICE, FarEnd, Line, steps
from tests.support.rtp import fragment, picture_parameter_set, sequence_parameter_set

S0, P0, P1 = sequence_parameter_set(320, 240), picture_parameter_set(0), picture_parameter_set(1)
IDR, LATER_SLICE = b"\x65\x88\x84", b"\x65\x48\x84"
TAP = 7


def together(*nals: bytes) -> bytes:
    """Return a STAP-A of these units."""
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def begun(*payloads: bytes) -> Line:
    """Return a line whose publisher has begun with these payloads, and gone on with a slice."""
    line = Line()
    for number, payload in enumerate(payloads):
        line.send(100 + number, payload)
    line.send(100 + len(payloads))
    return line


def seen_from(line: Line, *payloads: bytes) -> list[bytes]:
    """Return what a newcomer gets of these payloads."""
    _, end = line.subscriber()
    for number, payload in enumerate(payloads):
        line.send(200 + number, payload)
    assert set(steps(end.numbers)) <= {1}
    return end.payloads


class TestANewcomer:
    @pytest.mark.parametrize("first", [(S0, P0, IDR), (together(S0, P0), IDR), (together(S0, P0, IDR),), (P0, S0, IDR)])
    def test_gets_the_sets_of_the_first_keyframe_before_a_later_one_without(self, first: tuple[bytes, ...]) -> None:
        assert seen_from(begun(*first), SLICE, IDR, SLICE) == [together(S0, P0), IDR, SLICE]

    def test_answers_the_request_for_a_keyframe_by_one_without_sets(self) -> None:
        line = begun(S0, P0, IDR)
        line.subscriber()
        assert line.track.keyframes.due(line.now)
        line.send(200, IDR)
        assert not line.track.keyframes.due(line.now + 10)

    def test_gets_the_sets_under_the_keyframes_time_and_without_a_marker(self) -> None:
        line = begun(S0, P0, IDR)
        _, end = line.subscriber()
        line.send(200, IDR, ts=777)
        assert len({at for _, at, _ in end.got}) == 1
        assert [packet[1] & 0x80 for packet in end.down_tracks[0].ahead.values()] == [0]

    def test_gets_nothing_twice_where_the_keyframe_brings_its_sets(self) -> None:
        for brought in ((S0, P0, IDR), (together(S0, P0), IDR), (together(S0, P0, IDR),)):
            assert seen_from(begun(S0, P0, IDR), *brought, SLICE) == [*brought, SLICE]

    def test_gets_only_what_the_keyframe_does_not_bring(self) -> None:
        assert seen_from(begun(together(S0, P0, P1), IDR), S0, P0, IDR) == [S0, P0, P1, IDR]
        assert seen_from(begun(together(S0, P0, P1), IDR), together(S0, IDR)) == [together(P0, P1), together(S0, IDR)]
        assert seen_from(begun(S0, P0, IDR), P0, IDR) == [together(S0, P0), IDR]

    def test_gets_every_id(self) -> None:
        sets = [sequence_parameter_set(320, 240, 1), S0, P0, P1, picture_parameter_set(200)]
        got = seen_from(begun(*sets, IDR), IDR)
        assert split_aggregate(got[0])[0] == [
            sequence_parameter_set(320, 240, 1),
            S0,
            P0,
            P1,
            picture_parameter_set(200),
        ]

    def test_gets_the_newest_set_of_each_id(self) -> None:
        line = begun(S0, P0, IDR)
        larger = sequence_parameter_set(640, 480)
        line.send(150, larger)
        line.send(151, IDR)
        assert seen_from(line, IDR) == [together(larger, P0), IDR]

    def test_gets_sets_that_came_alone_long_before_any_keyframe_with_another_time(self) -> None:
        line = Line()
        line.send(10, S0, ts=1)
        line.send(11, P0, ts=2)
        for number in range(12, 40):
            line.send(number)
        assert seen_from(line, IDR) == [together(S0, P0), IDR]

    def test_begins_with_a_fragmented_keyframe(self) -> None:
        pieces = fragment(IDR + bytes(3000), 1100)
        assert seen_from(begun(S0, P0, IDR), *pieces) == [together(S0, P0), *pieces]

    def test_does_not_begin_with_a_later_slice_of_a_keyframe(self) -> None:
        assert seen_from(begun(S0, P0, IDR), LATER_SLICE, IDR, LATER_SLICE) == [together(S0, P0), IDR, LATER_SLICE]

    def test_gets_large_sets_in_packets_of_their_own(self) -> None:
        large = P0 + bytes(range(1, 200)) * 4
        got = seen_from(begun(S0, large, P1, IDR), IDR)
        assert got == [together(S0, large, P1), IDR]
        huge = P0 + bytes(1000)
        assert seen_from(begun(together(S0), huge, P1 + bytes(900), IDR), IDR)[-1] == IDR

    def test_waits_where_no_sets_have_come(self) -> None:
        line = Line()
        _, end = line.subscriber()
        for number in range(10, 40):
            line.send(number, IDR if number % 10 == 0 else SLICE)
        assert end.got == []
        assert line.track.keyframes.due(line.now + 1)
        assert not line.track.flowing(line.now)

    def test_has_sets_of_padded_packets_without_the_padding(self) -> None:
        line = begun(IDR)
        packet = line.packet(110, S0 + bytes(3) + b"\x04", first=0xA0)
        line.take(packet)
        assert seen_from(line, IDR) == [S0, IDR]


class TestWhoComesBack:
    def test_gets_them_when_the_gate_opens_again(self) -> None:
        line = Line()
        room, end = line.subscriber(gated=True)
        line.send(10, together(S0, P0))
        line.send(11, IDR)
        line.track.stop(room)
        line.send(12)
        line.track.start(room)
        line.send(13, IDR)
        line.send(14)
        assert end.payloads == [together(S0, P0), IDR, together(S0, P0), IDR, SLICE]
        assert steps(end.numbers) == [1, 1, 1, 1]

    def test_takes_no_number_from_a_packet_that_comes_late(self) -> None:
        line = begun(together(S0, P0, P1), IDR)
        _, end = line.subscriber()
        line.send(200, S0)
        line.send(203, IDR)  # only now is it clear that 1 and 2 brought no set
        line.send(202, P0)
        line.send(201, SLICE)
        line.send(204)
        assert end.payloads == [S0, together(P0, P1), IDR, SLICE]
        assert len(set(end.numbers)) == len(end.numbers)

    def test_can_ask_for_them_again_until_they_are_old(self) -> None:
        line = begun(S0, P0, IDR)
        down_track, end = line.subscriber()
        line.send(200, IDR)
        assert [line.cached(down_track, number) for number in end.numbers] == [together(S0, P0), IDR]
        for number in range(201, 900):
            line.send(number)
        assert line.cached(down_track, end.numbers[0]) is None

    def test_counts_them_in_its_reports(self) -> None:
        line = begun(S0, P0, IDR)
        down_track, end = line.subscriber()
        line.send(200, IDR)
        assert line.track.sent(down_track) == (2, sum(map(len, end.payloads)))


class TestAnotherPublisher:
    def test_brings_its_own_sets_and_never_the_ones_before(self) -> None:
        line = begun(S0, P0, IDR)
        line.subscriber()
        line.send(150, IDR)
        line.publisher(2)
        _, end = line.subscriber()
        line.send(9000, IDR)
        assert end.got == []
        line.send(9001, together(P1, sequence_parameter_set(640, 480)))
        line.send(9002, IDR)
        assert end.payloads[0] == together(P1, sequence_parameter_set(640, 480))
        assert not any(S0 in payload or P0 in payload for payload in end.payloads)

    def test_that_changes_its_ssrc_begins_anew_too(self) -> None:
        line = begun(S0, P0, IDR)
        line.ssrc = 9
        assert seen_from(line, IDR, SLICE) == []

    def test_may_bring_them_in_its_offer(self) -> None:
        line = Line()
        line.track.replace_publisher(FarEnd(), CodecParams(96, parameter_sets=(S0, P0)))
        assert seen_from(line, IDR, SLICE) == [together(S0, P0), IDR, SLICE]

    def test_of_an_offer_with_sets_has_them_after_a_new_ssrc(self) -> None:
        line = Line()
        line.track.replace_publisher(FarEnd(), CodecParams(96, parameter_sets=(S0, P0)))
        line.send(10, IDR)
        line.ssrc = 5
        assert seen_from(line, IDR) == [together(S0, P0), IDR]


class TestTheRecorder:
    def test_is_given_what_came_before_it_listened(self) -> None:
        line = begun(S0, P0, IDR)
        line.track.record(TAP)
        assert line.taped == []
        line.send(200, IDR)
        assert line.taped == [S0, P0]
        line.send(201, IDR)
        assert line.taped == [S0, P0]

    def test_is_given_them_again_when_it_begins_again(self) -> None:
        line = begun(S0, P0, IDR)
        for number in range(3):
            line.track.record(None)
            line.track.record(TAP)
            line.send(200 + number, IDR)
        assert line.taped == [S0, P0] * 3

    def test_is_given_the_sets_of_an_offer_with_each_publisher(self) -> None:
        line = Line()
        line.track.record(TAP)
        for ssrc, sets in ((1, (S0, P0)), (2, (S0, P1))):
            line.ssrc = ssrc
            line.track.replace_publisher(FarEnd(), CodecParams(96, parameter_sets=sets))
            line.send(10, IDR)
        assert line.taped == [S0, P0, S0, P1]

    def test_is_not_given_what_the_keyframe_brings(self) -> None:
        line = Line()
        line.track.record(TAP)
        line.send(10, together(S0, P0, IDR))
        assert line.taped == []


def test_a_quiet_track_does_not_look_for_keyframes() -> None:
    line = begun(S0, P0, IDR)
    line.subscriber()
    line.send(104, IDR)
    assert not line.track.inspecting
    line.send(105, P1)
    assert not line.track.inspecting
    assert seen_from(line, IDR)[0] == together(S0, P0, P1)


def _kinds(down_track: Destination) -> list[int]:
    return [nal[0] & 31 for packet in down_track.ahead.values() for nal in split_aggregate(packet[12:])[0]]


def test_sequence_sets_go_before_picture_sets() -> None:
    line = begun(P1, P0, S0, IDR)
    down_track, _ = line.subscriber()
    line.send(200, IDR)
    assert _kinds(down_track) == [SPS, PPS, PPS]
