"""Film that the tests of files and devices read."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av import VideoFrame

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import GeneratedVideo
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.media.frames import CHUNK, RATE
from kiosk_agent.media.source import SourceClock


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two seconds of the visitor's generated room, H.264 and Opus in an MP4."""
    path = tmp_path_factory.mktemp("film") / "room.mp4"
    room, voice = GeneratedVideo(Side.VISITOR, SourceClock(), (320, 180)), SyntheticVoice(Side.VISITOR)
    with av.open(path, "w") as out:
        pictures, sounds = out.add_stream("libx264", rate=25), out.add_stream("libopus", rate=RATE, layout="mono")
        pictures.width, pictures.height, pictures.pix_fmt = 320, 180, "yuv420p"
        for number in range(50):
            frame = VideoFrame.from_ndarray(room.picture(number), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(pictures.encode(frame))
        for number in range(100):
            sound = av.AudioFrame.from_ndarray(voice.samples(number * CHUNK, CHUNK).reshape(1, -1), "s16", "mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, number * CHUNK, Fraction(1, RATE)
            out.mux(sounds.encode(sound))
        out.mux(pictures.encode(None))
        out.mux(sounds.encode(None))
    return path
