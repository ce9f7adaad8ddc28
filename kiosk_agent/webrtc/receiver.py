"""Receives one side of a visit by WHEP, decodes picture and sound, and counts packets, frames and times. The kiosk
receives the far room with it; simulated officers of the demonstration and of tests receive both rooms. Both tracks are
read all the time, as aiortc requires; `picture` is the newest picture."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from broker.kernel.errors import VisitError
from kiosk_agent.media.frames import mono_samples, rms
from kiosk_agent.state.state import backoff
from kiosk_agent.webrtc.aiortc_adapter import PacketMeter
from kiosk_agent.webrtc.peer import PeerError, ServerAccess, Subscription, subscribe

log = logging.getLogger(__name__)

_STILL = 0.5
"""Seconds between two frames up to which reception counts as unbroken."""
_LOUDNESS_OVER = 25
"""Frames of 20 ms that the reported loudness covers."""


@dataclass(slots=True)
class Reception:
    """Counts of one kind of media over all connections. Times are seconds of the loop's clock."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    frames: int = 0
    seconds: float = 0.0
    """Seconds of picture (or sound) without breaks longer than half a second."""
    first_packet_at: float | None = None
    last_packet_at: float | None = None
    first_frame_at: float | None = None
    last_frame_at: float | None = None
    bitrate: float = 0.0
    """Rate in bit/s between the last two measurements."""

    def plus(self, meter: PacketMeter, lost: int) -> "Reception":
        """Return these counts plus the packets that one connection's meter has counted."""
        return replace(
            self,
            packets=self.packets + meter.packets,
            octets=self.octets + meter.octets,
            lost=self.lost + lost,
            first_packet_at=self.first_packet_at or meter.first_at,
            last_packet_at=meter.last_at or self.last_packet_at,
        )


