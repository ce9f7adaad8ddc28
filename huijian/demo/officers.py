"""A supervisor as a program: signs in, really receives and decodes both sides, says so, checks people in. For
demonstrations and journeys; a person uses the monitor page for the same."""

from typing import Any

import aiohttp

from broker.kernel.errors import from_problem
from broker.kernel.ids import Side
from huijian.demo.presence import Present
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver, ReceiverStats


class SignedIn:
    """A signed-in officer. Every method raises VisitError when the server refuses."""

    def __init__(self, http: aiohttp.ClientSession, server: str, token: str) -> None:
        self._http, self.server = http, server
        self.token = token
        self._receivers: list[Receiver] = []
        self._present = Present(http, lambda: self.server, token, lambda: self._receivers)

    @classmethod
    async def sign_in(cls, http: aiohttp.ClientSession, server: str, user: str, password: str) -> "SignedIn":
        """Sign in by name and password."""
        told = await _ask(http, "POST", f"{server}/api/v1/sign-in", None, {"user": user, "password": password})
        return cls(http, server, told["token"])

    async def session(self, session: str) -> dict[str, Any]:
        """The session as this officer sees it."""
        return await self._ask("GET", f"sessions/{session}")

    async def check_in(self, session: str, side: Side) -> None:
        """Make every check that the listed people of the officer's own side still need, and ready their seat."""
        view = await self.session(session)
        for person in view["sides"][side]["people"]:
            for tick in person["required"]:
                if tick not in person["ticked"]:
                    await self.tick(session, side, person["id"], tick)
        await self._ask("POST", f"sessions/{session}/seat", {"side": side, "ready": True})

    async def tick(self, session: str, side: Side, person: str, tick: str, on: bool = True) -> None:
        """Note that one check of one person was made, or take it back."""
        what = {"side": side, "person": person, "tick": tick, "on": on}
        await self._ask("POST", f"sessions/{session}/tick", what)

    async def equipment(self, session: str, side: Side) -> None:
        """Note that staff have tested a room's equipment themselves (Yunnan 12)."""
        await self._ask("POST", f"sessions/{session}/equipment", {"side": side, "passed": True})

    async def hold(self, session: str, article: str) -> None:
        """Hold the visit (中止)."""
        await self._ask("POST", f"sessions/{session}/hold", {"article": article})

    async def resume(self, session: str) -> None:
        """Let it go on."""
        await self._ask("POST", f"sessions/{session}/resume", {})

    async def end(self, session: str, article: str) -> None:
        """End the visit."""
        await self._ask("POST", f"sessions/{session}/end", {"article": article})

    async def order(self, session: str, verb: str, **body: Any) -> None:
        """Any other order: `warn`, `mute`, `remark`, with its members."""
        await self._ask("POST", f"sessions/{session}/{verb}", body)

    async def watch(self, session: str) -> None:
        """Receive both sides, show them, and say so, as being counted demands."""
        access = ServerAccess(self._http, self.server, self.token)
        for side in Side:
            receiver = Receiver(access, session, side, page=self._present.page)
            await receiver.start()
            self._receivers.append(receiver)
        self._present.begin()

    async def leave(self) -> list[ReceiverStats]:
        """Stop watching; what was received."""
        receivers, self._receivers = self._receivers, []
        await self._present.end()
        stats = []
        for receiver in receivers:
            await receiver.close()
            stats.append(await receiver.measure())
        return stats

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await _ask(self._http, method, f"{self.server}/api/v1/{path}", self.token, body)


async def post_slot(http: aiohttp.ClientSession, server: str, key: str, slot: dict[str, Any]) -> str:
    """Post an approved slot with a booking system's key; the session's id."""
    told = await _ask(http, "POST", f"{server}/api/v1/slots", key, slot)
    return str(told["session_id"])


async def _ask(
    http: aiohttp.ClientSession, method: str, url: str, token: str | None, body: dict[str, Any] | None
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.request(method, url, json=body, headers=headers) as response:
        told: dict[str, Any] = await response.json(content_type=None) if response.status != 204 else {}
        if response.status >= 400:
            raise from_problem(told)
        return told
