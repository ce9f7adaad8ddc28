"""The hands for media: carries out StartLeg and StopLeg, one attempt per leg, and reports each attempt's fate exactly
once. Holds the room's sources across attempts, and a Viewer per session, so that counts outlive reconnects."""

import asyncio
import logging
import random
from collections.abc import Callable

from av import AudioFrame

from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from kiosk_agent.media.mixer import Input
from kiosk_agent.media.source import RoomSources, SourceError
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.media.talkback import TalkbackListener
from kiosk_agent.state.events import Fact, LegClosed, LegKind, LegLost, LegSilent, LegUp, StartLeg, StopLeg
from kiosk_agent.webrtc.peer import Door, PeerError, publish
from kiosk_agent.webrtc.receiver import Receiver

log = logging.getLogger(__name__)


class MediaSessions:
    """Publication, view and ear of one terminal. `sources_for` opens the room's sources for a side."""

    def __init__(
        self,
        door: Door,
        tell: Callable[[Fact], None],
        sources_for: Callable[[Side], RoomSources],
        side_hint: Side = Side.PRISON,
        speaker: Speaker | None = None,
    ) -> None:
        self.viewer: Receiver | None = None
        """The far room, of the present or the last session."""
        self.ear: TalkbackListener | None = None
        """For what officers say, likewise."""
        self.publications = 0
        self._door, self._tell, self._open = door, tell, sources_for
        self._side, self._sources = side_hint, sources_for(side_hint)
        self._speaker = speaker
        self._tasks: dict[LegKind, asyncio.Task[None]] = {}
        self._turns = dict.fromkeys(LegKind, 0)

    @property
    def sources(self) -> RoomSources:
        """The room's sources as they are now."""
        return self._sources

    def start(self, order: StartLeg) -> None:
        """Begins an attempt; LegUp and LegLost will tell."""
        self._turns[order.leg] = order.turn
        self._tasks[order.leg] = asyncio.create_task(self._attempt(order), name=f"{order.leg}-{order.turn}")

    async def stop(self, order: StopLeg) -> None:
        """Ends the attempt in order and tells LegClosed when nothing of it is left."""
        task = self._tasks.get(order.leg)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._tell(LegClosed(order.leg, order.turn))

    async def close(self) -> None:
        """Ends everything, whatever state it is in."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._sources.close()

    def report_silence(self) -> None:
        """Tells how long the far room has been silent; the machine knows whether that means anything."""
        if self.viewer is not None and self.viewer.watching:
            self._tell(LegSilent(LegKind.WATCH, self._turns[LegKind.WATCH], self.viewer.silent_for()))

    async def _attempt(self, order: StartLeg) -> None:
        try:
            if order.leg is LegKind.SEND:
                await self._publish(order)
            elif order.leg is LegKind.WATCH:
                await self._watch(order)
            else:
                await self._hear(order)
        except VisitError as error:
            log.warning("refused", extra={"leg": order.leg, "session": order.session, "code": error.code})
        except (PeerError, SourceError) as error:
            log.info("not connected", extra={"leg": order.leg, "session": order.session, "error": str(error)})
        except Exception:  # the machine must hear of every end, or it would wait for this attempt for ever
            log.exception("attempt broke", extra={"leg": order.leg, "session": order.session})
        self._tell(LegLost(order.leg, order.turn, random.random()))

    async def _publish(self, order: StartLeg) -> None:
        if order.side is not self._side:
            await self._sources.close()
            self._side, self._sources = order.side, self._open(order.side)
        peer = await publish(self._door, order.session, *self._sources.tracks())
        try:
            self.publications += 1
            self._tell(LegUp(order.leg, order.turn))
            await peer.lost.wait()
        finally:
            await peer.close()

    async def _watch(self, order: StartLeg) -> None:
        if self.viewer is None or self.viewer.session != order.session:
            on_sound = self._speaker.play if self._speaker is not None else None
            self.viewer = Receiver(self._door, order.session, order.side, on_sound=on_sound)
        viewer = self.viewer
        try:
            await viewer.start()
            self._tell(LegUp(order.leg, order.turn))
            await viewer.wait_lost()
        finally:
            await viewer.close()

    async def _hear(self, order: StartLeg) -> None:
        """Open from check-in on, so that an officer's first word is not lost while a connection is made."""
        if self.ear is None or self.ear.session != order.session:
            self.ear = TalkbackListener(self._door, order.session, self._speak)
        try:
            await self.ear.start()
            self._tell(LegUp(order.leg, order.turn))
            await self.ear.wait_lost()
        finally:
            await self.ear.close()

    def _speak(self, frame: AudioFrame) -> None:
        if self._speaker is not None:
            self._speaker.play(frame, Input.OFFICER)
