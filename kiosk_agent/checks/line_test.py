"""Tests the line between this terminal and the relay's real port: nine seconds of noise that goes there and comes back
(`webrtc/line_loop.py`). First little, for loss and times; then more and more, until the line is full or has carried
what a visit may need. It stops at the first sign of a full line: others at this site may meet over it."""

import asyncio
import logging

import aiohttp
from pydantic import ValidationError

from broker.kernel.errors import VisitError
from kiosk_agent.checks.measures.line import LineTrace, is_full, line_figures
from kiosk_agent.webrtc.line_loop import LARGEST, LineLoop
from kiosk_agent.webrtc.peer import ANSWER_WITHIN, BadAnswer, NotConnected, PeerError, ServerAccess, Unreachable, refuse
from signaling.api.messages.equipment import LineTestView

log = logging.getLogger(__name__)

PATH = "/api/v1/line-tests"
WITHIN = 20.0
"""Seconds after which a test is given up."""
WARM_UP, WARM_UP_WITHIN = 20, 3.0
"""Packets before the first that counts, and the seconds in which one of them must come back."""
QUIET, QUIET_SIZE, QUIET_EVERY = 300, 80, 0.01
"""Packets of the quiet part, their bytes, and the seconds between two: 110 kbit/s with all headers."""
REPORT_WITHIN = 2.2
"""Seconds to wait for the relay's report on the quiet part: one comes each second, and one may be lost."""
RATES = (200_000, 300_000, 450_000, 700_000, 1_000_000, 1_300_000)
"""Bit/s that are tried one after the other."""
STEP = 0.55
"""Seconds of each."""
DRAIN = 0.6
"""Seconds for the last packets to come back."""

Figures = dict[str, float]
LOST = {"loss_up": 1.0, "loss_down": 1.0}
"""Figures of a line that carries nothing to the relay's port, although the server answers."""


class LineTester:
    """Tests the line of this terminal by `access`, and keeps the figures of its last test."""

    def __init__(self, access: ServerAccess) -> None:
        self._access = access
        self._figures: Figures = {}
        self._at = float("-inf")

    async def figures(self, fresh: float, may: bool) -> Figures:
        """Return the figures of the last test where it is at most `fresh` seconds old, or no new one `may` run, as the
        room sends; else those of a new one."""
        clock = asyncio.get_running_loop().time
        if not may or clock() - self._at <= fresh:
            return self._figures
        self._figures = await line_figures_of(self._access)
        self._at = clock()
        return self._figures


async def line_figures_of(access: ServerAccess) -> Figures:
    """Test the line and return its figures; none where the server has no time for a test now, or does not answer."""
    try:
        async with asyncio.timeout(WITHIN):
            test = await _begin(access)
            return await _through(LineLoop(access), test)
    except (VisitError, Unreachable, aiohttp.ClientError, TimeoutError, OSError) as error:
        log.info("line not tested", extra={"error": type(error).__name__})
        return {}
    except PeerError as error:
        log.warning("no way to the relay's port", extra={"error": type(error).__name__})
        return dict(LOST)


async def _begin(access: ServerAccess) -> LineTestView:
    """Have the server open a test. Raises VisitError for a refusal, Unreachable for what is no answer."""
    url, limit = f"{access.url}{PATH}", aiohttp.ClientTimeout(total=ANSWER_WITHIN)
    async with access.http.post(url, headers=access.headers, timeout=limit, allow_redirects=False) as response:
        if response.status != 201:
            await refuse(response)
        try:
            return LineTestView.model_validate_json(await response.read())
        except ValidationError as error:
            raise Unreachable("no line test in the answer") from error


async def _through(loop: LineLoop, test: LineTestView) -> Figures:
    try:
        await loop.open(test.publish, test.subscribe)
        return await measure(loop)
    except (NotConnected, BadAnswer, ConnectionError):
        return line_figures(loop.trace, range(len(loop.trace.sent)))
    finally:
        await loop.close()


async def measure(loop: LineLoop) -> Figures:
    """Send what a test sends through an open loop, and return the figures."""
    try:
        async with asyncio.timeout(WARM_UP_WITHIN):
            await _warm_up(loop)
    except TimeoutError:
        return line_figures(loop.trace, range(len(loop.trace.sent)))
    base = await _send(loop, QUIET, QUIET_SIZE, QUIET_EVERY)
    await _reported(loop, base)
    await _fill(loop, base)
    await asyncio.sleep(DRAIN)
    return line_figures(loop.trace, base)


async def _warm_up(loop: LineLoop) -> None:
    """Send until a packet has come back: the relay drops what comes before both of its ends are ready."""
    await _send(loop, WARM_UP, QUIET_SIZE, QUIET_EVERY)
    while not loop.back.is_set():
        await _send(loop, 1, QUIET_SIZE, QUIET_EVERY)


async def _send(loop: LineLoop, count: int, size: int, every: float) -> range:
    """Send packets at equal distances; return their numbers."""
    clock = asyncio.get_running_loop().time
    first, due = len(loop.trace.sent), clock()
    for _ in range(count):
        await loop.send(size)
        due += every
        await asyncio.sleep(max(0.0, due - clock()))
    return range(first, len(loop.trace.sent))


async def _reported(loop: LineLoop, base: range) -> None:
    """Wait until the relay has reported on most of the quiet part."""
    try:
        async with asyncio.timeout(REPORT_WITHIN):
            while not _covered(loop.trace, base):
                loop.reported.clear()
                await loop.reported.wait()
    except TimeoutError:
        log.info("the relay's report was lost")


def _covered(trace: LineTrace, base: range) -> bool:
    return bool(trace.reports) and trace.reports[-1].packets >= base.stop - len(base) // 20


async def _fill(loop: LineLoop, base: range) -> None:
    """Send more and more, until the line is full."""
    for rate in RATES:
        every = 8 * LARGEST / rate
        step = await _send(loop, round(STEP / every), LARGEST, every)
        if is_full(loop.trace, base, step, asyncio.get_running_loop().time()):
            return
