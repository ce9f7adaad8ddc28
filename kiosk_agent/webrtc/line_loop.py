"""A loop through the relay for the test of a line: packets of noise are published by WHIP and come back by WHEP.
Neither camera nor microphone has a part in it, and nothing is encoded or decoded: the packets only bear the form of
sound. A LineLoop is one test; its owner closes it."""

import asyncio
import secrets

from aiortc import rtp

from kiosk_agent.checks.measures.line import LineTrace, Report
from kiosk_agent.webrtc import aiortc_adapter
from kiosk_agent.webrtc.peer import Peer, ServerAccess

NUMBER = 4
"""Bytes of the number with which each packet begins."""
ON_THE_WIRE = 20 + 8 + 10
"""Bytes that each RTP packet gets on its way: IP, UDP, and the tag of SRTP (RFC 3711)."""
LARGEST = 1100
"""Bytes of the largest packet's noise: with all headers it fits into any line's datagrams."""


class _Up(Peer):
    """WHIP resource without a source: its owner sends what it sends."""

    def __init__(self, access: ServerAccess) -> None:
        super().__init__(access)
        self.transceiver = self.connection.addTransceiver("audio", direction="sendonly")


class _Down(Peer):
    """WHEP resource whose packets are counted and not decoded."""

    def __init__(self, access: ServerAccess) -> None:
        super().__init__(access)
        self.receiver = self.connection.addTransceiver("audio", direction="recvonly").receiver


class LineLoop:
    """Loop of the line of one terminal; `trace` is what happened so far."""

    def __init__(self, access: ServerAccess) -> None:
        self.trace = LineTrace()
        self.back = asyncio.Event()
        """Set once a packet has come back."""
        self.reported = asyncio.Event()
        """Set at each report of the relay."""
        self._up, self._down = _Up(access), _Down(access)
        self._send: aiortc_adapter.RawSender | None = None
        self._noise = secrets.token_bytes(LARGEST)
        self._clock = asyncio.get_running_loop().time

    async def open(self, publish: str, subscribe: str) -> None:
        """Connect both ways, to these paths of the server. Raises as `Peer.open`; then it is to be closed."""
        aiortc_adapter.take_reports(self._up.transceiver.sender, self._note_report)
        aiortc_adapter.take_packets(self._down.receiver, self._note_packet)
        await self._down.open(subscribe)
        await self._up.open(publish)
        self._send = aiortc_adapter.RawSender(self._up.transceiver)

    async def close(self) -> None:
        """Delete both resources and close the connections. Idempotent."""
        await asyncio.gather(self._up.close(), self._down.close(), return_exceptions=True)

    async def send(self, size: int) -> None:
        """Send one packet of `size` bytes of noise. Raises ConnectionError when the connection is gone."""
        assert self._send is not None, "the loop is open"
        number = len(self.trace.sent)
        payload = number.to_bytes(NUMBER, "big") + self._noise[: size - NUMBER]
        self.trace.sent.append((self._clock(), 0))
        octets = await self._send(number, payload)
        self.trace.sent[number] = (self.trace.sent[number][0], 8 * (octets + ON_THE_WIRE))

    def _note_packet(self, packet: rtp.RtpPacket) -> None:
        number = int.from_bytes(packet.payload[:NUMBER], "big")
        if number < len(self.trace.sent):
            self.trace.arrived.setdefault(number, self._clock())
            self.back.set()

    def _note_report(self, highest: int, lost: int) -> None:
        packets = highest - aiortc_adapter.FIRST_NUMBER + 1
        self.trace.reports.append(Report(self._clock(), max(0, packets), max(0, lost)))
        self.reported.set()
