"""Tests of the generated voice and of the detector of its side and seconds."""

from fractions import Fraction

import av
import numpy as np
import pytest

from broker.kernel.ids import Side
from huijian.demo.synthetic.voice import SyntheticVoice
from huijian.demo.synthetic.voice_detector import marks_in, side_heard
from kiosk_agent.media.frames import CHUNK, RATE, mono_samples
from kiosk_agent.webrtc import aiortc_adapter


class TestVoice:
    """The generated voice and what the detector finds in it."""

    @pytest.mark.parametrize("side", list(Side))
    def test_side_and_seconds_are_detected_after_opus(self, side: Side) -> None:
        encoder, decoder = aiortc_adapter.KioskOpusEncoder(), av.CodecContext.create("libopus", "r")
        voice, decoded = SyntheticVoice(side), []
        for number in range(200):
            sound = av.AudioFrame.from_ndarray(voice.samples(number * CHUNK, CHUNK).reshape(1, -1), "s16", "mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, number * CHUNK, Fraction(1, RATE)
            for packet in encoder.encode(sound)[0]:
                decoded += [mono_samples(each) for each in decoder.decode(av.Packet(packet))]
        samples = np.concatenate(decoded)
        assert side_heard(samples) is side
        assert [mark.second for mark in marks_in(samples)][:3] == [0, 1, 2]
        assert [mark.at for mark in marks_in(samples)][1:3] == pytest.approx([1.0, 2.0], abs=0.02)

    def test_silence_noise_and_both_voices_at_once_have_no_side(self) -> None:
        both = SyntheticVoice(Side.PRISON).samples(0, RATE) // 2 + SyntheticVoice(Side.VISITOR).samples(0, RATE) // 2
        noise = np.random.default_rng(1).normal(0, 3000, RATE).astype(np.int16)
        assert side_heard(np.zeros(RATE, np.int16)) is None
        assert side_heard(noise) is None
        assert side_heard(both) is None

    def test_any_part_of_the_voice_is_the_same_sound(self) -> None:
        voice = SyntheticVoice(Side.VISITOR)
        assert np.array_equal(voice.samples(0, 4 * CHUNK)[CHUNK : 3 * CHUNK], voice.samples(CHUNK, 2 * CHUNK))
