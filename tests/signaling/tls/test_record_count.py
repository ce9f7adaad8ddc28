"""Records of TLS, counted by their headers."""

import pytest

from signaling.tls.record_count import RecordCount


def record(body, kind=0x17):
    return bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body


class TestRecords:
    def test_are_counted_where_they_end(self):
        count, data = RecordCount(), record(b"a" * 100)
        assert count.take(memoryview(data[:-1])) == 0
        assert count.take(memoryview(data[-1:])) == 1

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
    def test_are_the_same_however_the_stream_is_cut(self, size):
        count, data = RecordCount(), record(b"") + record(b"a") + record(b"b" * 300) + record(b"", 0x15)
        pieces = [memoryview(data)[at : at + size] for at in range(0, len(data), size)]
        assert sum(count.take(piece) for piece in pieces) == 4

    def test_of_a_whole_buffer_are_counted_at_once(self):
        assert RecordCount().take(memoryview(record(b"a") * 50)) == 50

    def test_of_nothing_are_none(self):
        assert RecordCount().take(memoryview(b"")) == 0
