"""Receives what officers say to the room (插话): one subscription, open from check-in to the end of the visit. Most of
the time nothing is sent on it. What arrives goes to the loudspeaker and is counted."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from kiosk_agent.media.frames import mono_samples, rms
from kiosk_agent.webrtc.peer import ServerAccess, Subscription, subscribe_talkback

log = logging.getLogger(__name__)

LOUDNESS_OVER = 25
"""Frames of 20 ms that the reported loudness covers."""


class TalkbackReceiver:
    """Receives talkback to this room in `session`. `start` may be called again after a loss; the counts go on."""

    def __init__(self, access: ServerAccess, session: str, on_sound: Callable[[AudioFrame], None]) -> None:
        self.session = session
        self.frames = self.connections = 0
        self.received_at: float | None = None
        """Seconds of the loop's clock at the newest frame."""
        self._access, self._on_sound = access, on_sound
        self._loudness: deque[float] = deque(maxlen=LOUDNESS_OVER)
        self._subscription: Subscription | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and begin to decode. Raises VisitError or PeerError, and is stopped then."""
        await self.close()
        self._subscription = await subscribe_talkback(self._access, self.session)
        self.connections += 1
        self._reader = asyncio.create_task(self._read(self._subscription), name="read-talkback")

    async def wait_lost(self) -> None:
        """Return when the connection has ended by itself."""
        if self._subscription is not None:
            await self._subscription.lost.wait()

    async def close(self) -> None:
        """Delete the resource, close the connection and end the reader. Idempotent."""
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
                        log.error("reading talkback failed", exc_info=outcome)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, for a line of statistics."""
        loudness = sum(self._loudness) / len(self._loudness) if self._loudness else 0.0
        return {"frames": self.frames, "connections": self.connections, "rms": loudness, "heard_at": self.received_at}

    def handle_frame(self, frame: AudioFrame) -> None:
        """Count one decoded frame and pass it to the loudspeaker."""
        self.frames += 1
        self.received_at = asyncio.get_running_loop().time()
        self._loudness.append(rms(mono_samples(frame)))
        self._on_sound(frame)

    async def _read(self, subscription: Subscription) -> None:
        track = subscription.track("audio")
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self.handle_frame(frame)
        except MediaStreamError:
            log.debug("talkback ended", extra={"session": self.session})
        finally:
            subscription.lost.set()  # also when the loudspeaker failed: a track that is not read grows without end
