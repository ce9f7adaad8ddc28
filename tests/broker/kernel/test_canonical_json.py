"""The bytes of canonical JSON. The literals were written by version 0.1.0: archives and journals hold such bytes."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.canonical_json import indented, line, sorted_ascii, sorted_utf8

VALUE = {"z": 1, "name": "李某", "list": [1.5, True, None, "é\n"], "a": {"y": "\u2028", "x": "😀"}}


@dataclass
class Cut:
    """A dataclass such as those that the journal takes."""

    reason: str
    minutes: int


class TestBytesOfTheVersionBefore:
    """Every form spells one value as it was spelled when the first archives were written."""

    def test_the_journal_is_sorted_ascii(self):
        assert sorted_ascii(VALUE) == (
            r'{"a":{"x":"\ud83d\ude00","y":"\u2028"},"list":[1.5,true,null,"\u00e9\n"],"name":"\u674e\u67d0","z":1}'
        )

    def test_the_journal_takes_moments_durations_sets_dataclasses_and_bytes(self):
        shanghai = timezone(timedelta(hours=8))
        value = {
            "at": datetime(2026, 3, 2, 9, tzinfo=shanghai),
            "for": timedelta(minutes=1, milliseconds=500),
            "who": {"b", "a"},
            "fact": Cut("limit", 30),
            "raw": b"\x00\xff",
            "t": (1, 2),
        }
        assert sorted_ascii(value) == (
            '{"at":"2026-03-02T09:00:00+08:00","fact":{"minutes":30,"reason":"limit"},"for":60.5,"raw":"00ff",'
            '"t":[1,2],"who":["a","b"]}'
        )

    def test_signatures_and_site_chains_are_sorted_utf8(self):
        assert sorted_utf8(VALUE) == (
            b'{"a":{"x":"\xf0\x9f\x98\x80","y":"\xe2\x80\xa8"},"list":[1.5,true,null,"\xc3\xa9\\n"],'
            b'"name":"\xe6\x9d\x8e\xe6\x9f\x90","z":1}'
        )

    def test_files_that_are_replaced_whole_are_indented(self):
        assert indented(VALUE) == (
            b'{\n "a": {\n  "x": "\xf0\x9f\x98\x80",\n  "y": "\xe2\x80\xa8"\n },\n "list": [\n  1.5,\n  true,\n'
            b'  null,\n  "\xc3\xa9\\n"\n ],\n "name": "\xe6\x9d\x8e\xe6\x9f\x90",\n "z": 1\n}\n'
        )

    def test_a_timeline_keeps_the_order_of_its_writer(self):
        assert line(VALUE) == (
            b'{"z":1,"name":"\xe6\x9d\x8e\xe6\x9f\x90","list":[1.5,true,null,"\xc3\xa9\\n"],'
            b'"a":{"y":"\xe2\x80\xa8","x":"\xf0\x9f\x98\x80"}}\n'
        )

    def test_a_list_of_hashes_has_one_row_a_line(self):
        assert line(["film.mp4", 0, 1234, "fragment", 1.25, "ab" * 32]) == (
            b'["film.mp4",0,1234,"fragment",1.25,"' + b"ab" * 32 + b'"]\n'
        )


class TestRefusals:
    """A value that has no canonical spelling is refused and not approximated."""

    @pytest.mark.parametrize("value", [object(), 1j, Cut])
    def test_other_types_are_refused(self, value):
        with pytest.raises(TypeError, match="no canonical JSON"):
            sorted_ascii({"value": value})

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_numbers_outside_json_are_refused_by_the_journal(self, value):
        with pytest.raises(ValueError):
            sorted_ascii(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class TestEqualValues:
    """Equal values have one spelling, different values have different ones."""

    @given(st.dictionaries(st.text(), JSON))
    def test_are_spelled_the_same_whatever_the_order_of_keys(self, value):
        for spell in (sorted_ascii, sorted_utf8, indented):
            assert spell(value) == spell(dict(reversed(value.items())))

    @given(JSON, JSON)
    def test_differ_exactly_where_the_values_differ(self, first, second):
        same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
        assert (sorted_ascii(first) == sorted_ascii(second)) == same
