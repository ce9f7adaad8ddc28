"""One part of a recording on disk: an MP4 with five tracks, muxed through PyAV from packets as they came.

`hybrid_fragmented` makes a file that can be read up to its last fragment after a kill, and that is an ordinary indexed
MP4 after `close`. `delay_moov` lets tracks that begin later keep their place. FFmpeg places the first sample of a
fragment where the one before it ended, so decode times are always contiguous here; a hole shows in the presentation
time. Every call blocks and belongs in the worker thread of the recording."""

import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from broker.media.h264_sets import ParameterSets
from broker.media.tap_format import TRACK_TITLES, is_sound
from recorder.mp4.boxes import AUDIO_RATE, VIDEO_RATE, head_of
from recorder.mp4.fragments import FragmentFile
from recorder.pipeline.track import Sample

FRAGMENT_MICROSECONDS = 200_000
OPTIONS = {
    "movflags": "hybrid_fragmented+delay_moov+default_base_moof",
    "frag_duration": str(FRAGMENT_MICROSECONDS),
    "video_track_timescale": str(VIDEO_RATE),
    # Samples come sorted. FFmpeg's default of 10 s would hold the other tracks back while one track stalls.
    "max_interleave_delta": "1",
}
RATES = tuple(AUDIO_RATE if is_sound(track) else VIDEO_RATE for track in range(len(TRACK_TITLES)))
_SOUND = tuple(map(is_sound, range(len(TRACK_TITLES))))


class Part:
    """The MP4 file of one part while it is written. `seconds` is where each track ends, on the file's time."""

    def __init__(self, path: Path, video: Sequence[ParameterSets]) -> None:
        self.file = FragmentFile(path)
        self.samples = [0] * len(RATES)
        self._ends = [-1] * len(RATES)
        self._bases = [Fraction(1, rate) for rate in RATES]
        self._newest: list[av.Packet[Stream] | None] = [None] * len(RATES)
        self._data = [b""] * len(RATES)  # of the newest packets
        self._out: OutputContainer = av.open(self.file, "w", format="mp4", options=OPTIONS)
        with av.open(io.BytesIO(head_of(video)), "r", format="mp4") as template:
            self._streams = _streams(self._out, template)

    @property
    def seconds(self) -> list[float]:
        """The length of each track from the file's zero."""
        return [max(end, 0) / rate for end, rate in zip(self._ends, RATES, strict=True)]

    @property
    def fragments(self) -> int:
        """Number of complete fragments that were handed to the kernel."""
        return self.file.chain.fragments

    def write(self, samples: Iterable[Sample], zero: float) -> None:
        """Append samples whose times are server seconds. Most of it waits in memory for `flush`. Raises OSError."""
        mux, packet = self._out.mux_one, self._packet
        for sample in samples:
            mux(packet(sample, zero))

    def flush(self, at_least: int = 1) -> None:
        """Hand what was written to the kernel, where it is `at_least` so many bytes. Raises OSError."""
        self.file.flush(at_least)

    def sync(self) -> None:
        """Wait until the disk has all data."""
        self.file.sync()

    def close(self) -> None:
        """Write the index, sync and close the file. Raises OSError; the fragments then stay readable."""
        try:
            if any(self.samples):
                self._out.close()
            if self.file.failed is not None:
                raise self.file.failed  # FFmpeg does not return every error
            self.file.sync()
        finally:
            self.file.abandon()

    def abandon(self) -> None:
        """Leave the file as it is, after a failure."""
        self.file.abandon()
        with suppress(OSError, ValueError, av.FFmpegError):
            self._out.close()

    def _packet(self, sample: Sample, zero: float) -> "av.Packet[Stream]":
        at, track, data, keyframe, seconds = sample
        at -= zero
        rate, dts = RATES[track], self._ends[track]
        pts = round(at * rate)
        if pts < 0:
            pts = 0
        if dts < 0:
            dts = pts
        if _SOUND[track] or pts < dts:
            pts = dts  # sound has only rounding errors, and no picture may precede the one before it
        end = round((at + seconds) * rate)
        if end <= pts:
            end = pts + 1
        self._ends[track] = end
        self.samples[track] += 1
        packet = self._newest[track]
        if packet is None or data is not self._data[track]:  # packets of silence are all the same
            packet = self._newest[track] = av.Packet(data)
            packet.stream, packet.time_base = self._streams[track], self._bases[track]
            self._data[track] = data
        packet.dts, packet.pts, packet.duration = dts, pts, end - dts
        packet.is_keyframe = keyframe
        return packet


def _streams(out: OutputContainer, template: InputContainer) -> list[Stream]:
    streams: list[Stream] = []
    for stream, title in zip(template.streams, TRACK_TITLES, strict=True):
        added = out.add_stream_from_template(stream, opaque=True)
        added.metadata.update({"title": title, "handler_name": title})
        streams.append(added)
    return streams
