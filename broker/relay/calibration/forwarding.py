"""The trial of forwarding: rooms that send, and their watchers, on sockets of this process at loopback. What it runs is
the worker's own: the hot loop with its tracks and plans, SRTP, connected sockets, the tap. What it leaves out is the
rest of a worker (handshakes, reports, timers, the event loop), which WHOLE stands for.

Packets come as pictures do, at all rooms at once, as at a worker that is busy. Only the CPU time from their arrival to
the last send counts, not that of sending them here."""

import os
import socket
from math import inf
from pathlib import Path
from statistics import quantiles

from broker.kernel.clock import monotonic
from broker.kernel.ids import ResourceId
from broker.media.rtp import RTP_HEADER
from broker.relay.fanout import Fanout
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.stats import cpu_seconds
from broker.relay.tap import Tap
from broker.relay.track import Track
from broker.relay.transport.connected import ConnectedPorts, SharedPort
from broker.relay.transport.dtls import Certificate, srtp_pair
from broker.relay.transport.ice import Check
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Route
from broker.relay.transport.udp import allow_descriptors, open_ports

PACKETS = 470  # a second that a session brings: two 720p pictures of 1.5 Mbit/s, and two sounds
WHOLE = 2.7  # times forwarding: what a worker takes in all where all watchers are browsers (docs/performance.md)
ROOMS = 8  # that send: four sessions, whose packets and keys fill caches as those of a busy worker do
WATCHERS = 5  # of a room: the far room, and two supervisors of each site
PICTURE, SOUND = (6, 1100), (2, 100)  # packets of a turn and their bytes: a thirtieth of a second of 720p
SECONDS, FEWEST, WARM = 0.5, 12, 4  # of the trial; turns that must count at least; and first turns that do not count
KEY_BYTES = 28  # of a key with its salt, AES-GCM of 128 bits (RFC 7714)
VIDEO, AUDIO = CodecParams(102, nack=True, rtx=103), CodecParams(111)
TO_VIDEO = CodecParams(102, nack=True, rtx=103, transport_wide=3)  # as browsers ask for
TO_AUDIO = CodecParams(111, transport_wide=3)
BEGIN = (b"\x67\x42\xc0\x1f", b"\x68\xce\x3c\x80", b"\x65\x88\x84")  # parameter sets, and a slice of a keyframe
FRAGMENT = b"\x5c\x01"  # FU-A of a slice (RFC 6184 5.8)
SINK_BUFFER = 1 << 20  # bytes: what comes in a turn


def session_cores(micros: float) -> float:
    """Return the cores that a session costs, where forwarding one packet of a room takes so many microseconds."""
    return micros * 1e-6 * PACKETS * WHOLE


class _Owner:
    """The session of the peers, in which nothing happens to them."""

    def handle_ready(self, peer: Peer) -> None:
        """Do nothing: the peers are connected from the beginning."""

    def handle_gone(self, peer: Peer, reason: str) -> None:
        """Do nothing: the trial is shorter than any timeout."""


class _Room:
    """The sender of one side's picture and sound, as the far end of its socket."""

    def __init__(self, number: int, near: socket.socket) -> None:
        self.number, self.socket = number, near
        self.keys = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
        (_, self._seal), _ = srtp_pair(self.keys[1], self.keys[0])
        self._next = {VIDEO.payload_type: 1000, AUDIO.payload_type: 1000}
        self._time = 0

    def begin(self) -> None:
        """Send a keyframe, with which watchers begin, and a packet of sound."""
        for payload in BEGIN:
            self._send(VIDEO.payload_type, payload)
        self._send(AUDIO.payload_type, bytes(SOUND[1]))

    def send(self) -> None:
        """Send a picture in fragments and the sound beside it."""
        self._time += 3000
        for kind, (count, size), head in ((VIDEO, PICTURE, FRAGMENT), (AUDIO, SOUND, b"")):
            for _ in range(count):
                self._send(kind.payload_type, head + bytes(size - len(head)))

    def _send(self, payload_type: int, payload: bytes) -> None:
        seq = self._next[payload_type]
        self._next[payload_type] = (seq + 1) & 0xFFFF
        ssrc = self.number << 8 | payload_type
        self.socket.send(self._seal.protect(RTP_HEADER.pack(0x80, payload_type, seq, self._time, ssrc) + payload))


