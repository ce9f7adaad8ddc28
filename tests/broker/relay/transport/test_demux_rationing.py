"""Feedback that an overloaded worker reads more rarely: of supervisors, on single packets, and nothing else."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.media import rtcp
from broker.relay.limits.refusals import Reason
from broker.relay.transport import demux as demux_module
from broker.relay.transport.demux import RARELY, Demux
from broker.relay.transport.route import Route

ADDRESS = ("192.0.2.1", 5)
ROUTE = Route(lambda data, _: len(data), ADDRESS)
REPORT = bytes((0x80 | rtcp.TRANSPORT_WIDE, rtcp.RTPFB)) + bytes(30)
OTHERS = [
    bytes((0x81, rtcp.RR)) + bytes(30),
    bytes((0x80 | rtcp.NACK, rtcp.RTPFB)) + bytes(30),
    bytes((0x80 | rtcp.PLI, rtcp.PSFB)) + bytes(30),
    bytes((0x80,)),
]


class Line:
    """A client's RTCP on its way through the demultiplexer; `read` has what was decrypted and handled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, gated: bool = False) -> None:
        self.read: list[bytes] = []
        self.peer: Any = SimpleNamespace(reported_at=-1.0, down_tracks=[SimpleNamespace(gated=gated)])
        self.fanout: Any = SimpleNamespace(by_address={ADDRESS: self.peer})
        self.demux = Demux(lambda route: route)
        self.demux.rations_feedback = True

        def handle(peer: Any, _fanout: Any, datagram: bytes, _route: Route, now: float) -> None:
            self.read.append(datagram)
            if datagram == REPORT:
                peer.reported_at = now

        monkeypatch.setattr(demux_module, "_rtcp", handle)

    def take(self, datagram: bytes, now: float) -> Reason | None:
        return self.demux._take(self.fanout, datagram, ROUTE, now)


def test_reports_on_packets_are_read_as_often_as_the_proof_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch)
    refused = [line.take(REPORT, number * RARELY / 8) for number in range(80)]
    assert len(line.read) == 10
    assert set(refused) == {None, Reason.RATIONED}


def test_all_other_reports_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch)
    for number in range(20):
        for datagram in (REPORT, *OTHERS):
            line.take(datagram, number * RARELY / 100)
    assert len(line.read) == 20 * len(OTHERS) + 1


def test_those_of_a_far_room_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, gated=True)
    assert [line.take(REPORT, number / 100) for number in range(20)] == [None] * 20


def test_nothing_is_rationed_without_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch)
    line.demux.rations_feedback = False
    assert [line.take(REPORT, number / 100) for number in range(20)] == [None] * 20
