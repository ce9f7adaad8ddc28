"""Frame code: a row of black and white blocks along the top edge of a picture that encodes side and frame number. It
survives H.264, scaling and the loss of colour, so that tests and the demonstration know which picture of which room
they received, and how long it took."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from broker.kernel.ids import Side

BLOCKS = 32
ROW_SHARE = 12
"""Height of the picture divided by the height of the row."""
NUMBERS = 1 << 20
"""Modulus of the frame numbers: 11.6 hours at 25 frames a second."""

_SYNC = 0b1010
_SIDES = {Side.PRISON: 0b01, Side.VISITOR: 0b10}
_SIDE_OF = {value: side for side, value in _SIDES.items()}
_BLACK, _WHITE = 16, 235  # limited-range luma
_CONTRAST = 60  # half of what is drawn: less is no frame code, or a damaged picture


@dataclass(frozen=True, slots=True)
class FrameCode:
    """Side and number of a frame; `number` counts from the source's first frame, modulo NUMBERS."""

    side: Side
    number: int


def _check_bits(value: int) -> int:
    """Return the CRC-6 (x^6+x+1) of the 22 bits of side and number, which detects the burst of a macroblock error."""
    for bit in range(21, -1, -1):
        if value >> (bit + 6) & 1:
            value ^= 0b1000011 << bit
    return value & 0b111111


def _word(code: FrameCode) -> int:
    """Return the 32 bits of the row: sync 4, side 2, number 20, check 6."""
    body = _SIDES[code.side] << 20 | code.number % NUMBERS
    return _SYNC << 28 | body << 6 | _check_bits(body << 6)


def draw(luma: NDArray[np.uint8], code: FrameCode) -> None:
    """Draw the row into `luma` (height x width, at least 24 x 128), in place."""
    height, width = luma.shape
    bits = np.unpackbits(np.frombuffer(_word(code).to_bytes(4, "big"), np.uint8))
    columns = np.arange(width) * BLOCKS // width
    luma[: height // ROW_SHARE] = np.where(bits[columns] == 1, _WHITE, _BLACK).astype(np.uint8)


def code_in(picture: NDArray[np.uint8]) -> FrameCode | None:
    """Return the frame code of a picture, None where there is none or it is damaged.

    `picture`: luma (height x width) or colour (height x width x 3, RGB or BGR: the blocks are grey, so either does).
    """
    row = picture[: picture.shape[0] // ROW_SHARE]
    if row.ndim == 3:
        row = row[:, :, 1]
    if row.shape[0] < 2 or row.shape[1] < BLOCKS * 2:
        return None
    means = _block_means(row)
    darkest, brightest = float(means.min()), float(means.max())
    if brightest - darkest < _CONTRAST:
        return None
    word = int.from_bytes(np.packbits(means > (darkest + brightest) / 2).tobytes(), "big")
    return _decoded(word)


def _block_means(row: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean brightness of the inner half of each block, as compression blurs the edges."""
    height = row.shape[0]
    inner = row[height // 4 : max(height * 3 // 4, height // 4 + 1)]
    quarters = cv2.resize(inner, (BLOCKS * 4, 1), interpolation=cv2.INTER_AREA).reshape(BLOCKS, 4)
    means: NDArray[np.float32] = quarters[:, 1:3].mean(axis=1, dtype=np.float32)
    return means


def _decoded(word: int) -> FrameCode | None:
    body = word >> 6 & 0x3FFFFF
    side = _SIDE_OF.get(body >> 20)
    if word >> 28 != _SYNC or word & 0b111111 != _check_bits(body << 6) or side is None:
        return None
    return FrameCode(side, body & NUMBERS - 1)