class Trial:
    """A worker's hot loop with rooms and watchers on loopback. `folder` is for the socket of the tap."""

    def __init__(self, folder: Path) -> None:
        allow_descriptors()
        self._sockets = open_ports(["127.0.0.1"], 0)
        self._shared = SharedPort(self._sockets.udp[0])
        self._connected = ConnectedPorts([self._shared])
        self._tap, self._recorder = _tapped(folder / "tap.sock")
        self._fanout = Fanout(self._tap, lambda *_: None, lambda _: inf, _fail)
        self._certificate, self._owner = Certificate(), _Owner()
        self._sinks: list[socket.socket] = []
        self._kept: list[object] = []
        self._rooms = [self._room(number) for number in range(ROOMS)]

    def run(self, seconds: float = SECONDS) -> float:
        """Return the microseconds of CPU that a packet of a room takes, with all its destinations. Raises RuntimeError
        where packets do not get through."""
        for room in self._rooms:
            room.begin()
        self._turn()
        began, found = monotonic(), list[float]()
        while len(found) < WARM + FEWEST or monotonic() - began < seconds:
            for room in self._rooms:
                room.send()
            found.append(self._turn())
        self._check(len(found))
        self._close()
        return quantiles(found[WARM:], n=10)[0] * 1e6  # of the quicker turns: other processes can only add

    def _turn(self) -> float:
        """Forward what waits, and return the CPU seconds that it took for each packet."""
        before, began = self._fanout.received, cpu_seconds()
        while ready := self._connected.ready()[0]:
            self._fanout.read(ready, PICTURE[0] + SOUND[0])
        self._fanout.flush()
        used = cpu_seconds() - began
        for sink in (*self._sinks, self._recorder):
            _empty(sink)
        return used / max(1, self._fanout.received - before)

    def _check(self, turns: int) -> None:
        expected = ROOMS * turns * (PICTURE[0] + SOUND[0])
        if self._fanout.received < expected or self._fanout.forwarded < expected * WATCHERS or self._tap.lost:
            raise RuntimeError("packets were lost on the way through the loopback interface")

    def _room(self, number: int) -> _Room:
        """Return a room that sends, with its tracks and watchers."""
        room = _Room(number, self._end())
        sessions, contexts = srtp_pair(*room.keys)
        peer = self._peer(f"room-{number}", room.socket, contexts)
        tracks = {
            kind: Track(kind, 2 * number + index, "cname", _no_gap) for index, kind in enumerate(("video", "audio"))
        }
        for track, params in zip(tracks.values(), (VIDEO, AUDIO), strict=True):
            track.replace_publisher(peer, params)
            peer.publish({"": track}, params)
            track.record(number)
        self._kept += [sessions, *(self._watcher(f"watcher-{number}-{one}", tracks) for one in range(WATCHERS))]
        return room

    def _watcher(self, name: str, tracks: dict[str, Track]) -> object:
        sink = self._end()
        self._sinks.append(sink)
        sessions, contexts = srtp_pair(os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))
        peer = self._peer(name, sink, contexts)
        for track, params in zip(tracks.values(), (TO_VIDEO, TO_AUDIO), strict=True):
            peer.subscribe(track, params, False)
            track.start(peer.down_tracks[-1])
        return sessions

    def _peer(self, name: str, end: socket.socket, contexts: tuple[object, object]) -> Peer:
        """Return a client that is connected already, from a socket at the far end."""
        by_address, send, now = self._fanout.by_address, self._fanout.send, monotonic()
        peer = Peer(ResourceId(name), self._owner, by_address, send, self._certificate, True, (), now)
        route = self._connected.own(Route(self._shared.sendto, end.getsockname()))
        peer.ice.checked(route, Check("", True), now)
        peer.rx, peer.tx = contexts
        return peer

    def _end(self) -> socket.socket:
        """Return a socket of a client, connected to the worker's port."""
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SINK_BUFFER)
        end.setblocking(False)
        end.bind(("127.0.0.1", 0))
        end.connect(("127.0.0.1", self._sockets.port))
        self._kept.append(end)
        return end

    def _close(self) -> None:
        self._connected.close()
        self._sockets.close()
        self._tap.close()
        self._recorder.close()
        for kept in self._kept:
            if isinstance(kept, socket.socket):
                kept.close()


def _tapped(path: Path) -> tuple[Tap, socket.socket]:
    """Return a tap and the recorder's end of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        tap = Tap()
        tap.connect(path)
        recorder = listener.accept()[0]
    recorder.setblocking(False)
    return tap, recorder


def _empty(sock: socket.socket) -> None:
    """Throw away what has come to a socket."""
    try:
        while True:
            sock.recv(1)
    except BlockingIOError:
        return


def _no_gap() -> None:
    """Request nothing: no packet is missing."""


def _fail(peer: Peer | None) -> None:
    """Raise what the hot loop has caught."""
    raise
