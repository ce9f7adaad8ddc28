"""Tests of the helpers for decoded frames."""

import numpy as np

from kiosk_agent.media.frames import rms


class TestLoudness:
    """Loudness by `rms`, of which full scale is one."""

    def test_silence_is_zero_and_a_full_square_is_one(self) -> None:
        assert rms(np.zeros(100, np.int16)) == 0.0
        assert rms(np.full(100, -32768, np.int16)) == 1.0
        assert rms(np.zeros(0, np.int16)) == 0.0
