"""Short clips of a visiting room with known faults, generated from seeds: pictures as brightness planes with sensor
noise, sound as 16 bit samples at 48 kHz. Real photographs of scikit-image stand in for further rooms."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
Clip = list[Luma]
Sound = NDArray[np.int16]

RATE = 48_000
PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
SIZES = ((320, 240), (640, 360), (704, 576), (1280, 720))
FRAMES = 8
REFERENCE = 640  # columns for which radii are told


def room(width: int, height: int) -> NDArray[np.float32]:
    """Draw a wall, a table, a poster, and a person's head and shoulders before them, in luma."""
    picture = np.full((height, width), 130.0, np.float32)
    picture += np.linspace(25, -25, width, dtype=np.float32)  # the light comes from the left

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * width), round(y * height)

    cv2.rectangle(picture, at(0.05, 0.1), at(0.25, 0.4), 190.0, -1)
    for line in range(6):
        cv2.line(picture, at(0.07, 0.14 + line * 0.04), at(0.23, 0.14 + line * 0.04), 70.0, max(1, width // 400))
    cv2.rectangle(picture, at(0.0, 0.85), at(1.0, 1.0), 80.0, -1)
    cv2.ellipse(picture, at(0.5, 0.95), (round(0.18 * width), round(0.3 * height)), 0, 180, 360, 60.0, -1)
    cv2.ellipse(picture, at(0.5, 0.5), (round(0.07 * width), round(0.16 * height)), 0, 0, 360, 165.0, -1)
    for x in (0.47, 0.53):
        cv2.circle(picture, at(x, 0.47), max(1, width // 130), 60.0, -1)
    cv2.line(picture, at(0.47, 0.58), at(0.53, 0.58), 100.0, max(1, width // 250))
    return cv2.GaussianBlur(picture, (0, 0), 0.6)  # no lens draws edges without width


@cache
def photograph(name: str, width: int, height: int) -> NDArray[np.float32]:
    """Return a photograph in luma, cut to this size."""
    image = cv2.imread(str(Path(skimage.__file__).parent / "data" / name), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    scale = max(width / image.shape[1], height / image.shape[0])
    size = (int(image.shape[1] * scale) + 1, int(image.shape[0] * scale) + 1)
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=kind)[:height, :width].astype(np.float32) * (219 / 255) + 16


def clip(scene: NDArray[np.float32], noise: float = 2.0, light: float = 1.0, seed: int = 1) -> Clip:
    """Return pictures of a scene with noise of this standard deviation, under `light` times as much light."""
    chance = np.random.default_rng(seed)
    lit = (scene - 16) * light + 16
    return [np.clip(lit + chance.normal(0, noise, scene.shape), 0, 255).astype(np.uint8) for _ in range(FRAMES)]


def blurred(scene: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Return the scene out of focus by this radius in pixels of a picture of 640 columns."""
    return cv2.GaussianBlur(scene, (0, 0), radius * scene.shape[1] / REFERENCE, borderType=cv2.BORDER_REPLICATE)


def frozen(pictures: Sequence[Luma]) -> Clip:
    """Return the first picture again and again."""
    return [pictures[0]] * len(pictures)


def against_window(scene: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scene with a bright window behind the person, exposed for the window."""
    height, width = scene.shape
    dark = (scene - 16) * 0.25 + 16
    window = np.zeros((height, width), np.bool_)
    window[: round(height * 0.8), round(width * 0.1) : round(width * 0.9)] = True
    person = np.zeros((height, width), np.uint8)
    cv2.ellipse(person, (width // 2, height), (round(0.2 * width), round(0.75 * height)), 0, 0, 360, 1, -1)
    return np.where(window & (person == 0), np.float32(250), dark).astype(np.float32)


def tone(frequency: float, seconds: float, amplitude: float) -> NDArray[np.float64]:
    """Return a sine of this amplitude (full scale 1.0)."""
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def hiss(seconds: float, amplitude: float, seed: int = 1) -> NDArray[np.float64]:
    """Return white noise of this standard deviation, as microphones have."""
    return np.random.default_rng(seed).normal(0, amplitude, round(seconds * RATE))


def talk(seconds: float, amplitude: float, seed: int = 1) -> NDArray[np.float64]:
    """Return something like speech: syllables of a pitch that moves, with harmonics and pauses, over hiss."""
    chance = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * time + chance.uniform(0, 6)) + 8 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = sum(np.sin(number * phase) / number for number in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time + chance.uniform(0, 6)) + 0.3, 0, 1)
    return amplitude * wave * syllables / 2 + hiss(seconds, 0.0005, seed)


def samples(sound: NDArray[np.float64]) -> Sound:
    """Return the sound as 16 bit samples; what is too loud is clipped, as converters do."""
    return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)


def through_air(
    sound: NDArray[np.float64], delay: float, gain: float, seconds: float, noise: Callable[[float], NDArray[np.float64]]
) -> Sound:
    """Return what a microphone hears of a loudspeaker: `delay` seconds later, with two echoes, over `noise`."""
    mixed = noise(seconds)
    for extra, part in ((0.0, 1.0), (0.011, 0.4), (0.023, 0.25)):
        start = round((delay + extra) * RATE)
        end = min(len(mixed), start + len(sound))
        mixed[start:end] += sound[: end - start] * gain * part
    return samples(mixed)
