"""Reports what the terminal finds in its own picture and sound to the server while it sends: at every change, and
regularly in case a report was lost. It examines the frames that are sent and takes none away; counting faces is done in
a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from av import AudioFrame, VideoFrame

from kiosk_agent.checks.people_count import PeopleCount
from kiosk_agent.checks.picture_monitor import PictureMonitor, sample
from kiosk_agent.media.frames import Frame, luma, mono_samples, rms
from kiosk_agent.media.source import RoomSources
from signaling.api.messages.socket import Observed

SOUND_EVERY = 0.1  # seconds between looks at the sound: a word is longer
PICTURE_EVERY = 1.0  # seconds between looks at the picture
COUNT_EVERY = 3.0  # seconds between counts of faces
REPEAT_EVERY = 10.0  # seconds after which an unchanged report is sent again


@dataclass(frozen=True, slots=True)
class Sending:
    """What this room sends now: into which session, whether people are counted in it, from which sources, and whether
    the people sign."""

    session: str
    counts: bool
    sources: RoomSources
    signed: bool = False


class Monitor:
    """Monitor of what a room sends. `sending` returns what is sent now, None for nothing; `send` sends one report."""

    def __init__(self, sending: Callable[[], Sending | None], send: Callable[[Observed], Awaitable[None]]) -> None:
        self._sending, self._send = sending, send
        self._counting: PeopleCount | None = None
        self._reset(None)

    async def run(self) -> None:
        """Examine and report until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SOUND_EVERY)
            sending = self._sending()
            if sending is None or sending.session != self._session:
                self._reset(sending.session if sending is not None else None)
            if sending is not None:
                await self._observe(sending, loop.time())

    def _reset(self, session: str | None) -> None:
        """Forget everything: nothing from another visit, or from before a break, counts for this one."""
        self._session, self._pictures = session, PictureMonitor()
        self._last_sound: Frame | None = None
        self._last_picture: Frame | None = None
        self._looked_at = self._counted_at = self._sent_at = float("-inf")
        self._heads: int | None = None
        self._sent: Observed | None = None
        if self._counting is not None:
            self._counting.forget()

    async def _observe(self, sending: Sending, now: float) -> None:
        self._look_at_sound(sending.sources.audio.last, now)
        if now - self._looked_at < PICTURE_EVERY:
            return
        self._looked_at = now
        picture = sending.sources.video.last
        self._look_at_picture(picture, now)
        if not sending.counts:
            self._heads = None
        elif now - self._counted_at >= COUNT_EVERY and isinstance(picture, VideoFrame):
            self._counted_at = now
            self._heads = await asyncio.to_thread(self._count, picture)
        await self._report(sending, now)

    def _look_at_sound(self, sound: Frame | None, now: float) -> None:
        new = sound if sound is not self._last_sound else None
        self._last_sound = sound
        self._pictures.look_at_sound(rms(mono_samples(new)) if isinstance(new, AudioFrame) else None, now)

    def _look_at_picture(self, picture: Frame | None, now: float) -> None:
        new = picture if picture is not self._last_picture else None
        self._last_picture = picture
        self._pictures.look_at_picture(sample(luma(new)) if isinstance(new, VideoFrame) else None, now)

    def _count(self, picture: VideoFrame) -> int | None:
        if self._counting is None:  # reading the cascade takes time, and many terminals never need it
            self._counting = PeopleCount()
        return self._counting.look(luma(picture))

    async def _report(self, sending: Sending, now: float) -> None:
        found = Observed(
            session=sending.session,
            black=self._pictures.black(now),
            frozen=self._pictures.frozen(now),
            silent=self._pictures.silent(now) and not sending.signed,
            heads=self._heads,
        )
        if found != self._sent or now - self._sent_at >= REPEAT_EVERY:
            self._sent, self._sent_at = found, now
            await self._send(found)
