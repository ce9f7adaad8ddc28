"""Joins several parts to one film by copying: no sample is changed. The hole between two parts stays where it was on
the timeline; in the sound it is silence, in the picture the last frame stands. Blocks; for worker threads."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import av
import structlog
from av.container import InputContainer

from broker.media import opus
from broker.media.h264 import is_whole_sample
from broker.media.h264_sets import ParameterSets, sets_in
from broker.media.tap_format import TALKBACK, TRACK_TITLES, is_sound
from recorder.mp4.fragments import CHUNK
from recorder.mp4.muxer import Part
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.mp4.scan import Window, scan
from recorder.pipeline.track import Sample
from recorder.pipeline.track_clock import Gap

log = structlog.get_logger()
SHORTEST_HOLE = 0.005
TRACKS = len(TRACK_TITLES)
OLDER = TALKBACK  # number of tracks of a part from before talkback existed
PICTURES = tuple(track for track in range(TRACKS) if not is_sound(track))


class PartFile(NamedTuple):
    """A part to be joined. `offset`: its zero on the film's time; `clean`: whether it was finished."""

    path: Path
    offset: float
    clean: bool


class TrackSummary(NamedTuple):
    """The content of a track: number of samples, bytes, and where it ends."""

    samples: int
    bytes: int
    seconds: float


class Unreadable(Exception):
    """A part has no readable fragment, or cannot be opened."""


def join(parts: Sequence[PartFile], target: Path) -> tuple[Part, list[Gap]]:
    """Copy `parts` into `target`, a new file. Return the finished film and the holes. Raises OSError, Unreadable."""
    film: Part | None = None
    ends, holes = [0.0] * TRACKS, []
    for part in parts:
        with part.path.open("rb") as file:
            source = _open(file, part)
            if film is None:
                film = Part(target, [_parameters(source, track) for track in (0, 2)])
            elif part.offset - max(ends) > SHORTEST_HOLE:
                holes += [Gap(track, ends[track], part.offset - ends[track], "recorder") for track in range(TRACKS)]
            older = len(source.streams) == OLDER
            _copy(source, part.offset, film, ends)
            if older:
                _add_silence(film, ends)
            source.close()
    if film is None:
        raise Unreadable("there is no part")
    film.close()
    return film, holes


def holds_all(parts: Sequence[PartFile], film: Path) -> bool:
    """Whether a joined film has every sample of its parts, unchanged and in order, and apart from them only silence.
    Raises OSError, Unreadable."""
    joined = _prints(PartFile(film, 0.0, clean=True))
    waiting = [iter(track) for track in joined]
    for part in parts:
        for track, prints in enumerate(_prints(part)):
            for expected in prints:
                if not _advance_to(expected, waiting[track]):
                    return False
    return all(found in _SILENCES for track in waiting for found in track)


def _advance_to(expected: bytes, prints: Iterator[bytes]) -> bool:
    """Advance to a sample; return False where anything but silence lies before it."""
    for found in prints:
        if found == expected:
            return True
        if found not in _SILENCES:
            return False
    return False


def _prints(part: PartFile) -> list[list[bytes]]:
    """Return a short hash of each sample, by track."""
    with part.path.open("rb") as file:
        source = _open(file, part)
        found: list[list[bytes]] = [[] for _ in source.streams]
        for sample in _samples(source, 0.0):
            found[sample.track].append(_print(sample.data))
        source.close()
    return found


def _print(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:16]


_SILENCES = {_print(data) for size in (960, 480, 240, 120) for _, data in opus.silence(size)} | {_print(opus.LEADING)}


def opens(path: Path) -> bool:
    """Whether a finished part can be opened through its index. Raises OSError."""
    with path.open("rb") as file:
        try:
            _open(file, PartFile(path, 0.0, clean=True)).close()
        except Unreadable:
            return False
    return True


def summary(part: PartFile) -> list[TrackSummary]:
    """Return what each track of a part holds. Raises OSError, Unreadable."""
    with part.path.open("rb") as file:
        source = _open(file, part)
        found = [TrackSummary(0, 0, 0.0)] * len(source.streams)
        for sample in _samples(source, 0.0):
            before = found[sample.track]
            end = max(before.seconds, sample.at + sample.seconds)
            found[sample.track] = TrackSummary(before.samples + 1, before.bytes + len(sample.data), end)
        source.close()
    return found


def _open(file: BinaryIO, part: PartFile) -> InputContainer:
    extent = scan(part.path)
    if not extent.fragments:
        raise Unreadable(f"{part.path.name} has no whole fragment")
    try:
        view = file if part.clean else Window(file, extent.end, extent.head)
        source = av.open(view, "r", format="mp4")
    except av.FFmpegError as error:
        raise Unreadable(f"{part.path.name}: {error}") from error
    if len(source.streams) not in (TRACKS, OLDER):
        raise Unreadable(f"{part.path.name} has {len(source.streams)} tracks")
    return source


def _parameters(source: InputContainer, track: int) -> ParameterSets:
    """Return the parameter sets in a file's head (avcC)."""
    context: Any = source.streams[track].codec_context
    return sets_in(context.extradata or b"") or placeholder_frame().parameters


def _copy(source: InputContainer, offset: float, film: Part, ends: list[float]) -> None:
    for sample in _samples(source, offset):
        track = sample.track
        if is_sound(track) and ends[track] > 0:
            film.write(_silence(track, ends[track], sample.at), 0.0)
        film.write((sample,), 0.0)
        film.flush(at_least=CHUNK)
        ends[track] = sample.at + sample.seconds


def _add_silence(film: Part, ends: list[float]) -> None:
    """Fill the talkback track of an older part with silence, as long as the sound of the rooms."""
    end = max(ends)
    if not ends[TALKBACK]:
        film.write([Sample(0.0, TALKBACK, opus.LEADING, True, opus.PACKET / opus.RATE)], 0.0)
        ends[TALKBACK] = opus.PACKET / opus.RATE
    film.write(_silence(TALKBACK, ends[TALKBACK], end), 0.0)
    ends[TALKBACK] = end


def _samples(source: InputContainer, offset: float) -> Iterator[Sample]:
    try:
        for packet in source.demux():
            if packet.pts is not None and packet.size:
                base, track, data = float(packet.time_base), packet.stream_index, bytes(packet)
                if track in PICTURES and not is_whole_sample(data):
                    log.warning("part ends in a sample that is not on the disk")
                    return
                yield Sample(offset + packet.pts * base, track, data, packet.is_keyframe, _ticks(packet) * base)
    except av.FFmpegError as error:
        log.warning("part ends early", why=error)


def _ticks(packet: "av.Packet[Any]") -> int:
    """Return how long a sample is shown. Its length in the file counts from the decode time, which lies before the
    presentation time where there was a hole."""
    assert packet.pts is not None
    begun = packet.pts if packet.dts is None else packet.dts
    return max(begun + (packet.duration or 0) - packet.pts, 0)


def _silence(track: int, start: float, end: float) -> Iterator[Sample]:
    if end - start > SHORTEST_HOLE:
        for size, data in opus.silence(int((end - start) * opus.RATE)):
            yield Sample(start, track, data, True, size / opus.RATE)
            start += size / opus.RATE
