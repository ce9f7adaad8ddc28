"""What the page hands to the agent for an equipment test: some whole pictures of its camera and some seconds of its
microphone, over loopback and no further. The agent measures them with the same measures as a headless terminal, and
drops them."""

import asyncio
from dataclasses import dataclass

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from kiosk_agent.checks.self_test import Figures, picture_figures, sound_figures, sweep_figures

PICTURES = 8
"""Pictures of one test at most."""
LARGEST_PICTURE = 1920 * 1080
"""Pixels of a picture at most, one byte each."""
LONGEST_SOUND = 10 * 48_000
"""Samples of a recording at most."""
RATES = range(8_000, 96_001)
"""Samples a second that a sound device may have."""


@dataclass(frozen=True, slots=True)
class SoundTest:
    """What the page's equipment test does with sound. `listens`: it records the microphone as it is, without the
    removal of echo and noise; `sweeps`: it also plays a tone and listens for it, which headphones make useless."""

    listens: bool = False
    sweeps: bool = False


NO_SOUND = SoundTest()
"""Sound test of rooms whose sound is not real: only whether there is a microphone, and a device that takes a tone."""


class EquipmentCheck:
    """Pictures and sounds of the test with this `number`. Those of another test are refused."""

    def __init__(self) -> None:
        self._number = 0
        self._pictures: list[NDArray[np.uint8]] = []
        self._sounds: dict[str, tuple[NDArray[np.int16], int]] = {}

    def begin(self, number: int) -> None:
        """Take what belongs to this test from now on; what came before is dropped. 0 is no test."""
        self._number, self._pictures, self._sounds = number, [], {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one picture or recording of the page."""
        if request.match_info["number"] != str(self._number) or not self._number:
            raise web.HTTPGone
        match request.match_info["what"]:
            case "picture" if len(self._pictures) < PICTURES:
                self._pictures.append(await _picture(request))
            case "sound" | "sweep" as what if what not in self._sounds:
                self._sounds[what] = await _sound(request)
            case _:
                raise web.HTTPNotFound
        return web.Response(status=204)

    async def figures(self, rate: float) -> Figures:
        """Return what was measured, and drop it; `rate` is that of the camera, in pictures a second. What did not come
        is left out."""
        pictures, sounds = self._pictures, self._sounds
        self.begin(0)
        return await asyncio.to_thread(_measured, pictures, sounds, rate)


def _measured(
    pictures: list[NDArray[np.uint8]], sounds: dict[str, tuple[NDArray[np.int16], int]], rate: float
) -> Figures:
    found: dict[str, float] = {}
    if len(pictures) > 1:
        found |= picture_figures(pictures, rate)
    if "sound" in sounds:
        found |= sound_figures(*sounds["sound"])
    if "sweep" in sounds:
        found |= sweep_figures(*sounds["sweep"])
    return found


async def _picture(request: web.Request) -> NDArray[np.uint8]:
    width, height = _number(request, "width"), _number(request, "height")
    if not 0 < width * height <= LARGEST_PICTURE:
        raise web.HTTPRequestEntityTooLarge(LARGEST_PICTURE, width * height)
    return np.frombuffer(await _body(request, width * height), np.uint8).reshape(height, width)


async def _sound(request: web.Request) -> tuple[NDArray[np.int16], int]:
    rate, count = _number(request, "rate"), _number(request, "count")
    if rate not in RATES:
        raise web.HTTPBadRequest
    if not 0 < count <= LONGEST_SOUND:
        raise web.HTTPRequestEntityTooLarge(LONGEST_SOUND, count)
    return np.frombuffer(await _body(request, 2 * count), "<i2").astype(np.int16), rate


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 7:
        raise web.HTTPBadRequest
    return int(text)


async def _body(request: web.Request, size: int) -> bytes:
    """Return a body of exactly this size."""
    if request.content_length != size:
        raise web.HTTPBadRequest
    try:
        return await request.content.readexactly(size)
    except asyncio.IncompleteReadError:
        raise web.HTTPBadRequest from None
