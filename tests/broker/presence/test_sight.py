"""How a picture has to be shown for its officer to count (Yunnan 25, Guangdong 27)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.presence.sight import Flaw, flaw


@pytest.mark.parametrize(
    ("width", "height", "seen", "wrong"),
    [
        (160, 90, 90, None),
        (159, 90, 100, Flaw.TOO_SMALL),
        (160, 89, 100, Flaw.TOO_SMALL),
        (640, 360, 89, Flaw.COVERED),
        (69, 39, 10, Flaw.TOO_SMALL),
        (None, None, None, None),
        (None, None, 0, Flaw.COVERED),
    ],
    ids=["just_enough", "narrow", "low", "covered", "the_size_is_named_first", "not_measured", "only_the_share"],
)
def test_a_picture_counts_that_is_large_enough_and_in_sight(
    width: int | None, height: int | None, seen: int | None, wrong: Flaw | None
) -> None:
    assert flaw(width, height, seen) is wrong


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(0, 100))
def test_a_larger_and_less_covered_picture_is_never_judged_worse(width: int, height: int, seen: int) -> None:
    if flaw(width, height, seen) is None:
        assert flaw(width + 1, height + 1, min(100, seen + 1)) is None
