"""The picture and the tone of a drill: made up, moving, and heard."""

import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from kiosk_agent.checks.measures.loudness import SILENCE, level
from kiosk_agent.checks.measures.motion import change
from kiosk_agent.media.drill_card import DrillPicture, drill_sources
from kiosk_agent.media.frames import mono_samples
from kiosk_agent.media.source import SourceClock


class TestPicture:
    def test_moves_and_is_not_black(self) -> None:
        card = DrillPicture(SourceClock())
        pictures = [card.picture(number) for number in range(5)]
        assert change(pictures) > 1.0
        assert pictures[0].mean() > 50

    def test_says_that_it_is_a_drill_in_the_same_place_of_every_frame(self) -> None:
        card = DrillPicture(SourceClock())
        first, later = (card.picture(number) > 230 for number in (0, 7))
        assert first.sum() > 10_000 and (first == later).mean() > 0.999


class TestSources:
    async def test_give_frames_of_both_kinds_on_one_clock(self) -> None:
        room = drill_sources()
        video, audio = room.tracks()
        picture = await video.recv()
        assert isinstance(picture, VideoFrame) and picture.format.name == "yuv420p"
        samples: list[NDArray[np.int16]] = []
        while len(samples) < 20:
            frame = await audio.recv()
            assert isinstance(frame, AudioFrame)
            samples.append(mono_samples(frame))
        assert level(np.concatenate(samples)) > SILENCE + 40
        await room.close()
