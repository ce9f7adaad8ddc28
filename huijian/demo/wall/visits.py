"""Keeps the visits of the wall going: when one has ended, the next is approved in the same two rooms."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import structlog

from broker.kernel.clock import SystemClock, in_shanghai
from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient, post_slot
from huijian.demo.setup import Place
from huijian.demo.wall.places import Party
from huijian.demo.wall.rooms import SimulatedRoom
from signaling.api.messages.session_view import SessionView

log = structlog.get_logger()
PAUSE = 5.0  # seconds between a visit and the next in its rooms
AGAIN = 3.0  # seconds before a refused step is tried again
ROOM = timedelta(minutes=15)  # by which an approved slot is longer than its visit: check-in, and holds
END = "YN-17-10"
"""The ground under which the programs end a visit: other circumstances under which it must be."""


class EndlessVisits:
    """The visits of two rooms, one after another. `officers` are the programs of each side, the first of which checks
    in; `minutes` is the length of the first visit, `later` of all others."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        server: str,
        key: str,
        places: dict[Side, Place],
        party: Party,
        officers: Mapping[Side, Sequence[OfficerClient]],
        minutes: int,
        later: int,
    ) -> None:
        self.rooms: dict[Side, SimulatedRoom] = {}
        self.officers, self.places, self.party = officers, places, party
        self.session = ""
        self._http, self._server, self._key = http, server, key
        self._minutes, self._later = minutes, later
        self._news = asyncio.Event()

    def changed(self) -> None:
        """Look again: a room has got a view."""
        self._news.set()

    @property
    def view(self) -> SessionView | None:
        """The present visit as the prison's room sees it, None before it does."""
        view = self.rooms[Side.PRISON].view
        return view if view is not None and view.id == self.session else None

    @property
    def live(self) -> bool:
        """Whether the two rooms see each other."""
        return self.view is not None and self.view.state == "live"

    async def until(self, state: str) -> None:
        """Wait until the present visit is in this state."""
        while self.view is None or self.view.state != state:
            self._news.clear()
            await self._news.wait()

    async def run(self) -> None:
        """Hold one visit after another, until cancelled."""
        minutes = self._minutes
        while True:
            try:
                await self._hold(minutes)
                minutes = self._later
                await asyncio.sleep(PAUSE)
            except (VisitError, aiohttp.ClientError) as error:
                log.warning("a visit does not begin; trying again", error=type(error).__name__)
                await asyncio.sleep(AGAIN)

    async def _hold(self, minutes: int) -> None:
        self.session = await post_slot(self._http, self._server, self._key, self._slot(minutes))
        try:
            await self._until_tested()
            for side, officers in self.officers.items():
                await officers[0].check_in(self.session, side)
            await asyncio.gather(*(each.watch(self.session) for all in self.officers.values() for each in all))
            await self.until("ended")
        finally:
            await self._leave()

    async def _until_tested(self) -> None:
        while (view := self.view) is None or not (view.sides.prison.self_test and view.sides.visitor.self_test):
            if view is not None and view.state == "ended":
                return
            self._news.clear()
            await self._news.wait()

    async def _leave(self) -> None:
        for officers in self.officers.values():
            for officer in officers:
                await officer.stop_watching(self.session)

    async def end(self) -> None:
        """End the present visit, where it has not ended."""
        if self.session and (self.view is None or self.view.state != "ended"):
            await end(self.officers[Side.PRISON][0], self.session)

    def _slot(self, minutes: int) -> dict[str, Any]:
        now, mark = SystemClock().now().wall, secrets.token_hex(4)
        people = [("prison", self.party.prisoner, "本人"), *(("visitor", *kin) for kin in self.party.kin)]
        return {
            "prison_room": self.places[Side.PRISON].room,
            "visitor_room": self.places[Side.VISITOR].room,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(minutes=minutes) + ROOM).isoformat(),
            "minutes": minutes,
            "people": [
                {"id": f"wall-{mark}-{number}", "side": side, "name": name, "relation": relation}
                | ({"id_number": f"YS{mark}{number}"} if side == "visitor" else {})
                for number, (side, name, relation) in enumerate(people)
            ],
            "approved_by": "演示监狱长",
            "article": "云南 第十四条",
        }


async def end(officer: OfficerClient, session: str) -> None:
    """End a visit as this officer; one that has ended by then is well."""
    try:
        await officer.end(session, END)
    except VisitError as error:
        log.info("not ended", code=error.code)


async def end_all(officer: OfficerClient) -> None:
    """End what an earlier wall has left, so that the rooms are free."""
    today = in_shanghai(SystemClock().now().wall)
    for day in (today - timedelta(days=1), today):
        found = await officer.get(f"sessions?day={day:%Y-%m-%d}")
        for view in found["sessions"]:
            if view["state"] != "ended":
                await end(officer, view["id"])
