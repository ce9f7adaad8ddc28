"""Decodes a keyframe on trial. The check of every picture reads no further than the heads of its slices; this one shows
now and then that a real decoder makes a picture of what is written. Blocks for some milliseconds."""

import av

from broker.media.h264_sets import ParameterSets


def decodes(sets: ParameterSets, sample: bytes) -> bool:
    """Whether a decoder that conceals nothing makes a whole picture of a keyframe, given as an MP4 sample."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata, decoder.thread_count = sets.avcc, 1
    decoder.options = {"err_detect": "explode+crccheck+bitstream+buffer"}
    try:
        frames = decoder.decode(av.Packet(sample)) + decoder.decode(None)
    except (av.FFmpegError, ValueError):
        return False
    return len(frames) == 1 and not frames[0].is_corrupt and (frames[0].width, frames[0].height) == sets.size
