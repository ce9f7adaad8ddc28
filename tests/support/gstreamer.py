"""Decodes films with GStreamer, whose MP4 demuxer shares no code with FFmpeg's."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import probe

DECODERS = {"video": "avdec_h264", "audio": "opusdec"}
# Line that the base class of all sinks logs for each buffer, in the thread that delivers it: none is missing.
_BUFFER = re.compile(r"chain_unlocked:<(sink\d+)> got times start: (\S+), end: (\S+)")
# Any error, and any warning of a decoder. The demuxer warns of every box that it does not use.
_TROUBLE = re.compile(r"^.* (?:ERROR .*|WARN +(?:libav|opusdec|audiodecoder|videodecoder)\b.*)$", re.M)


class Decoded(NamedTuple):
    """Output of one track's decoder: the number of buffers, where the first begins and where the last ends
    (seconds)."""

    kind: str
    buffers: int
    start: float
    end: float


def decoded(path: Path) -> list[Decoded]:
    """Decode every track of `path` through qtdemux. Fails where the pipeline ends with an error."""
    if shutil.which("gst-launch-1.0") is None:
        pytest.fail("GStreamer is missing: apt-get install gstreamer1.0-tools", pytrace=False)
    kinds = [stream["codec_type"] for stream in probe.probe(path)["streams"]]
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "qtdemux", "name=film"]
    for index, kind in enumerate(kinds):
        command += _branch(index, f"{kind}_{kinds[:index].count(kind)}", DECODERS[kind])
    environment = os.environ | {"GST_DEBUG": "2,basesink:6", "GST_DEBUG_NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (trouble := _TROUBLE.findall(done.stderr)) == [], trouble
    times = _times(done.stderr)
    return [_summary(kind, times.get(f"sink{index}", [])) for index, kind in enumerate(kinds)]


def _branch(index: int, pad: str, decoder: str) -> list[str]:
    """Return the branch of one track to a sink of its own, without preroll, which waits for tracks that begin later."""
    queue = ["queue", "max-size-time=0", "max-size-bytes=0", "max-size-buffers=0"]
    sink = ["fakesink", f"name=sink{index}", "sync=false", "async=false"]
    return [f"film.{pad}", "!", *queue, "!", decoder, "!", *sink]


def _times(log: str) -> dict[str, list[tuple[float, float]]]:
    """Return (begin, end) of each buffer by sink."""
    found: dict[str, list[tuple[float, float]]] = {}
    for sink, start, end in _BUFFER.findall(log):
        found.setdefault(sink, []).append((_seconds(start), _seconds(end)))
    return found


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _summary(kind: str, times: list[tuple[float, float]]) -> Decoded:
    start = min((begin for begin, _ in times), default=0.0)
    return Decoded(kind, len(times), start, max((end for _, end in times), default=0.0))
