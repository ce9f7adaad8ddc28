"""Simulcast on an m-line: what is agreed, and how packets and retransmissions name their encoding."""

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from broker.media.rtp import RTP_HEADER
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.negotiation.simulcast_sdp import Simulcast
from broker.relay.transport.ssrc_history import MOST, REFUSED, SsrcHistory
from tests.broker.relay.negotiation.test_answer import answered, named
from tests.broker.relay.rtp.test_simulcast_layers import Room
from tests.support.relay.sdp_samples import offer, without
from tests.support.relay.track_model import KEY, SLICE

PICTURE, REPAIR = 108, 109
AGREED = Simulcast(("q", "h", "f"), rid=10, repaired=11, mid=4)


def changed(before: str, after: str) -> CodecParams:
    text = offer("chromium-simulcast-publish")
    assert before in text
    return answered(text.replace(before, after)).params["video"]


class TestTheAgreement:
    def test_has_what_chromium_offers(self) -> None:
        assert named("chromium-simulcast-publish").params["video"].simulcast == AGREED

    def test_has_no_simulcast_where_one_encoding_is_sent(self) -> None:
        assert named("chromium-publish").params["video"].simulcast is None
        assert "simulcast" not in named("chromium-publish").answer

    def test_has_no_simulcast_where_packets_do_not_name_their_encoding(self) -> None:
        text = without(offer("chromium-simulcast-publish"), "sdes:rtp-stream-id")
        assert answered(text).params["video"].simulcast is None

    def test_needs_no_mid_and_no_names_in_retransmissions(self) -> None:
        text = without(offer("chromium-simulcast-publish"), "sdes:mid|repaired-rtp-stream-id")
        assert answered(text).params["video"].simulcast == Simulcast(("q", "h", "f"), 10)

    @pytest.mark.parametrize(
        ("offered", "taken"),
        [
            ("send h;f", ("h", "f")),
            ("send q,h;~f", ("q", "f")),
            ("recv q send h;f", ("h", "f")),
            ("send q;q;f", ("q", "f")),
            ("send q;unknown;f", ("q", "f")),
            ("send 1;2;3;4;5;6", ("1", "2", "3", "4")),
        ],
    )
    def test_follows_the_offer(self, offered: str, taken: tuple[str, ...]) -> None:
        more = "".join(f"a=rid:{number} send\r\n" for number in range(1, 7))
        agreed = changed("a=simulcast:send q;h;f", f"{more}a=simulcast:{offered}").simulcast
        assert agreed is not None and agreed.rids == taken

    @pytest.mark.parametrize(
        "offered", ["send", "send q", "recv q;h;f", "", "send ;;", "send q;h€;\x00", "send " + "q" * 99]
    )
    def test_has_no_simulcast_where_the_offer_is_malformed(self, offered: str) -> None:
        assert changed("a=simulcast:send q;h;f", f"a=simulcast:{offered}").simulcast is None

    def test_leaves_out_encodings_in_other_formats(self) -> None:
        agreed = changed("a=rid:q send", "a=rid:q send pt=96;max-width=320").simulcast
        assert agreed is not None and agreed.rids == ("h", "f")
        agreed = changed("a=rid:q send", f"a=rid:q send max-width=320;pt=96,{PICTURE}").simulcast
        assert agreed is not None and agreed.rids == ("q", "h", "f")


def packet(extension: bytes, seq: int = 7, ssrc: int = 5, kind: int = PICTURE, payload: bytes = SLICE) -> bytes:
    return struct.pack("!BBHII", 0x90, kind, seq, 90, ssrc) + extension + payload


