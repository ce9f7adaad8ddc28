"""Mixes the far room and an officer's talkback (插话) for the loudspeaker. Frames of both arrive independently on the
event loop; one thread takes them mixed. While only one input has sound, it is not delayed."""

import threading
from collections import deque
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from broker.kernel.clock import monotonic
from kiosk_agent.media.frames import CHUNK, RATE

WAITING = 10
"""Frames of each input that may wait: 200 ms. Later sound is dropped, because a conversation cannot catch up."""
PERIOD = CHUNK / RATE
"""Seconds of one frame."""
RUNNING = 3 * PERIOD
"""Seconds since its last frame for which an input counts as running: both are then played together."""
DUCKED = 0.3
"""Gain of the far room during talkback, so that the officer is understood."""
Samples = NDArray[np.int16]


class Input(Enum):
    """Input of the mixer: the far room, or officers' talkback."""

    ROOM = "room"
    OFFICER = "officer"


class Mixer:
    """Mixer of two bounded queues. The event loop calls `put` and `close`, the playing thread `take`."""

    def __init__(self) -> None:
        self._queues: dict[Input, deque[Samples]] = {source: deque() for source in Input}
        self._last = dict.fromkeys(Input, float("-inf"))
        self._changed = threading.Condition()
        self._closing = False

    def put(self, source: Input, samples: Samples) -> bool:
        """Queue one frame; return False when it had to be dropped."""
        with self._changed:
            self._last[source] = monotonic()
            if len(self._queues[source]) >= WAITING:
                return False
            self._queues[source].append(samples)
            self._changed.notify()
            return True

    def close(self) -> None:
        """Let `take` return what is queued, then None."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def take(self) -> Samples | None:
        """Wait for the next frame and return it mixed; None once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or any(self._queues.values()))
            late = [source for source in Input if not self._queues[source] and self._running(source)]
            if late and not self._closing:
                self._changed.wait_for(lambda: self._closing or all(self._queues[source] for source in late), PERIOD)
            frames = {source: queue.popleft() for source, queue in self._queues.items() if queue}
        return mixed(frames) if frames else None

    def _running(self, source: Input) -> bool:
        return monotonic() - self._last[source] < RUNNING


def mixed(frames: dict[Input, Samples]) -> Samples:
    """Return one or two frames as one, as long as the longer one, without overflow."""
    if len(frames) == 1:
        return next(iter(frames.values()))
    room, officer = frames[Input.ROOM], frames[Input.OFFICER]
    total = np.zeros(max(len(room), len(officer)), np.float32)
    total[: len(room)] += room * np.float32(DUCKED)
    total[: len(officer)] += officer
    return np.clip(total, -32768, 32767).astype(np.int16)
