"""The C load generator from Python: it takes clips and connected clients, and returns counts and latencies."""

import asyncio
import ctypes
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.client import GCM_PROFILE, Client
from tests.bench.media import Clip

SAMPLE_EVERY = 8  # one packet in so many is decrypted, compared and timed
SPREAD = 2.0  # seconds over which streams begin, so that their keyframes do not fall together
MAX_LATENCIES = 1 << 22
_NAMES = (
    *("sent", "received", "missing", "repeated", "sampled", "undecryptable", "altered", "refused"),
    *("rtcp", "pli", "nack", "late", "streams", "latencies"),
    *("sound_sent", "picture_sent", "frames_sent"),
    *("far_sound", "far_picture", "supervisor_sound", "supervisor_picture"),
    *("far_frames", "supervisor_frames", "far_damaged", "supervisor_damaged", "still"),
)


class _Counts(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_uint64) for name in _NAMES), ("cpu_seconds", ctypes.c_double)]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts since the last reset, over all clients.

    `missing` are gaps in the received sequence numbers, `streams` the number of streams that were received at all,
    `late` packets that left 2 ms late or more, and `latencies` the sorted microseconds of the sampled packets.

    Packets of sound and pictures, and good and damaged frames, are counted apart for far rooms and for
    supervisors; `still` is the longest time without a good frame at a supervisor, in nanoseconds."""

    sent: int
    received: int
    missing: int
    repeated: int
    sampled: int
    undecryptable: int
    altered: int
    streams: int
    pli: int
    nack: int
    late: int
    cpu_seconds: float
    latencies: np.ndarray
    sound_sent: int = 0
    picture_sent: int = 0
    frames_sent: int = 0
    far_sound: int = 0
    far_picture: int = 0
    supervisor_sound: int = 0
    supervisor_picture: int = 0
    far_frames: int = 0
    supervisor_frames: int = 0
    far_damaged: int = 0
    supervisor_damaged: int = 0
    still: int = 0


class Generator:
    """A load generator whose thread is pinned to `core`. Streams are numbered in the order in which clients are
    added."""

    def __init__(self, library: Path, clips: tuple[Clip, Clip], core: int) -> None:
        self._library = ctypes.CDLL(str(library))
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        self._clients: dict[int, Client] = {}
        for number, clip in enumerate(clips):
            self._load(number, clip)
        self._library.generator_open(self._theirs.fileno(), SAMPLE_EVERY, core)
        asyncio.get_running_loop().add_reader(self._ours, self._take)

    def add(self, client: Client) -> None:
        """Begin to send and receive for a connected client."""
        theirs, ours = client.keys
        types = {line.kind: line.payload_type for line in client.lines if client.receives}
        number = self._library.generator_client(
            client.socket.fileno(),
            theirs,
            ours,
            GCM_PROFILE,
            client.numbering if client.receives else 0,
            int(not client.far),
            types.get("audio", -1),
            types.get("video", -1),
        )
        if number < 0:
            raise RuntimeError("the generator takes no more clients")
        self._clients[number] = client
        for line in client.lines:
            if line.direction == "sendonly":
                clip = 0 if line.kind == "video" else 1
                self._library.generator_stream(number, clip, ctypes.c_uint32(line.ssrc), line.payload_type)

    def play(self, streams: int) -> None:
        """Let the first `streams` streams send, and stop the others."""
        self._library.generator_play(streams, ctypes.c_int64(int(SPREAD * 1e9)))

    def busy(self, on: bool) -> None:
        """Poll without sleeping, so that the server does not pay for wake-ups of the receiver, as with a network
        card."""
        self._library.generator_busy(int(on))

    def reset(self) -> None:
        """Set all counts to zero."""
        self._library.generator_reset()

    def read(self, latencies: bool = False) -> Counts:
        """Return the counts since the last reset, with latencies on request."""
        raw = _Counts()
        taken = np.zeros(MAX_LATENCIES if latencies else 0, np.uint32)
        into = taken.ctypes.data_as(ctypes.c_void_p) if latencies else None
        self._library.generator_read(ctypes.byref(raw), into, ctypes.c_uint64(len(taken)))
        values = {name: getattr(raw, name) for name in Counts.__slots__ if name != "latencies"}
        return Counts(**values, latencies=np.sort(taken[: raw.latencies]) / 1000)

    async def consent(self) -> None:
        """Send consent checks of all clients, of each every five seconds, until cancelled."""
        while True:
            for client in list(self._clients.values()):
                client.consent()
                await asyncio.sleep(5 / max(1, len(self._clients)))
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Stop the thread and close every client."""
        asyncio.get_running_loop().remove_reader(self._ours)
        self._library.generator_close()
        for client in self._clients.values():
            client.close()
        self._ours.close()
        self._theirs.close()

    def _load(self, number: int, clip: Clip) -> None:
        arrays = (clip.offset, clip.length, clip.at, clip.timestamp, clip.marker)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        ticks = [ctypes.c_uint32(ticks) for ticks in (clip.ticks, clip.frame, clip.keyframe)]
        times = (ctypes.c_int64(clip.duration), *ticks)
        self._library.generator_clip(number, len(clip.length), clip.data, len(clip.data), *pointers, *times)

    def _take(self) -> None:
        while True:
            try:
                message = self._ours.recv(4096)
            except BlockingIOError:
                return
            client = self._clients.get(struct.unpack_from("i", message)[0])
            if client is not None:
                client.take(message[4:])
