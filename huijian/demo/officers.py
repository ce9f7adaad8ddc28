"""Supervisor as a program: it signs in, receives and decodes both sides, reports so, checks people in. Demonstrations
and scenario tests use it where a person would use the monitor page."""

from collections.abc import Callable
from typing import Any, Protocol

import aiohttp

from broker.kernel.errors import from_problem
from broker.kernel.ids import Side
from huijian.demo.presence import PresenceReporter
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver, ReceiverStats


class WatchedSide(Protocol):
    """One side of a visit as an officer's program receives it: a Receiver, or something lighter."""

    session: str
    side: str

    def shows(self, within: float) -> bool:
        """Whether a picture came in the last `within` seconds."""
        ...

    async def start(self) -> None:
        """Connect to the side, as the server allows."""
        ...

    async def close(self) -> None:
        """End the connection and what belongs to it."""
        ...

    async def measure(self) -> ReceiverStats:
        """Return the counts of what was received."""
        ...


Watching = Callable[[ServerAccess, str, Side, str], WatchedSide]
"""Makes what receives a side of a session, for the page with this id."""


def decoding(access: ServerAccess, session: str, side: Side, page: str) -> WatchedSide:
    """Return a receiver that decodes what it receives."""
    return Receiver(access, session, side, page=page)


class OfficerClient:
    """Client of one signed-in officer. Every method raises VisitError when the server refuses.

    `server` is the base URL, which may be set anew when the server has come back elsewhere; `watching` makes what
    receives the sides."""

    def __init__(self, http: aiohttp.ClientSession, server: str, token: str, watching: Watching = decoding) -> None:
        self._http, self.server = http, server
        self.token = token
        self._watching = watching
        self._receivers: list[WatchedSide] = []
        self.presence = PresenceReporter(http, lambda: self.server, token, lambda: self._receivers)

    @classmethod
    async def sign_in(
        cls, http: aiohttp.ClientSession, server: str, user: str, password: str, watching: Watching = decoding
    ) -> "OfficerClient":
        """Sign in by name and password."""
        body = {"user": user, "password": password}
        answer = await _request(http, "POST", f"{server}/api/v1/sign-in", None, body)
        return cls(http, server, answer["token"], watching)

    async def get(self, path: str) -> dict[str, Any]:
        """Return what the REST API answers to GET `path`, below /api/v1/."""
        return await self._request("GET", path)

    async def session(self, session: str) -> dict[str, Any]:
        """Return the session as this officer sees it."""
        return await self.get(f"sessions/{session}")

    async def check_in(self, session: str, side: Side) -> None:
        """Make every check that the listed people of the officer's own side still need, and mark their seat as
        ready."""
        view = await self.session(session)
        for person in view["sides"][side]["people"]:
            for tick in person["required"]:
                if tick not in person["ticked"]:
                    await self.tick(session, side, person["id"], tick)
        await self.order(session, "seat", side=side, ready=True)

    async def tick(self, session: str, side: Side, person: str, tick: str, on: bool = True) -> None:
        """Record one check of one person, or take it back."""
        await self.order(session, "tick", side=side, person=person, tick=tick, on=on)

    async def equipment(self, session: str, side: Side) -> None:
        """Record that the staff have tested a room's equipment themselves (Yunnan 12)."""
        await self.order(session, "equipment", side=side, passed=True, reason="工作人员已手工检查设备")

    async def hold(self, session: str, article: str) -> None:
        """Hold the visit (中止) under an article."""
        await self.order(session, "hold", article=article)

    async def resume(self, session: str) -> None:
        """Resume the visit after this site's own hold."""
        await self.order(session, "resume")

    async def end(self, session: str, article: str) -> None:
        """End the visit (终止) under an article."""
        await self.order(session, "end", article=article)

    async def order(self, session: str, verb: str, **body: Any) -> None:
        """Give an order, such as `warn` or `mute`, with its members."""
        await self._request("POST", f"sessions/{session}/{verb}", body)

    async def watch(self, session: str) -> None:
        """Receive and show both sides and report so, as counting for the quorum demands."""
        access = ServerAccess(self._http, self.server, self.token)
        for side in Side:
            receiver = self._watching(access, session, side, self.presence.page)
            await receiver.start()
            self._receivers.append(receiver)
        self.presence.start()

    async def stop_watching(self, session: str) -> None:
        """Stop watching one session; the others go on."""
        left = [each for each in self._receivers if each.session == session]
        self._receivers = [each for each in self._receivers if each.session != session]
        for receiver in left:
            await receiver.close()

    async def leave(self) -> list[ReceiverStats]:
        """Stop watching; return what was received."""
        receivers, self._receivers = self._receivers, []
        await self.presence.close()
        stats = []
        for receiver in receivers:
            await receiver.close()
            stats.append(await receiver.measure())
        return stats

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await _request(self._http, method, f"{self.server}/api/v1/{path}", self.token, body)


async def post_slot(http: aiohttp.ClientSession, server: str, key: str, slot: dict[str, Any]) -> str:
    """Post an approved slot with a booking system's key; return the session's id."""
    answer = await _request(http, "POST", f"{server}/api/v1/slots", key, slot)
    return str(answer["session_id"])


async def _request(
    http: aiohttp.ClientSession, method: str, url: str, token: str | None, body: dict[str, Any] | None
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.request(method, url, json=body, headers=headers) as response:
        answer: dict[str, Any] = await response.json(content_type=None) if response.status != 204 else {}
        if response.status >= 400:
            raise from_problem(answer)
        return answer
