"""What carries out the terminal's media: the interface between the state machine's effects and picture and sound. The
headless terminal has them in this process (`media_sessions.py`, aiortc); the room's page has them in the browser
(`room/page_media.py`). Both report the same facts, so that `state/` is one for both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kiosk_agent.checks.self_test import SelfTestResult
from kiosk_agent.state.events import StartMedia, StopMedia
from signaling.api.messages.socket import Observed


@dataclass(frozen=True, slots=True)
class ObservedRoom:
    """What is to be observed now: what the room sends into this session, and whether people are counted in it. Where
    they sign (`signed`) silence is no finding."""

    session: str
    counts: bool
    signed: bool = False


class MediaExecutor(Protocol):
    """Executor of StartMedia and StopMedia. Every attempt that was started ends with exactly one MediaLost or
    MediaClosed."""

    def start(self, order: StartMedia) -> None:
        """Begin an attempt; MediaConnected and MediaLost report how it goes."""

    async def stop(self, order: StopMedia) -> None:
        """End the attempt in order, then report MediaClosed once nothing of it is left."""

    def report_silence(self) -> None:
        """Report how long nothing has come from the far room; the state machine decides whether that matters."""

    async def self_test(self, publishing: bool) -> SelfTestResult:
        """Test the equipment; while the room is `publishing`, without taking anything away from it."""

    async def observe(
        self, observing: Callable[[], ObservedRoom | None], send: Callable[[Observed], Awaitable[None]]
    ) -> None:
        """Examine what the room sends, and report it, until cancelled."""

    async def measure(self) -> dict[str, Any]:
        """Return the counts of what was sent and received as plain values."""

    async def close(self) -> None:
        """End every attempt, whatever its state, and release the devices."""
