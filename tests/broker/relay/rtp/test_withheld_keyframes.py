"""A keyframe with other parameter sets follows them only when they have arrived: a decoder that gets the slices first
uses the former sets, and damages each picture up to the next keyframe."""

from dataclasses import dataclass, field
from random import Random

import pytest

from broker.media.h264 import STAP_A
from broker.relay.down_track import Flow
from broker.relay.rtp.retransmission import send_withheld
from broker.relay.rtp.withheld_keyframes import LONGEST_WAIT, PATIENCE, WAIT, sets_before
from broker.relay.track import Destination
from tests.support.relay.track_model import FarEnd, Line, steps
from tests.support.rtp import picture_parameter_set, sequence_parameter_set

LARGE, SMALL = sequence_parameter_set(640, 360), sequence_parameter_set(320, 180)
PPS = picture_parameter_set(0)
FIRST, LAST = b"\x7c\x85\x88first", b"\x7c\x45last"
"""Both fragments of a keyframe's only slice."""
SLICE = b"\x41\x9a"


def sets(sequence: bytes) -> bytes:
    """Return a STAP-A of this sequence parameter set and the picture parameter set."""
    return bytes((0x60 | STAP_A,)) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in (sequence, PPS))


def watched(lossy: bool = True) -> tuple[Line, Destination, FarEnd]:
    """Return a line whose subscriber has got a large keyframe, and missed a packet where it is `lossy`."""
    line = Line()
    down_track, end = line.subscriber()
    for number, payload in enumerate((sets(LARGE), FIRST, LAST, SLICE)):
        line.send(100 + number, payload)
    if lossy:
        down_track.reports.missed_at = line.now
    return line, down_track, end


def released(line: Line, after: float) -> list[bytes]:
    """Return the payloads of what was withheld and is due so many seconds later."""
    return [packet[12:] for _, _, packet in line.track.take_withheld(line.now + after)]


class TestAKeyframeWithOtherSets:
    def test_follows_them_later(self) -> None:
        line, _, end = watched()
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        assert released(line, 0.0) == []
        line.send(106, LAST)
        line.send(107, SLICE)
        assert end.payloads[4:] == [sets(SMALL)]
        assert released(line, LONGEST_WAIT) == [FIRST, LAST, SLICE]
        line.send(108)
        assert end.payloads[5:] == [SLICE]

    def test_follows_sets_in_packets_of_their_own(self) -> None:
        line, _, end = watched()
        for number, payload in enumerate((SMALL, PPS, FIRST, LAST)):
            line.send(104 + number, payload)
        assert end.payloads[4:] == [SMALL, PPS]
        assert released(line, LONGEST_WAIT) == [FIRST, LAST]

    def test_is_numbered_as_if_it_had_not_waited(self) -> None:
        line, down_track, end = watched()
        for number, payload in enumerate((sets(SMALL), FIRST, LAST)):
            line.send(104 + number, payload)
        later = [seq for _, seq, _ in line.track.take_withheld(line.now + LONGEST_WAIT)]
        line.send(107)
        assert set(steps([*end.numbers[:-1], *later, end.numbers[-1]])) == {1}
        assert down_track.withheld is None

    def test_cannot_be_had_by_a_nack_before_its_sets_can(self) -> None:
        line, down_track, end = watched()
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        assert line.cached(down_track, end.numbers[-1]) == sets(SMALL)
        assert line.cached(down_track, end.numbers[-1] + 1) is None
        line.track.take_withheld(line.now + LONGEST_WAIT)
        assert line.cached(down_track, end.numbers[-1] + 1) == FIRST

    def test_waits_longer_on_a_line_of_more_jitter_but_never_long(self) -> None:
        line, down_track, _ = watched()
        down_track.reports.jitter = 4 * 2700  # a mean of 120 ms
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        assert released(line, 2 * WAIT) == []
        assert released(line, LONGEST_WAIT) == [FIRST]

    def test_repeats_its_sets_while_it_waits(self) -> None:
        line, down_track, end = watched()
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        assert sets_before(down_track) == end.numbers[-1:]
        assert line.cached(down_track, end.numbers[-1]) == sets(SMALL)

    def test_does_not_wait_where_sets_are_the_same(self) -> None:
        line, _, end = watched()
        for number, payload in enumerate((sets(LARGE), FIRST, LAST)):
            line.send(104 + number, payload)
        assert end.payloads[4:] == [sets(LARGE), FIRST, LAST]

    def test_does_not_wait_on_a_line_that_loses_nothing(self) -> None:
        line, _, end = watched(lossy=False)
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        assert end.payloads[4:] == [sets(SMALL), FIRST]

    def test_waits_for_one_subscriber_without_delaying_another(self) -> None:
        line, _, end = watched()
        other, quick = line.subscriber()
        for number, payload in enumerate((sets(LARGE), FIRST, LAST, sets(SMALL), FIRST)):
            line.send(104 + number, payload)
        assert end.payloads[-1] == sets(SMALL)
        assert quick.payloads[-1] == FIRST
        assert other.withheld is None

    def test_of_a_gate_that_shuts_meanwhile_is_never_sent(self) -> None:
        line, down_track, end = watched()
        line.send(104, sets(SMALL))
        line.send(105, FIRST)
        line.track.stop(down_track)
        assert released(line, LONGEST_WAIT) == []
        line.track.start(down_track)
        for number, payload in enumerate((sets(SMALL), FIRST)):
            line.send(110 + number, payload)
        assert down_track.flow is Flow.FLOWING
        assert set(steps(end.numbers)) == {1}