@dataclass(slots=True)
class ReceiverStats:
    """Snapshot of a receiver's counts. `first_picture_after` is the seconds from the request to the first picture."""

    video: Reception = field(default_factory=Reception)
    audio: Reception = field(default_factory=Reception)
    rms: float = 0.0
    connections: int = 0
    dropped: int = 0
    first_picture_after: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, for a line of statistics."""
        return asdict(self)


class Receiver:
    """Receiver of `side` of `session`. `start` may be called again after `close` or a loss; the counts go on.

    `on_picture` and `on_sound` get every decoded frame, for a loudspeaker or to inspect it. `page` is the page id of an
    officer who wants to count as present."""

    def __init__(
        self,
        access: ServerAccess,
        session: str,
        side: str,
        on_picture: Callable[[VideoFrame], None] | None = None,
        on_sound: Callable[[AudioFrame], None] | None = None,
        page: str = "",
    ) -> None:
        self.session, self.side, self._page = session, side, page
        self.picture: VideoFrame | None = None
        """Newest decoded picture, None before the first."""
        self._access, self._on_picture, self._on_sound = access, on_picture, on_sound
        self._stats = ReceiverStats()
        self._subscription: Subscription | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._asked_at = 0.0
        self._measured: tuple[float, int, int] | None = None
        self._loudness: list[float] = []

    @property
    def connected(self) -> bool:
        """Whether a connection exists that has not ended by itself."""
        return self._subscription is not None and not self._subscription.lost.is_set()

    def shows(self, within: float) -> bool:
        """Whether a picture was decoded in the last `within` seconds."""
        last = self._stats.video.last_frame_at
        return self.connected and last is not None and asyncio.get_running_loop().time() - last < within

    async def start(self) -> None:
        """Connect and begin to decode. Raises VisitError or PeerError, and is stopped then."""
        await self.close()
        self._asked_at = asyncio.get_running_loop().time()
        self._subscription = await subscribe(self._access, self.session, self.side, self._page)
        self._stats.connections += 1
        self._readers = [
            asyncio.create_task(self._read(self._subscription, "video"), name=f"video-{self.side}"),
            asyncio.create_task(self._read(self._subscription, "audio"), name=f"audio-{self.side}"),
        ]

    async def run(self, silence: float | None = None) -> None:
        """Receive until cancelled: connect again, with growing pauses, after every refusal and loss, and, with
        `silence`, after that many seconds without a packet. A kiosk does not use it: its state machine decides about
        attempts."""
        tries = 0
        try:
            while True:
                try:
                    await self.start()
                    tries = 0
                    await self._wait_lost_or_silent(silence)
                except (VisitError, PeerError) as error:
                    log.info("not receiving", extra={"session": self.session, "side": self.side, "error": error})
                    tries += 1
                await asyncio.sleep(backoff(tries, random.random()))
        finally:
            await self.close()

    async def _wait_lost_or_silent(self, silence: float | None) -> None:
        while self.connected:
            try:
                async with asyncio.timeout(silence):
                    await self.wait_lost()
            except TimeoutError:
                if silence is not None and self.silent_for() >= silence:
                    return

    async def wait_lost(self) -> None:
        """Return when the connection has ended by itself, at once when there is none."""
        if self._subscription is not None:
            await self._subscription.lost.wait()

    async def close(self) -> None:
        """Delete the resource, close the connection and end the readers; the counts are kept. Idempotent."""
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        try:
            await subscription.close()
        finally:
            for reader in self._readers:
                reader.cancel()
            for outcome in await asyncio.gather(*self._readers, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.error("reading a track failed", exc_info=outcome)
            self._stats = await self._with_packets(subscription)
            self._readers = []

    def silent_for(self) -> float:
        """Return the seconds since the last packet of either kind, or since the request when none has come."""
        now = asyncio.get_running_loop().time()
        subscription = self._subscription
        times = [each.last_at for each in subscription.meters.values()] if subscription else []
        return now - max([time for time in times if time is not None], default=self._asked_at)

    async def measure(self) -> ReceiverStats:
        """Return the counts up to now; the rates are those since the previous call."""
        stats = self._stats
        if self._subscription is not None:
            stats = await self._with_packets(self._subscription)
        self._rate(stats)
        stats.rms = float(np.mean(self._loudness)) if self._loudness else 0.0
        return stats

    async def _with_packets(self, subscription: Subscription) -> ReceiverStats:
        """Return the counts before this connection plus those of its meters."""
        lost = await subscription.packets_lost()
        before, meters = self._stats, subscription.meters
        return ReceiverStats(
            video=before.video.plus(meters["video"], lost["video"]),
            audio=before.audio.plus(meters["audio"], lost["audio"]),
            connections=before.connections,
            dropped=before.dropped + subscription.dropped,
            first_picture_after=before.first_picture_after,
        )

    def _rate(self, stats: ReceiverStats) -> None:
        now = asyncio.get_running_loop().time()
        if self._measured is not None and now > self._measured[0]:
            before, video, audio = self._measured
            stats.video.bitrate = (stats.video.octets - video) * 8 / (now - before)
            stats.audio.bitrate = (stats.audio.octets - audio) * 8 / (now - before)
        self._measured = (now, stats.video.octets, stats.audio.octets)

    async def _read(self, subscription: Subscription, kind: str) -> None:
        track = subscription.track(kind)
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self._handle_picture(frame)
                elif isinstance(frame, AudioFrame):
                    self._handle_sound(frame)
        except MediaStreamError:
            log.debug("track ended", extra={"session": self.session, "side": self.side})
        finally:
            subscription.lost.set()  # also when a callback failed: a track that is not read grows without end

    def _handle_picture(self, frame: VideoFrame) -> None:
        now = asyncio.get_running_loop().time()
        if self._stats.first_picture_after is None:
            self._stats.first_picture_after = now - self._asked_at
        self._count(self._stats.video, now)
        self.picture = frame
        if self._on_picture is not None:
            self._on_picture(frame)

    def _handle_sound(self, frame: AudioFrame) -> None:
        self._count(self._stats.audio, asyncio.get_running_loop().time())
        self._loudness = [*self._loudness[1 - _LOUDNESS_OVER :], rms(mono_samples(frame))]
        if self._on_sound is not None:
            self._on_sound(frame)

    @staticmethod
    def _count(kind: Reception, now: float) -> None:
        if kind.first_frame_at is None:
            kind.first_frame_at = now
        elif kind.last_frame_at is not None and now - kind.last_frame_at < _STILL:
            kind.seconds += now - kind.last_frame_at
        kind.frames += 1
        kind.last_frame_at = now
