"""Sends the result of each equipment test to the history of the room, once, whether or not there is a visit. Results
wait while the server does not answer."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from pydantic import ValidationError

from broker.kernel.errors import RelayUnavailable, StorageUnavailable, TooMany, VisitError
from config.articles.equipment import Cause
from kiosk_agent.checks.self_test import Figures
from kiosk_agent.webrtc.peer import ANSWER_WITHIN, PeerError, ServerAccess, Unreachable, refuse
from signaling.api.messages.equipment import EquipmentTestReport, EquipmentTestTaken
from signaling.api.messages.orders import Figures as Sent

log = logging.getLogger(__name__)

MOST = 50
"""Results that wait at most; older ones are forgotten."""
AGAIN = 10.0
"""Seconds until a result that the server did not take is sent again."""
LATER = (TooMany, StorageUnavailable, RelayUnavailable)
"""Refusals after which the same may be taken later."""


@dataclass(frozen=True, slots=True)
class Result:
    """One test of a `room`: its id, when it was made (loop time), why, for which visit (None for none), and figures."""

    id: str
    room: str
    at: float
    cause: Cause
    session: str | None
    figures: Figures


class Results:
    """Results on their way to the server. `taken` gets its answer to each."""

    def __init__(self, access: ServerAccess, taken: Callable[[EquipmentTestTaken], None]) -> None:
        self._access, self._taken = access, taken
        self._waiting: deque[Result] = deque(maxlen=MOST)
        self._any = asyncio.Event()

    def add(self, result: Result) -> None:
        """Send this result as soon as possible."""
        self._waiting.append(result)
        self._any.set()

    async def run(self) -> None:
        """Send what waits, one by one, until cancelled."""
        while True:
            await self._any.wait()
            if not self._waiting:
                self._any.clear()
            elif await self._send(result := self._waiting[0]):
                self._forget(result)
            else:
                await asyncio.sleep(AGAIN)

    def _forget(self, result: Result) -> None:
        """Forget a result that is done with; newer ones may have pushed it out meanwhile."""
        if self._waiting and self._waiting[0] is result:
            self._waiting.popleft()

    async def _send(self, result: Result) -> bool:
        """Send one result; return whether it is done with: taken, or refused for good."""
        try:
            self._taken(await self._post(result))
        except LATER as error:
            log.info("test not taken yet", extra={"code": error.code})
            return False
        except VisitError as error:
            log.warning("test refused", extra={"code": error.code})
        except (PeerError, aiohttp.ClientError, TimeoutError) as error:
            log.info("test not sent", extra={"error": type(error).__name__})
            return False
        return True

    async def _post(self, result: Result) -> EquipmentTestTaken:
        """Raises VisitError for a refusal, Unreachable for what is no answer."""
        age = asyncio.get_running_loop().time() - result.at
        report = EquipmentTestReport(
            id=result.id,
            cause=result.cause.value,
            figures=Sent.model_validate(dict(result.figures)),
            age=min(max(0.0, age), 86_400.0),
            session=result.session,
        )
        url, limit = f"{self._access.url}/api/v1/rooms/{result.room}/tests", aiohttp.ClientTimeout(total=ANSWER_WITHIN)
        headers = {**self._access.headers, "Content-Type": "application/json"}
        body = report.model_dump_json(exclude_none=True)
        async with self._access.http.post(
            url, data=body, headers=headers, timeout=limit, allow_redirects=False
        ) as response:
            if response.status != 201:
                await refuse(response)
            try:
                return EquipmentTestTaken.model_validate_json(await response.read())
            except ValidationError as error:
                raise Unreachable("no test in the answer") from error
