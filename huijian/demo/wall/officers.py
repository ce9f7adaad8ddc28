"""Simulated officers of the wall: each watches two visits, answers attention checks and gives orders. They
report on what they receive and decode nothing, as many of them share a machine with the pages."""

import asyncio

import aiohttp

from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient, WatchedSide
from huijian.demo.wall.kept_connection import KeptConnection
from huijian.demo.wall.places import Program
from kiosk_agent.webrtc.peer import Peer, ServerAccess, Subscription, report_on
from kiosk_agent.webrtc.receiver import ReceiverStats, Reception


class ReportingWatcher:
    """One side of a visit that is received and reported on, and not decoded."""

    def __init__(self, access: ServerAccess, session: str, side: Side, page: str) -> None:
        self.session, self.side = session, str(side)
        self._access, self._page = access, page
        self._connection = KeptConnection(self._connect)

    def shows(self, within: float) -> bool:
        """Whether a packet of the picture came in the last `within` seconds."""
        peer = self._connection.peer
        if not isinstance(peer, Subscription):
            return False
        last = peer.meters["video"].last_at
        return last is not None and asyncio.get_running_loop().time() - last < within

    async def start(self) -> None:
        """Begin to connect, and go on until `close`."""
        self._connection.open()

    async def close(self) -> None:
        """End the connection and its attempts."""
        await self._connection.close()

    async def measure(self) -> ReceiverStats:
        """Return the packets of the present connection."""
        peer = self._connection.peer
        if not isinstance(peer, Subscription):
            return ReceiverStats()
        lost = await peer.packets_lost()
        video, audio = (Reception().plus(peer.meters[kind], lost[kind]) for kind in ("video", "audio"))
        return ReceiverStats(video=video, audio=audio, connections=1)

    async def _connect(self) -> Peer:
        return await report_on(self._access, self.session, self.side, self._page)


def reporting(access: ServerAccess, session: str, side: Side, page: str) -> WatchedSide:
    """Return what receives a side without decoding it."""
    return ReportingWatcher(access, session, side, page)


def simulated_officer(http: aiohttp.ClientSession, server: str, program: Program) -> OfficerClient:
    """Return a simulated officer, who is signed in."""
    return OfficerClient(http, server, program.token, reporting)
