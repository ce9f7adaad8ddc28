"""Clips of simulated rooms: encoded once, and good for any viewer and recorder."""

from itertools import pairwise

import av
import numpy as np

from broker.kernel.ids import Side
from broker.media import opus
from huijian.demo.wall.clips import FPS, SECONDS, SIZE, SOUND, clip_sources, picture_clip, sound_clip


def decoded(clip):
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for data in clip.packets for frame in decoder.decode(av.Packet(data))]
    return [frame.to_ndarray(format="gray") for frame in (*frames, *decoder.decode(None))]


class TestPicture:
    def test_is_whole_in_size_and_number_and_moves(self):
        pictures = decoded(picture_clip(Side.PRISON, 0, 1))
        assert len(pictures) == FPS * SECONDS
        assert pictures[0].shape == (SIZE[1], SIZE[0])
        assert all(np.any(before != after) for before, after in pairwise(pictures))

    def test_has_a_key_frame_with_its_parameter_sets_each_second(self):
        clip = picture_clip(Side.VISITOR, 1, 2)
        keys = [number for number, data in enumerate(clip.packets) if b"\x00\x00\x01\x67" in data]
        assert keys == list(range(0, FPS * SECONDS, FPS))

    def test_shows_other_rooms_in_other_visits(self):
        assert picture_clip(Side.PRISON, 0, 1).packets != picture_clip(Side.PRISON, 1, 1).packets


class TestSound:
    def test_packets_are_as_long_as_said(self):
        clip = sound_clip(Side.PRISON)
        assert {opus.duration(packet) for packet in clip.packets} == {SOUND}


class TestRepetition:
    def test_stamps_go_on_when_the_clip_begins_anew(self):
        clip = sound_clip(Side.VISITOR)
        count = len(clip.packets)
        first, again = clip.packet(0), clip.packet(count)
        assert bytes(first) == bytes(again)
        assert again.pts == count * SOUND

    async def test_a_source_gives_a_packet_at_its_time(self):
        sources = clip_sources(picture_clip(Side.PRISON, 2, 1), sound_clip(Side.PRISON))
        first, second = await sources.audio.take(), await sources.audio.take()
        assert second.pts - first.pts == SOUND