class TestAKeyframeWhoseSetsThePublisherMustRepeat:
    def test_follows_them_when_they_come(self) -> None:
        line, _, end = watched(lossy=False)
        line.send(105, FIRST)
        line.send(106, LAST)
        assert end.payloads[4:] == []
        line.send(104, sets(SMALL))
        assert end.payloads[4:] == [sets(SMALL)]
        assert released(line, 0.0) == [FIRST, LAST]

    def test_follows_both_where_each_has_a_packet_of_its_own(self) -> None:
        line, _, end = watched(lossy=False)
        for seq, payload in ((106, FIRST), (105, PPS), (107, LAST)):
            line.send(seq, payload)
        assert released(line, 0.0) == []
        line.send(104, SMALL)
        assert end.payloads[4:] == [PPS, SMALL]
        assert released(line, 0.0) == [FIRST, LAST]

    def test_waits_on_for_a_subscriber_whose_line_loses_packets_too(self) -> None:
        line, _, _ = watched()
        line.send(105, FIRST)
        line.send(104, sets(SMALL))
        assert released(line, 0.0) == []
        assert released(line, LONGEST_WAIT) == [FIRST]

    def test_begins_the_minutes_where_nothing_has_crossed_before(self) -> None:
        """Yunnan 14, Guangdong 11: they begin with the first packet that crosses, which is sent by a timer here."""
        line, down_track, _ = watched(lossy=False)
        line.send(105, FIRST)
        down_track.client.tx = None  # nothing is encrypted in this model
        began: list[float] = []
        line.track.crossing = lambda _track, now: began.append(now)
        send_withheld(line.track, line.now)
        assert began == []
        send_withheld(line.track, line.now + PATIENCE)
        assert began == [line.now + PATIENCE]

    def test_does_not_wait_for_ever(self) -> None:
        line, _, end = watched(lossy=False)
        line.send(105, FIRST)
        assert end.payloads[4:] == []
        assert released(line, PATIENCE) == [FIRST]

    def test_waits_for_nothing_where_only_an_earlier_packet_is_missing(self) -> None:
        line, _, end = watched(lossy=False)
        line.send(105, SLICE)
        for number, payload in enumerate((SLICE, SLICE, sets(SMALL), FIRST)):
            line.send(106 + number, payload)
        assert end.payloads[-1] == FIRST


@dataclass
class Decoder:
    """What libwebrtc makes of H.264: a keyframe is complete when its slice is there from its first fragment to the
    marker, with the sets that have come by then; other pictures follow without a hole."""

    got: dict[int, bytes] = field(default_factory=dict)
    used: list[tuple[bytes, bytes]] = field(default_factory=list)
    """For each keyframe that was complete: the sets that it needs, and those that it was decoded with."""
    _known: bytes = b""
    _done: set[int] = field(default_factory=set)

    def take(self, number: int, payload: bytes) -> None:
        """Take one packet, in whatever order; of one that came before nothing is taken (SRTP refuses it)."""
        if number in self.got:
            return
        self.got[number] = payload
        for first in [number, (number - 1) & 0xFFFF, (number + 1) & 0xFFFF]:
            after, before = (first + 1) & 0xFFFF, (first - 1) & 0xFFFF
            if self._is(first, FIRST) and self._is(after, LAST) and first not in self._done:
                self._done.add(first)
                found = self.got.get(before, b"")
                self._known = found if found and found[0] & 31 == STAP_A else self._known
                self.used.append((self.got[after][len(LAST) :], self._known))

    def _is(self, number: int, begins: bytes) -> bool:
        return self.got.get(number, b"").startswith(begins)


@pytest.mark.parametrize("towards_the_relay", [0.0, 0.03])
@pytest.mark.parametrize("towards_the_viewer", [0.0, 0.03])
@pytest.mark.parametrize("seed", range(10))
def test_no_keyframe_is_decoded_with_other_sets_than_its_own_whatever_overtakes(
    seed: int, towards_the_relay: float, towards_the_viewer: float
) -> None:
    """Both lines delay each packet by up to 30 ms at random, and the size changes with each keyframe."""
    chance, line, decoder = Random(seed), Line(), Decoder()
    down_track, end = line.subscriber()
    sent = [
        (frame * 0.3 + towards_the_relay * chance.random(), 100 + 4 * frame + part, payload)
        for frame in range(40)
        for part, payload in enumerate(
            (sets((LARGE, SMALL)[frame % 2]), FIRST, LAST + sets((LARGE, SMALL)[frame % 2]), SLICE)
        )
    ]
    begin, arrivals, taken = line.now, list[tuple[float, int, bytes]](), 0
    ticks = [(tick * 0.05, 0, b"") for tick in range(1, 300)]
    for at, seq, payload in sorted(sent[:3]) + sorted([*sent[3:], *ticks]):
        if payload:
            line.now = begin + at - 0.02
            line.send(seq, payload)
        else:
            line.now = begin + at
            line.release()
        if towards_the_viewer:
            down_track.reports.missed_at = line.now
        for number, _, got in end.got[taken:]:
            arrivals.append((line.now + towards_the_viewer * chance.random(), number, got))
        taken = len(end.got)
    for _, number, payload in sorted(arrivals, key=lambda arrival: arrival[0]):
        decoder.take(number, payload)
    assert len(decoder.used) > 30
    assert [needed for needed, used in decoder.used if used not in (needed, b"")] == []
