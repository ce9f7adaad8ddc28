"""The reader of bit fields: several codes in one call are those that single calls would read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.bits import Bits


class TestSeveralCodesInOneCall:
    @given(st.binary(max_size=40))
    def test_are_those_of_single_calls_and_so_is_what_follows(self, data: bytes) -> None:
        single, several = Bits(data), Bits(data)
        try:
            expected = [single.ue(), single.ue(), single.ue()]
        except IndexError:
            with pytest.raises(IndexError):
                several.ues(3)
            return
        assert several.ues(3) == expected
        for _ in range(4):
            try:
                bit = single.take(1)
            except IndexError:
                with pytest.raises(IndexError):
                    several.take(1)
            else:
                assert several.take(1) == bit
