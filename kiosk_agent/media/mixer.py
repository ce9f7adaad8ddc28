"""What the loudspeaker plays when two speak at once: the far room, and over it an officer (插话). Frames of both come
in their own time from the event loop, one thread takes them mixed. While only one is there, nobody waits."""

import threading
from collections import deque
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from broker.kernel.clock import monotonic
from huijian.demo.synthetic.voice import CHUNK, RATE

WAITING = 10
"""Frames of each that may wait: 200 ms. Late sound is dropped, because a conversation cannot catch up."""
PERIOD = CHUNK / RATE
RUNNING = 3 * PERIOD
"""A source that gave something so lately is about to give more: then both are played together."""
UNDER = 0.3
"""How loud the far room is while an officer speaks: he has to be understood."""
Samples = NDArray[np.int16]


class Input(Enum):
    """Who can be heard."""

    ROOM = "room"
    OFFICER = "officer"


class Mix:
    """Two bounded queues and what comes out of them. `put` and `close` are the loop's, `take` the thread's."""

    def __init__(self) -> None:
        self._queues: dict[Input, deque[Samples]] = {one: deque() for one in Input}
        self._last = dict.fromkeys(Input, float("-inf"))
        self._there = threading.Condition()
        self._closing = False

    def put(self, source: Input, samples: Samples) -> bool:
        """Queue one frame; False when it had to be dropped."""
        with self._there:
            self._last[source] = monotonic()
            if len(self._queues[source]) >= WAITING:
                return False
            self._queues[source].append(samples)
            self._there.notify()
            return True

    def close(self) -> None:
        """`take` gives what is there, then None."""
        with self._there:
            self._closing = True
            self._there.notify()

    def take(self) -> Samples | None:
        """The next frame, mixed; waits for one. None once closed and empty."""
        with self._there:
            self._there.wait_for(lambda: self._closing or any(self._queues.values()))
            late = [source for source in Input if not self._queues[source] and self._running(source)]
            if late and not self._closing:
                self._there.wait_for(lambda: self._closing or all(self._queues[one] for one in late), PERIOD)
            there = {source: queue.popleft() for source, queue in self._queues.items() if queue}
        return mixed(there) if there else None

    def _running(self, source: Input) -> bool:
        return monotonic() - self._last[source] < RUNNING


def mixed(there: dict[Input, Samples]) -> Samples:
    """Both as one, as long as the longer one, without overflow."""
    if len(there) == 1:
        return next(iter(there.values()))
    room, officer = there[Input.ROOM], there[Input.OFFICER]
    total = np.zeros(max(len(room), len(officer)), np.float32)
    total[: len(room)] += room * np.float32(UNDER)
    total[: len(officer)] += officer
    return np.clip(total, -32768, 32767).astype(np.int16)
