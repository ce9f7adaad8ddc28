"""Footage for Chromium's simulated camera: a drawn room with people in it, in the file format of yuv4mpeg tools."""

from pathlib import Path

import numpy as np

from tests.support.drawn_faces import room_with

SIZE, RATE, PICTURES = (320, 180), 10, 20
"""Pixels, pictures a second, and pictures after which the footage begins again: small, for a machine that codes and
decodes for all rooms and officers at once."""


def footage(path: Path, people: int, size: tuple[int, int] = SIZE, rate: int = RATE, shade: int = 128) -> str:
    """Write footage of so many people in a room of this colour (`shade`: blue difference); return the flag for it."""
    width, height = size
    still, chance = room_with(people, size, half=height / 9).astype(np.int16), np.random.default_rng(people)
    chroma = np.full((2, height // 2, width // 2), 128, np.uint8)
    chroma[0] = shade
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(PICTURES):
            picture = np.clip(still + chance.normal(0, 2, still.shape), 0, 255).astype(np.uint8)
            picture[: height // 20, : width * (number + 1) // PICTURES] = 200  # something moves
            file.write(b"FRAME\n" + picture.tobytes() + chroma.tobytes())
    return f"--use-file-for-fake-video-capture={path}"
