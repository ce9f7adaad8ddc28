"""The records in which the relay hands packets to the recorder."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.tap_format import MAX_MESSAGE, RECORD, TALKBACK, TRACK_TITLES, TapRecord, pack, unpack

records = st.builds(
    TapRecord,
    tap=st.integers(0, 2**32 - 1),
    track=st.integers(0, 255),
    kind=st.integers(0, 1),
    arrival_ns=st.integers(0, 2**64 - 1),
    data=st.binary(max_size=1500),
)


class TestRecords:
    """Records stand back to back in one message."""

    @given(st.lists(records, max_size=8))
    def test_records_are_unpacked_in_the_order_in_which_they_were_packed(self, sent: list[TapRecord]) -> None:
        assert list(unpack(b"".join(pack(*record) for record in sent))) == sent

    @given(st.lists(records, min_size=1, max_size=5), st.data())
    def test_a_cut_off_tail_is_dropped_and_the_rest_kept(self, sent: list[TapRecord], data: st.DataObject) -> None:
        last = pack(*sent[-1])
        cut = data.draw(st.integers(1, len(last)))
        message = b"".join(pack(*record) for record in sent)
        assert list(unpack(message[:-cut])) == sent[:-1]

    @given(st.binary(max_size=200))
    def test_garbage_yields_records_within_the_message_or_nothing(self, garbage: bytes) -> None:
        found = list(unpack(garbage))
        assert sum(RECORD.size + len(record.data) for record in found) <= len(garbage)

    def test_the_header_is_big_endian_tap_track_kind_length_arrival(self) -> None:
        assert pack(7, 2, 1, 9, b"ab") == bytes.fromhex("00000007 02 01 0002 0000000000000009") + b"ab"

    def test_a_packet_that_does_not_fit_the_length_is_refused(self) -> None:
        with pytest.raises(struct.error):
            pack(1, 0, 0, 0, bytes(65_536))

    def test_the_largest_message_and_one_more_packet_fit_a_readers_buffer(self) -> None:
        assert MAX_MESSAGE + RECORD.size + 1500 <= 64 * 1024

    def test_every_track_has_a_title(self) -> None:
        assert len(TRACK_TITLES) == TALKBACK + 1
