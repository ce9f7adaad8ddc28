"""Which bytes a request for a part of a file gets (RFC 9110, 13 and 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.server.errors import PreconditionFailed
from signaling.server.ranges import RangeNotSatisfiable, part_of

TAG, SIZE = '"a"', 1000
WHOLE = (200, 0, SIZE)


def asked(size=SIZE, method="GET", **headers):
    part = part_of({name.replace("_", "-"): value for name, value in headers.items()}, TAG, size, method)
    return part.status, part.start, part.count


class TestOneRange:
    @pytest.mark.parametrize(
        ("value", "start", "count"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=0-", 0, 1000),
            ("bytes=999-", 999, 1),
            ("bytes=100-199", 100, 100),
            ("bytes=100-5000", 100, 900),
            ("bytes=100-999999999999999999", 100, 900),
            ("bytes=-1", 999, 1),
            ("bytes=-5000", 0, 1000),
            ("BYTES=1-2", 1, 2),
            ("bytes= 1 - 2", 1, 2),
        ],
    )
    def test_is_sent_as_far_as_the_file_goes(self, value, start, count):
        assert asked(Range=value) == (206, start, count)

    @pytest.mark.parametrize("value", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", "bytes=999999999999999999-"])
    def test_behind_the_end_is_refused_with_the_size(self, value):
        with pytest.raises(RangeNotSatisfiable) as refusal:
            asked(Range=value)
        assert refusal.value.extra["size"] == SIZE

    def test_of_an_empty_file_is_refused(self):
        with pytest.raises(RangeNotSatisfiable):
            asked(size=0, Range="bytes=0-")


class TestWhatIsNoOneRange:
    """It is ignored, and the whole is sent: a recipient that asks for several parts can take that (14.2)."""

    @pytest.mark.parametrize(
        "value",
        [
            *("bytes=0-1,5-6", "bytes=0-0,0-0,0-0", "bytes=0-,0-,0-", "bytes=0-100,50-150", "bytes=" + "0-," * 5000),
            *("bytes=5-1", "bytes=-", "bytes=", "bytes", "", "lines=0-1", "bytes=a-b", "bytes=0x1-0x2", "bytes=--1"),
            *("bytes=1-2-3", "bytes=+1-2", "bytes=١-٢", "bytes=1" + "0" * 5000 + "-", "bytes=0-" + "9" * 19),
        ],
    )
    def test_gets_the_whole(self, value):
        assert asked(Range=value) == WHOLE

    @pytest.mark.parametrize("method", ["HEAD", "POST"])
    def test_a_range_means_something_for_get_alone(self, method):
        assert asked(method=method, Range="bytes=0-1") == WHOLE


class TestConditions:
    def test_if_range_names_the_file(self):
        assert asked(Range="bytes=0-1", If_Range=TAG) == (206, 0, 2)

    @pytest.mark.parametrize("value", ['"b"', 'W/"a"', "a", "Mon, 30 Nov 2026 10:00:00 GMT", "*", ""])
    def test_if_range_of_another_file_or_a_date_gets_the_whole(self, value):
        assert asked(Range="bytes=0-1", If_Range=value) == WHOLE

    @pytest.mark.parametrize("value", [TAG, 'W/"a"', '"b", "a"', "*"])
    def test_a_file_that_is_there_already_is_not_sent(self, value):
        assert asked(If_None_Match=value, Range="bytes=0-1")[0] == 304

    @pytest.mark.parametrize("value", ['"b"', 'W/"a"', ""])
    def test_if_match_of_another_file_is_refused(self, value):
        with pytest.raises(PreconditionFailed):
            asked(If_Match=value)


@given(value=st.text(max_size=40) | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}(,[0-9]-[0-9])?", fullmatch=True))
def test_no_range_leads_out_of_the_file(value):
    try:
        status, start, count = asked(Range=value)
    except RangeNotSatisfiable:
        return
    assert start >= 0 and count >= 0 and start + count <= SIZE
    assert (status == 200) == ((start, count) == (0, SIZE) and status != 206)
