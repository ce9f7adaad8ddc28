"""Makes the view copy of an archived recording, which browsers and Windows play: both pictures side by side, burned-in
clock, mixed sound, H.264 and AAC, index at the front. `__main__` runs it in a process of its own, which dies with its
parent. Progress goes to standard output as JSON lines. The target appears complete or not at all."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from broker.kernel import atomic_files
from broker.media.tap_format import is_sound
from recorder.archive.paths import FILM, MANIFEST, TIMELINE
from recorder.archive.timeline_coverage import Span, coverage
from recorder.retention.removal import unfinished
from recorder.viewcopy import activity, poster
from recorder.viewcopy.activity import Activity
from recorder.viewcopy.layout import Layout, Script, words

RATE, SOUND_RATE, BLOCK = 25, 48_000, 1024
SLACK = 0.6  # seconds by which packets of one moment may be apart in the film
VIDEO = {"preset": "veryfast", "crf": "26", "x264-params": "keyint=50:scenecut=0:threads=1"}
Report = Callable[[float], None]


class Mixer:
    """Mixes the sound of both sides and of talkback on one time line, with silence where there is none."""

    def __init__(self) -> None:
        self._sum = np.zeros(0, np.float32)
        self._start = 0
        self._resamplers: dict[int, av.AudioResampler] = {}

    def add(self, track: int, frame: av.AudioFrame, second: float) -> list[tuple[NDArray[np.float32], float]]:
        """Add a decoded frame that begins at a second of the film. Return its samples as they are mixed, each piece
        with its second."""
        added: list[tuple[NDArray[np.float32], float]] = []
        if track not in self._resamplers:
            self._resamplers[track] = av.AudioResampler("fltp", "mono", SOUND_RATE)
        for resampled in self._resamplers[track].resample(frame):
            samples = resampled.to_ndarray()[0].astype(np.float32)
            added.append((samples, second))
            at = round(second * SOUND_RATE) - self._start
            samples, at = samples[max(-at, 0) :], max(at, 0)
            if len(self._sum) < at + len(samples):
                self._sum = np.concatenate([self._sum, np.zeros(at + len(samples) - len(self._sum), np.float32)])
            self._sum[at : at + len(samples)] += samples
        return added

    def take(self, second: float) -> Iterator[av.AudioFrame]:
        """Yield everything before a second, in blocks of the encoder's frame size."""
        while (self._start + BLOCK) / SOUND_RATE <= second:
            block = np.zeros(BLOCK, np.float32)
            mixed = self._sum[:BLOCK]
            block[: len(mixed)] = mixed
            frame = av.AudioFrame.from_ndarray(np.clip(block * 0.8, -1, 1)[None, :], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, self._start, Fraction(1, SOUND_RATE)
            yield frame
            self._sum, self._start = self._sum[BLOCK:], self._start + BLOCK


class ViewCopy:
    """Encoder of one view copy: `add` decoded frames, `write` up to a second, `close`."""

    def __init__(self, target: Path, script: Script, poster_at: float | None = None) -> None:
        """Begin a copy at `target`; beside it a poster is made of the second `poster_at`, if there is one."""
        self._out: OutputContainer = av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"})
        self._video: Any = self._out.add_stream("libx264", rate=RATE, options=VIDEO)
        self._layout, self._mixer, self.activity = Layout(script), Mixer(), Activity()
        self._poster, self._poster_at = target.with_name(poster.MADE), poster_at
        self._video.width, self._video.height = self._layout.size
        self._video.pix_fmt, self._video.thread_count = "yuv420p", 1
        self._audio: Any = self._out.add_stream("aac", rate=SOUND_RATE, layout="mono", bit_rate=96_000)
        self._waiting: tuple[list[tuple[float, av.VideoFrame]], ...] = ([], [])
        self._frames = 0

    def add(self, track: int, frame: Any, second: float) -> None:
        """Add a decoded frame of a track of the film."""
        if is_sound(track):
            for samples, at in self._mixer.add(track, frame, second):
                self.activity.add(track, samples, at, SOUND_RATE)
        else:
            self._waiting[track // 2].append((second, frame))

    def write(self, second: float) -> None:
        """Encode everything before a second."""
        while (now := self._frames / RATE) < second:
            for side, waiting in enumerate(self._waiting):
                newest = None
                while waiting and waiting[0][0] <= now:
                    newest = waiting.pop(0)
                if newest is not None:
                    self._layout.show(side, newest[1])
            frame = self._layout.frame(now)
            if self._poster_at is not None and now >= self._poster_at:
                poster.save(frame, self._poster)
                self._poster_at = None
            frame.pts, frame.time_base = self._frames, Fraction(1, RATE)
            self._out.mux(self._video.encode(frame))
            self._frames += 1
        for block in self._mixer.take(second):
            self._out.mux(self._audio.encode(block))

    def close(self) -> None:
        """Encode what is left and finish the file. Raises OSError."""
        self._out.mux(self._video.encode(None))
        self._out.mux(self._audio.encode(None))
        self._out.close()


def make(folder: Path, target: Path, report: Report, watermark: str = "", beside: bool = False) -> None:
    """Make the copy of the recording in `folder`. `report` receives the share done; `watermark` is written over both
    pictures; `beside`: a poster and the stretches of speech are made with it. Raises OSError, FFmpegError."""
    written = atomic_files.read_json(folder / MANIFEST)
    if written is None:
        raise FileNotFoundError(f"{folder} has no readable manifest")
    length = max((float(track["seconds"]) for track in written["tracks"]), default=0.0)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = unfinished(target)
    fresh.unlink(missing_ok=True)  # left by an attempt that was broken off
    script = script_of(written, atomic_files.read_lines(folder / TIMELINE))
    for scrap in (target.with_name(poster.MADE), target.with_name(activity.MADE)) if beside else ():
        scrap.unlink(missing_ok=True)
    shown = script._replace(watermark=watermark)
    copy = ViewCopy(fresh, shown, poster.best_moment(script, length) if beside else None)
    for second in _decode(folder / FILM, copy):
        report(min(second / length, 1.0) if length else 1.0)
    copy.write(length)
    copy.close()
    if beside:
        atomic_files.write_json(target.with_name(activity.MADE), copy.activity.to_json())
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(target)
    atomic_files.sync_folder(target.parent)


def script_of(written: dict[str, Any], timeline: list[dict[str, Any]]) -> Script:
    """Return the script of a recording, from its manifest and timeline."""
    zero = datetime.fromisoformat(written["started_at"])
    sides = {side: written["sides"].get(side, {}) for side in ("prison", "visitor")}
    names = [f"{words().of_side(facts.get('title', side))}  {facts.get('site', '')}" for side, facts in sides.items()]
    missing: tuple[list[Span], list[Span]] = ([], [])
    for gap in written["gaps"]:
        if gap["track"] in (0, 2):
            missing[gap["track"] // 2].append(Span(gap["start"], gap["start"] + gap["seconds"]))
    found = coverage(timeline, written) if written.get("tracks") else None
    holds = tuple(_holds(timeline, zero))
    return Script(zero, (names[0], names[1]), holds, (tuple(missing[0]), tuple(missing[1])), found)


def _holds(timeline: list[dict[str, Any]], zero: datetime) -> Iterator[Span]:
    since: float | None = None
    for entry in timeline:
        event = entry.get("event") or {}
        if event.get("kind") not in ("state", "closed") or "at" not in entry:
            continue
        at = (datetime.fromisoformat(entry["at"]) - zero).total_seconds()
        if since is not None and event.get("to") != "held":
            yield Span(since, at)
            since = None
        elif since is None and event.get("to") == "held":
            since = at


def _decode(film: Path, copy: ViewCopy) -> Iterator[float]:
    """Decode packet by packet and yield the second of each. What cannot be decoded is left out, as players do."""
    with av.open(str(film), "r") as source:
        for stream in source.streams:
            stream.codec_context.thread_count = 1
        for packet in source.demux():
            if packet.dts is not None and packet.time_base is not None:
                second = float(packet.dts * packet.time_base)
                copy.write(second - SLACK)
                yield second
            try:
                frames: list[Any] = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if frame.pts is not None and frame.time_base is not None:
                    copy.add(packet.stream_index, frame, float(frame.pts * frame.time_base))


def main(arguments: list[str]) -> int:
    """Make one copy and return the exit code."""
    if len(arguments) != 2:
        print("usage: python -m recorder.viewcopy FOLDER TARGET", file=sys.stderr)
        return 2
    percent = 0

    def report(share: float) -> None:
        nonlocal percent
        if int(share * 100) > percent:
            percent = int(share * 100)
            print(json.dumps({"done": share}), flush=True)

    try:
        make(Path(arguments[0]), Path(arguments[1]), report, beside=True)
    except (OSError, av.FFmpegError, KeyError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0
