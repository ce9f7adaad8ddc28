"""Decoded frames as arrays, and the one sound format inside a kiosk: mono, 48 kHz, signed 16 bit, 20 ms a frame.

Opus takes exactly such frames, so nothing between a source and the encoder has to resample or to buffer."""

from fractions import Fraction
from typing import Any

import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

Frame = VideoFrame | AudioFrame

RATE = 48_000
"""Samples of sound a second."""
CHUNK = 960
"""Samples of one 20 ms frame, what Opus takes."""
VIDEO_BASE = Fraction(1, 90_000)
AUDIO_BASE = Fraction(1, RATE)


def mono_samples(frame: AudioFrame) -> NDArray[np.int16]:
    """Return the first channel of a packed signed 16 bit frame, not copied. aiortc decodes to stereo at 48 kHz."""
    channels = len(frame.layout.channels)
    samples: NDArray[np.int16] = _octets(frame.planes[0]).view(np.int16)
    return samples[: frame.samples * channels : channels]


def sound_frame(samples: NDArray[np.int16], first: int) -> AudioFrame:
    """Return mono 48 kHz samples as a frame whose time stamp is sample number `first`."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, first, AUDIO_BASE
    return frame


def rms(samples: NDArray[np.generic]) -> float:
    """Return the loudness (root mean square) of int16 or float samples: 0.0 is silence, 1.0 full scale."""
    if samples.size == 0:
        return 0.0
    scale = 32768.0 if np.issubdtype(samples.dtype, np.integer) else 1.0
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64) / scale))))


def luma(frame: VideoFrame) -> NDArray[np.uint8]:
    """Return the brightness plane (height x width) of a planar YUV frame, without copying or converting the rest."""
    plane = frame.planes[0]
    return _octets(plane).reshape(plane.height, plane.line_size)[:, : plane.width]


def _octets(plane: Any) -> NDArray[np.uint8]:
    return np.frombuffer(plane, np.uint8)  # planes are buffers, which PyAV's types do not say
