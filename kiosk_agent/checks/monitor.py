"""What the terminal finds in its own picture and sound, told to the server while it sends: at every change, and now and
then in case it was not heard. It looks at frames that go by and takes none away; counting faces is done in a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from av import AudioFrame, VideoFrame

from huijian.demo.synthetic.voice_detector import rms
from kiosk_agent.checks.people_count import PeopleCount
from kiosk_agent.checks.picture_monitor import PictureMonitor, glance
from kiosk_agent.media.source import Frame, RoomSources, luma, mono_samples
from signaling.api.messages import Observed

HEAR = 0.1  # seconds between looks at the sound: a word is longer
LOOK = 1.0  # and at the picture
COUNT = 3.0  # and for faces
REPEAT = 10.0  # after which the same is said again


@dataclass(frozen=True, slots=True)
class Sending:
    """That this room sends into a session, whether people are to be counted in it, and where its frames come from."""

    session: str
    counts: bool
    sources: RoomSources


class Monitor:
    """Looks for ever. `sending` says what is sent now, None for nothing; `say` sends one message."""

    def __init__(self, sending: Callable[[], Sending | None], say: Callable[[Observed], Awaitable[None]]) -> None:
        self._sending, self._say = sending, say
        self._counting: PeopleCount | None = None
        self._begin(None)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(HEAR)
            sending = self._sending()
            if sending is None or sending.session != self._session:
                self._begin(sending.session if sending is not None else None)
            if sending is not None:
                await self._observe(sending, loop.time())

    def _begin(self, session: str | None) -> None:
        """Nothing of another visit, or from before a break, counts for this one."""
        self._session, self._noticing = session, PictureMonitor()
        self._heard: Frame | None = None
        self._seen: Frame | None = None
        self._looked_at = self._counted_at = self._said_at = float("-inf")
        self._heads: int | None = None
        self._said: Observed | None = None
        if self._counting is not None:
            self._counting.forget()

    async def _observe(self, sending: Sending, now: float) -> None:
        self._hear(sending.sources.audio.last, now)
        if now - self._looked_at < LOOK:
            return
        self._looked_at = now
        picture = sending.sources.video.last
        self._look(picture, now)
        if not sending.counts:
            self._heads = None
        elif now - self._counted_at >= COUNT and isinstance(picture, VideoFrame):
            self._counted_at = now
            self._heads = await asyncio.to_thread(self._count, picture)
        await self._tell(sending.session, now)

    def _hear(self, sound: Frame | None, now: float) -> None:
        new = sound if sound is not self._heard else None
        self._heard = sound
        self._noticing.hear(rms(mono_samples(new)) if isinstance(new, AudioFrame) else None, now)

    def _look(self, picture: Frame | None, now: float) -> None:
        new = picture if picture is not self._seen else None
        self._seen = picture
        self._noticing.look(glance(luma(new)) if isinstance(new, VideoFrame) else None, now)

    def _count(self, picture: VideoFrame) -> int | None:
        if self._counting is None:  # the cascade is read when it is first needed, which for many terminals is never
            self._counting = PeopleCount()
        return self._counting.look(luma(picture))

    async def _tell(self, session: str, now: float) -> None:
        found = Observed(
            session=session,
            black=self._noticing.black(now),
            frozen=self._noticing.frozen(now),
            silent=self._noticing.silent(now),
            heads=self._heads,
        )
        if found != self._said or now - self._said_at >= REPEAT:
            self._said, self._said_at = found, now
            await self._say(found)
