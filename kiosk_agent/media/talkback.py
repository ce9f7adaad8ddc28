"""The room's ear for officers (插话): one subscription to their voice, read all the time, which is silence's only sign.
What comes goes to the loudspeaker and is counted."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from huijian.demo.synthetic.voice_detector import rms
from kiosk_agent.media.source import mono_samples
from kiosk_agent.webrtc.peer import Door, Subscription, listen

log = logging.getLogger(__name__)

LOUDNESS_OVER = 25
"""Frames of 20 ms that the shown loudness covers."""


class TalkbackListener:
    """Hears what is said to this room in `session`. `start` may be called again; the counts go on."""

    def __init__(self, door: Door, session: str, on_sound: Callable[[AudioFrame], None]) -> None:
        self.session = session
        self.frames = self.connections = 0
        self.heard_at: float | None = None
        """Seconds of the loop's clock of the newest frame."""
        self._door, self._on_sound = door, on_sound
        self._loudness: deque[float] = deque(maxlen=LOUDNESS_OVER)
        self._subscription: Subscription | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects and begins to hear. Raises VisitError or PeerError and stays stopped then."""
        await self.close()
        self._subscription = await listen(self._door, self.session)
        self.connections += 1
        self._reader = asyncio.create_task(self._hear(self._subscription), name="hear-officers")

    async def wait_lost(self) -> None:
        """Returns when the connection has ended by itself."""
        if self._subscription is not None:
            await self._subscription.lost.wait()

    async def close(self) -> None:
        """Leaves: DELETE, connection closed, reader ended. Idempotent."""
        subscription, self._subscription = self._subscription, None
        reader, self._reader = self._reader, None
        try:
            if subscription is not None:
                await subscription.close()
        finally:
            if reader is not None:
                reader.cancel()
                for outcome in await asyncio.gather(reader, return_exceptions=True):
                    if isinstance(outcome, Exception):
                        log.error("hearing broke", exc_info=outcome)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON lines."""
        loudness = sum(self._loudness) / len(self._loudness) if self._loudness else 0.0
        return {"frames": self.frames, "connections": self.connections, "rms": loudness, "heard_at": self.heard_at}

    async def _hear(self, subscription: Subscription) -> None:
        track = subscription.track("audio")
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self.heard(frame)
        except MediaStreamError:
            log.debug("voice ended", extra={"session": self.session})
        finally:
            subscription.lost.set()  # also when the loudspeaker failed: a track that nobody reads grows without end

    def heard(self, frame: AudioFrame) -> None:
        """One decoded frame of an officer's voice."""
        self.frames += 1
        self.heard_at = asyncio.get_running_loop().time()
        self._loudness.append(rms(mono_samples(frame)))
        self._on_sound(frame)
