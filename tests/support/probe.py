"""Examines films with the ffprobe and ffmpeg commands, which share no code with the recorder."""

import json
import subprocess
from pathlib import Path
from typing import Any


def probe(path: Path) -> dict[str, Any]:
    """Return streams and format as ffprobe reads them. Fails where ffprobe reports an error."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def lengths(path: Path) -> list[float]:
    """Return where each track ends, in seconds from the film's zero."""
    return [float(stream["start_time"]) + float(stream["duration"]) for stream in probe(path)["streams"]]


def times(path: Path, track: int) -> list[float]:
    """Return the presentation time of each packet of a track."""
    what = ["-select_streams", str(track), "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    done = subprocess.run(["ffprobe", "-v", "error", *what, str(path)], capture_output=True, text=True, check=True)
    return [float(line.strip(",")) for line in done.stdout.split()]


def decoded(path: Path, track: int) -> int:
    """Return how many pictures of a track ffprobe decodes."""
    what = ["-count_frames", "-select_streams", str(track), "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
    done = subprocess.run(["ffprobe", "-v", "error", *what, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout.strip().strip(","))


def corrupt(path: Path) -> int:
    """Return how many packets ffprobe flags as corrupt."""
    what = ["-show_entries", "packet=flags", "-of", "csv=p=0"]
    done = subprocess.run(["ffprobe", "-v", "error", *what, str(path)], capture_output=True, text=True, check=True)
    return sum("C" in line for line in done.stdout.split())


def complaints(path: Path) -> str:
    """Return the errors that ffmpeg reports while decoding every track to the end; empty for a good film."""
    # Without a given time base ffmpeg guesses a frame rate, and reports an error where a long gap misleads it.
    exact = ["-map", "0", "-enc_time_base:v", "1:90000", "-f", "null", "-"]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), *exact]
    return subprocess.run(command, capture_output=True, text=True).stderr
