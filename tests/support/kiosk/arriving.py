"""What arrives of a room's picture: sizes and rate at the far page, and in the recording, which ffprobe reads. The film
that the camera shows is as large as a real camera's, and its people move their hands."""

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.async_api import Page

from tests.support.drawn_faces import room_with

CAMERA, RATE, PICTURES = (1280, 720), 25, 50
"""Pixels and pictures a second of the camera, and pictures after which its film begins again."""
LEAST = (704, 576)
"""Least width and height of pictures (Yunnan 12, 4CIF)."""
SIGNING = [
    {"id": "inmate-1", "side": "prison", "name": "甲"},
    {"id": "kin-1", "side": "visitor", "name": "乙", "relation": "母亲"},
    {"id": "sign-1", "side": "visitor", "name": "丙", "role": "interpreter"},
]
"""People of a visit in sign language, whose interpreter is one of them."""
COUNTS = """async (direction) => {
    const found = { audio: {}, video: {} };
    for (const connection of connections) {
        for (const stats of (await connection.getStats()).values()) {
            if (stats.type === direction) found[stats.kind] = { ...found[stats.kind], ...stats };
        }
    }
    return found;
}"""
"""Script that returns the counts of what a page sends or receives, newest connection last; see CONNECTIONS."""
Counts = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a recording: when it is shown (seconds of the film), and its pixels."""

    at: float
    size: tuple[int, int]


def signing_film(path: Path, people: int = 2, rate: int = RATE) -> str:
    """Write footage of people in a room whose hands move all the time; return the browser's flag for it."""
    width, height = CAMERA
    still, chance = room_with(people, CAMERA, half=height / 9).astype(np.int16), np.random.default_rng(people)
    noise = [chance.normal(0, 2, still.shape) for _ in range(3)]
    chroma = np.full(width * height // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(PICTURES):
            picture = np.clip(still + noise[number % len(noise)], 0, 255).astype(np.uint8)
            for hand in range(2 * people):
                turn = 2 * np.pi * (number / PICTURES * (2 + hand % 2) + hand / 3)
                at = (
                    (hand + 0.5) * width / (2 * people) + height / 12 * np.cos(turn),
                    height * (0.7 + 0.12 * np.sin(turn)),
                )
                cv2.ellipse(
                    picture, (int(at[0]), int(at[1])), (height // 24, height // 14), np.degrees(turn), 0, 360, 190, -1
                )
            file.write(b"FRAME\n" + picture.tobytes() + chroma)
    return f"--use-file-for-fake-video-capture={path}"


async def counts(page: Page, direction: str = "inbound-rtp") -> Counts:
    """Return the counts of a page's sound and picture."""
    return dict(await page.evaluate(COUNTS, direction))


def fits(size: tuple[int, int]) -> bool:
    """Whether a picture has 704×576 pixels or more."""
    return size[0] >= LEAST[0] and size[1] >= LEAST[1]


def size_of(counted: Counts) -> tuple[int, int]:
    """Return the size of the newest picture that has arrived."""
    return int(counted["video"].get("frameWidth", 0)), int(counted["video"].get("frameHeight", 0))


def pictures_in(film: Path, track: int) -> list[Picture]:
    """Return the pictures of a track of a recording in order."""
    what = ["-select_streams", str(track), "-show_entries", "frame=pts_time,width,height", "-of", "csv=p=0"]
    done = subprocess.run(["ffprobe", "-v", "error", *what, str(film)], capture_output=True, text=True, check=True)
    rows = [line.split(",") for line in done.stdout.split()]
    return [Picture(float(row[0]), (int(row[1]), int(row[2]))) for row in rows if len(row) > 2]


def most_common(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the size that most pictures have; none of no pictures."""
    return Counter(sizes).most_common(1)[0][0] if sizes else (0, 0)
