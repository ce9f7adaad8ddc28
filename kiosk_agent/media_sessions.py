"""Runs the media connections of one terminal: carries out StartMedia and StopMedia, one attempt of each kind at a time,
and reports the end of each attempt exactly once. It keeps the room's sources across attempts, and one receiver for each
visit, so that the counts survive reconnects."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from kiosk_agent.checks.monitor import Monitor, Sending
from kiosk_agent.checks.self_test import SelfTestResult, self_test
from kiosk_agent.media.drill_card import drill_sources
from kiosk_agent.media.mixer import Input
from kiosk_agent.media.source import RoomSources, SourceError
from kiosk_agent.media.sources import SourceFactory
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.media.talkback import TalkbackReceiver
from kiosk_agent.media_executor import ObservedRoom
from kiosk_agent.state.events import (
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    StartMedia,
    StopMedia,
)
from kiosk_agent.webrtc.peer import PeerError, ServerAccess, publish
from kiosk_agent.webrtc.receiver import Receiver, ReceiverStats
from signaling.api.messages.socket import Observed

log = logging.getLogger(__name__)


class MediaSessions:
    """Publication, subscription to the far room, and talkback of one terminal: the media executor in this process.

    `report` takes the facts; `open_room` opens the room's sources for a side, the first time for `side_hint`."""

    def __init__(
        self,
        access: ServerAccess,
        report: Callable[[Fact], None],
        open_room: SourceFactory,
        side_hint: Side = Side.PRISON,
        speaker: Speaker | None = None,
    ) -> None:
        self.receiver: Receiver | None = None
        """Receives the far room in the present or the last visit."""
        self.talkback: TalkbackReceiver | None = None
        """Receives what officers say to this room, likewise."""
        self.publications = 0
        self._access, self._report, self._open_room = access, report, open_room
        self._side, self._sources = side_hint, open_room(side_hint)
        self._speaker = speaker
        self._in_drill = False
        self._tasks: dict[MediaKind, asyncio.Task[None]] = {}
        self._attempts = dict.fromkeys(MediaKind, 0)

    @property
    def sources(self) -> RoomSources:
        """The room's sources as they are now."""
        return self._sources

    def start(self, order: StartMedia) -> None:
        """Begin an attempt; MediaConnected and MediaLost report how it goes."""
        self._attempts[order.kind], self._in_drill = order.attempt, order.drill
        self._tasks[order.kind] = asyncio.create_task(self._attempt(order), name=f"{order.kind}-{order.attempt}")

    async def stop(self, order: StopMedia) -> None:
        """End the attempt in order, then report MediaClosed once nothing of it is left."""
        task = self._tasks.get(order.kind)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._report(MediaClosed(order.kind, order.attempt))

    async def close(self) -> None:
        """End every attempt, whatever its state, and close the sources."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._sources.close()
        if self._speaker is not None:
            await asyncio.to_thread(self._speaker.close)

    async def self_test(self, publishing: bool) -> SelfTestResult:
        """Test the equipment; while the room is `publishing`, by the frames that are sent. A drill sends none of the
        room's."""
        publishing = publishing and not self._in_drill
        return await self_test(self._sources, publishing, self._access, self._chime if self._speaker else None)

    async def observe(
        self, observing: Callable[[], ObservedRoom | None], send: Callable[[Observed], Awaitable[None]]
    ) -> None:
        """Examine the frames that are sent, and report what is found, until cancelled."""

        def sending() -> Sending | None:
            now = observing()
            return None if now is None else Sending(now.session, now.counts, self._sources, now.signed)

        await Monitor(sending, send).run()

    async def measure(self) -> dict[str, Any]:
        """Return all counts: `far` is what came of the far room in the present or last visit, `voice` what came of
        talkback."""
        receiver, sources = self.receiver, self._sources
        far = await receiver.measure() if receiver is not None else ReceiverStats()
        return {
            "session": receiver.session if receiver is not None else None,
            "publications": self.publications,
            "sent": {
                kind: {"frames": source.frames, "skipped": source.skipped}
                for kind, source in (("video", sources.video), ("audio", sources.audio))
            },
            "far": far.as_dict(),
            "voice": self.talkback.as_dict() if self.talkback is not None else None,
        }

    async def _chime(self, tone: NDArray[np.int16]) -> bool:
        return self._speaker is not None and await asyncio.to_thread(self._speaker.chime, tone)

    def report_silence(self) -> None:
        """Report how long nothing has come from the far room; the state machine decides whether that matters."""
        if self.receiver is not None and self.receiver.connected:
            attempt = self._attempts[MediaKind.SUBSCRIPTION]
            self._report(MediaSilent(MediaKind.SUBSCRIPTION, attempt, self.receiver.silent_for()))

    async def _attempt(self, order: StartMedia) -> None:
        run = {
            MediaKind.PUBLICATION: self._publish,
            MediaKind.SUBSCRIPTION: self._subscribe,
            MediaKind.TALKBACK: self._receive_talkback,
        }[order.kind]
        about = {"media": order.kind, "session": order.session}
        try:
            await run(order)
        except VisitError as error:
            log.warning("refused", extra={**about, "code": error.code})
        except (PeerError, SourceError) as error:
            log.info("not connected", extra={**about, "error": error})
        except Exception:  # every end must be reported, or the state machine would wait for this attempt for ever
            log.exception("attempt failed", extra=about)
        self._report(MediaLost(order.kind, order.attempt, random.random()))

    async def _publish(self, order: StartMedia) -> None:
        if order.side is not self._side:
            await self._sources.close()
            self._side, self._sources = order.side, self._open_room(order.side)
        sources = drill_sources() if order.drill else self._sources
        peer = await publish(self._access, order.session, *sources.tracks())
        try:
            self.publications += 1
            self._report(MediaConnected(order.kind, order.attempt))
            await peer.lost.wait()
        finally:
            await peer.close()

    async def _subscribe(self, order: StartMedia) -> None:
        if self.receiver is None or self.receiver.session != order.session:
            on_sound = self._speaker.play if self._speaker is not None and not order.drill else None
            self.receiver = Receiver(self._access, order.session, order.side, on_sound=on_sound)
        await self._run(self.receiver, order)

    async def _receive_talkback(self, order: StartMedia) -> None:
        """Connect from check-in on, so that an officer's first word is not lost while a connection is made."""
        if self.talkback is None or self.talkback.session != order.session:
            self.talkback = TalkbackReceiver(self._access, order.session, self._play_talkback)
        await self._run(self.talkback, order)

    async def _run(self, receiver: Receiver | TalkbackReceiver, order: StartMedia) -> None:
        try:
            await receiver.start()
            self._report(MediaConnected(order.kind, order.attempt))
            await receiver.wait_lost()
        finally:
            await receiver.close()

    def _play_talkback(self, frame: AudioFrame) -> None:
        if self._speaker is not None:
            self._speaker.play(frame, Input.OFFICER)
