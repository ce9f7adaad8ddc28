"""The way out to one address: packets of one pass of the hot loop wait here, and leave together. Packets of equal size
leave by one call of the kernel (UDP_SEGMENT, udp(7): "generic segmentation offload"), which costs a third for five of
them, and arrive as the datagrams that they would have been by themselves.

Where the kernel or a device refuses that for an address, packets to that address leave one by one from then on."""

import errno
import socket
import struct
from collections.abc import Sequence
from functools import cache

import structlog

from broker.relay.transport.route import Route

log = structlog.get_logger()
MOST = 64  # packets in one call: the kernel's own limit before Linux 6.9 (UDP_MAX_SEGMENTS)
MOST_BYTES = 65_535 - 40 - 8  # of one call: an IP packet's longest, without its headers
_SOL_UDP, _UDP_SEGMENT = 17, 103
REFUSED = (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP)
"""Errors that say that such packets cannot leave together on this way, as where a device computes no checksums or the
way takes only smaller packets."""


def joins(sock: socket.socket) -> bool:
    """Whether the kernel knows UDP_SEGMENT. One that does not would send a run as a single datagram."""
    try:
        sock.getsockopt(_SOL_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


def runs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the bounds of the runs that leave together, in order: packets of one size, and one shorter at the end."""
    bounds: list[tuple[int, int]] = []
    start, count = 0, len(sizes)
    while start < count:
        size, end = sizes[start], start + 1
        limit = min(count, start + MOST, start + MOST_BYTES // (size or 1))
        while end < limit and sizes[end] == size:
            end += 1
        if end < limit and sizes[end] < size:
            end += 1
        bounds.append((start, end))
        start = end
    return bounds


@cache
def _segments(size: int) -> list[tuple[int, int, bytes]]:
    """Return the ancillary data that has the kernel send a datagram for each `size` bytes."""
    return [(_SOL_UDP, _UDP_SEGMENT, struct.pack("H", size))]


class Egress:
    """The packets that wait to be sent along `route`. The hot loop appends to `waiting`, and calls `flush`, or for a
    single packet `send` with it and `to`."""

    __slots__ = ("_batch", "route", "send", "to", "waiting")

    def __init__(self, route: Route) -> None:
        self.route, self.send, self.to = route, route.send, route.to
        self.waiting: list[memoryview] = []
        self._batch = route.batch

    def flush(self) -> tuple[int, int]:
        """Send the packets that wait, and return how many were sent, and their bytes; the others are dropped, as the
        network would."""
        waiting, self.waiting = self.waiting, []
        if self._batch is None:
            return self._send_each(waiting)
        packets = octets = 0
        sizes = list(map(len, waiting))
        for start, end in runs(sizes):
            sent = self._send_run(waiting[start:end], sizes[start])
            packets, octets = packets + sent[0], octets + sent[1]
        return packets, octets

    def cut(self) -> None:
        """Drop the packets that wait: they may no longer leave."""
        self.waiting = []

    def _send_run(self, run: list[memoryview], size: int) -> tuple[int, int]:
        """Send packets of `size` bytes, the last of which may be shorter, by one call where that is possible."""
        if len(run) == 1 or self._batch is None:
            return self._send_each(run)
        try:
            return len(run), self._batch(run, _segments(size))
        except BlockingIOError:
            return 0, 0
        except OSError as error:
            if error.errno in REFUSED:
                log.info("packets to a client leave one by one", why=error.strerror)
                self._batch = None
            return self._send_each(run)  # also after an ICMP error of an earlier send, which is reported once

    def _send_each(self, datagrams: list[memoryview]) -> tuple[int, int]:
        packets = octets = 0
        send, to = self.send, self.to
        for datagram in datagrams:
            try:
                send(datagram, to)
            except OSError:
                continue
            packets += 1
            octets += len(datagram)
        return packets, octets