def one_byte(*elements: tuple[int, bytes]) -> bytes:
    inside = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in elements)
    inside += bytes(-len(inside) % 4)
    return struct.pack("!HH", 0xBEDE, len(inside) // 4) + inside


class Owner:
    """A session that notes the reason for which its client is given up."""

    gone = ""

    def handle_gone(self, peer: Any, reason: str) -> None:
        self.gone = reason


class Client:
    """The streams of a publisher of three encodings, in the room of `test_simulcast_layers`."""

    def __init__(self) -> None:
        from broker.relay.transport.peer import Peer

        room = Room()
        peer: Any = Peer.__new__(Peer)
        peer.streams, peer.repairs, peer.redundant, peer._repairing, peer._ssrcs = {}, {}, {}, {}, SsrcHistory()
        peer.encodings = {rid: line.track for rid, line in room.lines.items()}
        peer.simulcast = AGREED
        peer._wrapped, peer._owner = [], Owner()
        self.owner = peer._owner
        self.forgotten: list[int] = []
        peer._dtls = SimpleNamespace(forget=self.forgotten.append)
        peer.by_payload_type = {PICTURE: room.lines[b"q"].track}
        peer.repairs = {REPAIR: room.lines[b"q"].track}
        for track in peer.encodings.values():
            track.publisher, track.payload_type = peer, PICTURE
        self.peer, self.tracks = peer, peer.encodings

    def begin(self, ssrc: int, rid: bytes, seq: int = 7) -> Any:
        return self.peer.new_stream(packet(one_byte((10, rid)), seq, ssrc, payload=KEY), 100.0)


class TestTheEncodingOfAPacket:
    def test_is_named_by_the_first_packets(self) -> None:
        client = Client()
        assert [client.begin(ssrc, rid) for ssrc, rid in ((1, b"h"), (2, b"f"), (3, b"q"))] == [
            client.tracks[rid] for rid in (b"h", b"f", b"q")
        ]
        assert client.peer.streams == {1: client.tracks[b"h"], 2: client.tracks[b"f"], 3: client.tracks[b"q"]}

    @pytest.mark.parametrize("extension", [one_byte((4, b"1")), one_byte((10, b"unknown"))])
    def test_is_unknown_until_a_packet_names_it(self, extension: bytes) -> None:
        client = Client()
        assert client.peer.new_stream(packet(extension, 7, 1), 100.0) is None
        assert client.peer.inside(packet(extension, 7, 1)) == []
        assert client.begin(1, b"h") is client.tracks[b"h"]

    def test_a_newer_ssrc_replaces_the_older_one_of_its_encoding_only(self) -> None:
        client = Client()
        client.begin(1, b"h")
        client.begin(2, b"f")
        assert client.begin(3, b"h") is client.tracks[b"h"]
        assert client.peer.streams == {2: client.tracks[b"f"], 3: client.tracks[b"h"]}
        assert client.begin(1, b"h") is None

    def test_a_retransmission_belongs_to_the_encoding_that_it_or_an_earlier_one_names(self) -> None:
        client = Client()
        client.begin(1, b"h", seq=40)
        client.begin(2, b"f", seq=90)
        first = packet(one_byte((11, b"f")), 1, 77, REPAIR, (88).to_bytes(2, "big") + SLICE)
        later = packet(one_byte((4, b"1")), 2, 77, REPAIR, (89).to_bytes(2, "big") + SLICE)
        for data, number in ((first, 88), (later, 89)):
            ((track, inner),) = client.peer.inside(data)
            assert track is client.tracks[b"f"]
            _, second, seq, _, ssrc = RTP_HEADER.unpack_from(inner)
            assert (second & 127, seq, ssrc) == (PICTURE, number, 2)

    def test_a_retransmission_of_an_unknown_encoding_is_dropped(self) -> None:
        client = Client()
        client.begin(1, b"h")
        assert client.peer.inside(packet(one_byte((4, b"1")), 1, 77, REPAIR, b"\x00\x01" + SLICE)) == []

    def test_goes_on_under_any_number_of_ssrcs_one_after_another(self) -> None:
        client = Client()
        client.begin(1, b"q")
        for ssrc in range(100, 160):
            assert client.begin(ssrc, b"h") is client.tracks[b"h"]
            data = packet(one_byte((11, b"h")), 1, 1000 + ssrc, REPAIR, (7).to_bytes(2, "big") + SLICE)
            assert [track for track, _ in client.peer.inside(data)] == [client.tracks[b"h"]]
        assert client.owner.gone == ""
        assert client.peer.streams == {1: client.tracks[b"q"], 159: client.tracks[b"h"]}
        assert 1 not in client.forgotten
        assert len(client.forgotten) == 61 - MOST

    def test_never_begins_again_under_an_ssrc_whose_state_was_dropped(self) -> None:
        client = Client()
        for ssrc in range(100, 160):
            client.begin(ssrc, b"h")
        count = len(client.forgotten)
        assert client.begin(100, b"f") is None
        assert client.forgotten[count:] == [100], "copies of its packets would be taken for new ones"
        assert client.begin(160, b"f") is client.tracks[b"f"]

    def test_more_ssrcs_than_any_encoder_has_end_the_client(self) -> None:
        client = Client()
        for ssrc in range(MOST + REFUSED + 2):
            client.begin(ssrc, b"h")
        assert client.owner.gone == "too many streams"
