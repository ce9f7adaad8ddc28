"""Looks at films with the independent ffprobe and ffmpeg commands."""

import json
import subprocess
from pathlib import Path
from typing import Any


def probe(path: Path) -> dict[str, Any]:
    """Streams and format as ffprobe sees them. Fails where it complains."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def lengths(path: Path) -> list[float]:
    """Where each track ends, in seconds from the film's zero."""
    return [float(stream["start_time"]) + float(stream["duration"]) for stream in probe(path)["streams"]]


def times(path: Path, track: int) -> list[float]:
    """The presentation time of each packet of a track."""
    what = ["-select_streams", str(track), "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    done = subprocess.run(["ffprobe", "-v", "error", *what, str(path)], capture_output=True, text=True, check=True)
    return [float(line.strip(",")) for line in done.stdout.split()]


def complaints(path: Path) -> str:
    """What ffmpeg says while decoding every track to the end; empty is good."""
    # Without a time base of its own ffmpeg guesses a frame rate, and complains where a long gap made it guess badly.
    exact = ["-map", "0", "-enc_time_base:v", "1:90000", "-f", "null", "-"]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), *exact]
    return subprocess.run(command, capture_output=True, text=True).stderr
