"""Measures whether pictures come whole to viewers that are no browsers: python -m tests.bench.foreign_viewers.

werift and libdatachannel (node-datachannel) watch by WHEP; GStreamer's RTP session, jitter buffer and H.264 decoder sit
behind a client of the tests, which does ICE and DTLS for them. A proxy loses packets before the viewer. What is sent is
known, so that each picture can be compared with what came. Nothing of theirs is kept here: the packages are looked for
in a folder (`npm install werift node-datachannel` there), and a viewer that is missing is left out with a sentence."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import av
import typer
from rich.console import Console
from rich.table import Table

from broker.media import rtcp
from broker.media.rtp import payload_start
from tests.bench.lossy_line import JITTER, KINDS, LOSS, SETTLED
from tests.support.clips import pictures
from tests.support.relay.peers import RawPeer
from tests.support.relay_front import RelayFront, relay_front
from tests.support.udp_proxy import Impairment, udp_proxy

SCRIPT = Path(__file__).with_name("foreign_viewer.mjs")
PACKAGES = {"werift": "werift", "libdatachannel": "node-datachannel"}
GSTREAMER = "gstreamer"
FOLDER = Path(tempfile.gettempdir(), "viewers")
STAP, SLICE = 24, 1  # packets with several NAL units (RFC 6184 5.7.1); NAL units of pictures that are no keyframe
SETS = (7, 8)  # H.264 parameter sets, which the relay puts before keyframes, too
LAST = 1.0  # seconds at the end whose pictures may still be on their way
VOTES = 10  # packets that say by how much the timestamps of both ends differ
WIDTH, HEIGHT = 160, 128  # of the clip that `RawPeer.play` sends
CLIP = (90, 30, WIDTH, HEIGHT, 60, 30)
console = Console(width=max(Console().width, 120))


class Publisher(RawPeer):
    """A room whose pictures are known: the payloads of each by timestamp, and when it was sent."""

    def __init__(self, front: RelayFront) -> None:
        super().__init__(front)
        self.pictures: dict[int, list[bytes]] = defaultdict(list)
        self.moments: dict[int, float] = {}
        self.named: dict[bytes, int] = {}
        """The timestamps of the payloads of which there is only one."""

    def send_rtp(self, packet: bytes) -> None:
        """Note the packets of the picture, and send them. Where there is room for one, a NAL unit with a number makes
        a packet unlike those of the clip's earlier rounds."""
        if packet[1] & 127 == self.payload_types["video"]:
            timestamp, start = int.from_bytes(packet[4:8], "big"), payload_start(packet)
            if packet[start] & 31 == STAP and packet[start + 3] & 31 == SLICE:
                packet = packet[: start + 1] + _numbered(timestamp) + packet[start + 1 :]
                self.named[packet[start:]] = timestamp
            payload = packet[start:]
            self.pictures[timestamp].append(payload)
            self.moments.setdefault(timestamp, asyncio.get_running_loop().time())
        super().send_rtp(packet)


@dataclass(frozen=True, slots=True)
class Row:
    """What one viewer got of the pictures that were sent: how many came whole and how many wrong; packets missing from
    its sequence numbers."""

    viewer: str
    kind: str
    sent: int
    whole: int
    damaged: int
    missing: int
    load: float
    decoded: str = ""
    """For GStreamer: how many pictures it decoded, and how many of these are none of the clip's."""


def _numbered(number: int) -> bytes:
    """Return a NAL unit of user data (H.264 D.1.7) with a number, as it stands in a packet with several."""
    unit = b"\x06\x05\x18" + b"huijian-numbered" + b"%08x" % number + b"\x80"
    return len(unit).to_bytes(2, "big") + unit


def _only_sets(payload: bytes) -> bool:
    """Whether a payload holds parameter sets and nothing else."""
    if payload[0] & 31 != STAP:
        return payload[0] & 31 in SETS
    at, kinds = 1, []
    while at + 2 < len(payload):
        kinds.append(payload[at + 2] & 31)
        at += 2 + int.from_bytes(payload[at : at + 2], "big")
    return all(kind in SETS for kind in kinds)


class Came:
    """The packets that came to a viewer, as it tells them, under the timestamps of the room."""

    def __init__(self, room: Publisher) -> None:
        self._room = room
        self._votes: Counter[int] = Counter()
        self._held: list[tuple[int, bytes]] = []
        self.pictures: dict[int, set[bytes]] = defaultdict(set)
        self.numbers: set[int] = set()
        self._highest = -1

    def take(self, number: int, timestamp: int, payload: bytes) -> None:
        """Take in one packet that has come to the viewer, in the order of arrival."""
        self._highest = number if self._highest < 0 else self._highest
        step = (number - self._highest + 0x8000 & 0xFFFF) - 0x8000
        self.numbers.add(self._highest + step)
        self._highest = max(self._highest, self._highest + step)
        self._held.append((timestamp, payload))
        if self._votes.total() < VOTES and payload in self._room.named:
            self._votes[(timestamp - self._room.named[payload]) & 0xFFFFFFFF] += 1
        if self._votes.total() >= VOTES:
            difference = self._votes.most_common(1)[0][0]
            for at, held in self._held:
                self.pictures[(at - difference) & 0xFFFFFFFF].add(held)
            self._held.clear()

    def judge(self, timestamps: list[int]) -> tuple[int, int]:
        """Return how many of these pictures came whole, and how many with a packet that was not sent."""
        sent = [(set(self._room.pictures[at]), self.pictures.get(at, set())) for at in timestamps]
        wrong = [{each for each in came - whole if not _only_sets(each)} for whole, came in sent]
        return sum(whole <= came for whole, came in sent), sum(map(bool, wrong))

    def missing(self, since: int) -> int:
        """Return how many numbers are missing among those from the one that came as the `since`-th on."""
        numbers = sorted(self.numbers)[since:]
        return numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0


def reference() -> set[bytes]:
    """Return the decoded pictures of the clip, each as bytes (I420)."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    units = [b"".join(b"\0\0\0\1" + nal for nal in nals) for nals in pictures(*CLIP)]
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit))] + decoder.decode(None)
    return {frame.to_ndarray(format="yuv420p").tobytes() for frame in frames}


@asynccontextmanager
async def node(viewer: str, packages: Path, front: RelayFront, room: Publisher) -> AsyncIterator[Came]:
    """Let a viewer on Node watch until the block ends."""
    url = f"{front.url}/whep/s/prison"
    arguments = (str(SCRIPT), PACKAGES[viewer], str(packages), url, "guard@site")
    process = await asyncio.create_subprocess_exec("node", *arguments, stdout=asyncio.subprocess.PIPE)
    came = Came(room)

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            number, timestamp, payload = line.split()
            came.take(int(number), int(timestamp), bytes.fromhex(payload.decode()))

    reading = asyncio.create_task(read())
    try:
        yield came
    finally:
        process.kill()
        await asyncio.gather(reading, process.wait())


class Shim(RawPeer):
    """ICE and DTLS for GStreamer, which gets RTP and RTCP in the clear on ports of its own; what it reports goes to the
    relay."""

    def __init__(self, front: RelayFront, came: Came) -> None:
        super().__init__(front)
        self.came = came
        self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inside.bind(("127.0.0.1", 0))
        self.inside.setblocking(False)
        self.ports = (_free_port(), _free_port())

    def take(self, data: bytes) -> None:
        """Hand a packet of the picture on; a retransmission becomes the packet that was lost."""
        super().take(data)
        _, packet = self.rtp.pop()
        if packet[1] & 127 == self.payload_types["video"]:
            lost = packet[:8] + self.ssrcs["video"].to_bytes(4, "big") + packet[12:]
            self.inside.sendto(lost, ("127.0.0.1", self.ports[0]))
            number, timestamp = int.from_bytes(lost[2:4], "big"), int.from_bytes(lost[4:8], "big")
            self.came.take(number, timestamp, lost[payload_start(lost) :])

    def reported(self, data: bytes) -> None:
        """Hand a report on the picture on."""
        report = next((rtcp.sender_report(each) for each in rtcp.compound(data) if each.kind == rtcp.SR), None)
        if report is not None and report.ssrc == self.ssrcs["video"]:
            self.inside.sendto(data, ("127.0.0.1", self.ports[1]))

    async def pass_reports(self) -> None:
        """Send GStreamer's reports and requests to the relay, until cancelled."""
        while True:
            self.send_rtcp(await asyncio.get_running_loop().sock_recv(self.inside, 2048))

    def pipeline(self) -> list[str]:
        """Return the command that receives and decodes, with raw pictures on its standard output."""
        media = (
            f"application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload={self.payload_types['video']}"
        )
        back = self.inside.getsockname()[1]
        session = "rtpbin name=b rtp-profile=avpf do-retransmission=true do-lost=true latency=300"
        asked = "rtcp-fb-nack=(boolean)true,rtcp-fb-nack-pli=(boolean)true"
        packets = f"udpsrc address=127.0.0.1 port={self.ports[0]} caps={media},{asked}"
        depacketized = "rtph264depay wait-for-keyframe=true request-keyframe=true ! video/x-h264,alignment=au"
        decoded = "avdec_h264 output-corrupt=false ! video/x-raw,format=I420 ! fdsink fd=1 sync=false"
        reports = f"udpsrc address=127.0.0.1 port={self.ports[1]} caps=application/x-rtcp ! b.recv_rtcp_sink_0"
        out = f"b.send_rtcp_src_0 ! udpsink host=127.0.0.1 port={back} sync=false async=false"
        text = f"{session} {packets} ! b.recv_rtp_sink_0 b. ! {depacketized} ! {decoded} {reports} {out}"
        return ["gst-launch-1.0", "-q", *text.split()]


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Decoded:
    """What GStreamer has decoded: how many pictures, and how many that are none of the clip's."""

    def __init__(self) -> None:
        self._right = reference()
        self.pictures = self.damaged = 0

    def take(self, picture: bytes) -> None:
        """Take in one decoded picture, and compare it with those of the clip."""
        self.pictures += 1
        self.damaged += picture not in self._right


@asynccontextmanager
async def gstreamer(front: RelayFront, port: int, came: Came) -> AsyncIterator[Decoded]:
    """Let GStreamer watch through the proxy's `port` until the block ends."""
    shim, decoded = Shim(front, came), Decoded()
    own, front.port = front.port, port
    try:
        await shim.watch_in_silence("prison")
    finally:
        front.port = own
    process = await asyncio.create_subprocess_exec(*shim.pipeline(), stdout=asyncio.subprocess.PIPE)

    async def read() -> None:
        assert process.stdout is not None
        while True:
            decoded.take(await process.stdout.readexactly(WIDTH * HEIGHT * 3 // 2))

    tasks = [asyncio.create_task(read()), asyncio.create_task(shim.pass_reports())]
    try:
        yield decoded
    finally:
        for task in tasks:
            task.cancel()
        if process.returncode is None:
            process.kill()
        await asyncio.gather(*tasks, return_exceptions=True)
        await process.wait()
        await shim.close()
        shim.inside.close()


async def measure(viewer: str, kind: str, seconds: float, packages: Path) -> Row:
    """Measure one viewer on one kind of line for so many seconds."""
    bad = KINDS[kind]
    async with relay_front() as front:
        await front.admit("s")
        room = Publisher(front)
        await room.publish("prison")
        room.play("prison", seconds=4 * (SETTLED + seconds))
        await front.fact("side_media", side="prison", on=True)
        async with udp_proxy(("127.0.0.1", front.port), Impairment() if bad.rate else bad, bad) as proxy:
            if viewer == GSTREAMER:
                came = Came(room)
                async with gstreamer(front, proxy.port, came) as decoded:
                    return await _row(viewer, kind, seconds, front, room, came, decoded)
            front.proxy_port = proxy.port
            async with node(viewer, packages, front, room) as came:
                return await _row(viewer, kind, seconds, front, room, came, None)


async def _row(
    viewer: str, kind: str, seconds: float, front: RelayFront, room: Publisher, came: Came, decoded: Decoded | None
) -> Row:
    """Watch for so many seconds once the viewer receives, and judge."""
    loop = asyncio.get_running_loop()
    await front.fact("subscription_changed", side="prison", on=True)
    await asyncio.sleep(SETTLED)
    before = (decoded.pictures, decoded.damaged) if decoded is not None else (0, 0)
    begun, since = loop.time(), len(came.numbers)
    await asyncio.sleep(seconds)
    ended = loop.time() - LAST
    asked = [at for at, moment in room.moments.items() if begun < moment < ended]
    summary = ""
    if decoded is not None:
        summary = f"{decoded.pictures - before[0]} ({decoded.damaged - before[1]} wrong)"
    await room.close()
    return Row(viewer, kind, len(asked), *came.judge(asked), came.missing(since), os.getloadavg()[0], summary)


def absent(viewer: str, packages: Path) -> str:
    """Return why a viewer cannot be measured, and what to do; empty where it can be."""
    if viewer == GSTREAMER:
        return "" if shutil.which("gst-launch-1.0") else "GStreamer is not there: apt-get install gstreamer1.0-tools"
    if shutil.which("node") is None:
        return f"{viewer} needs Node, which is not there: install Node 20 or newer"
    if not (packages / "node_modules" / PACKAGES[viewer]).is_dir():
        return f"{viewer} is not there: npm install --prefix {packages} {PACKAGES[viewer]}"
    return ""


def table(rows: list[Row]) -> Table:
    """Return the table of what was measured."""
    found = Table(title=f"{LOSS:.0%} loss at the viewer, {JITTER * 1000:.0f} ms of jitter", header_style="bold")
    for head in ("viewer", "line", "pictures sent", "whole %", "damaged", "packets missing", "decoded", "load"):
        found.add_column(head, justify="left" if head in ("viewer", "line") else "right")
    for row in rows:
        share = f"{100 * row.whole / max(1, row.sent):.2f}"
        counts = (str(row.sent), share, str(row.damaged), str(row.missing), row.decoded)
        found.add_row(row.viewer, row.kind, *counts, f"{row.load:.1f}")
    return found


def main(
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 20.0,
    kinds: Annotated[str, typer.Option(help="Kinds of line, with commas.")] = "random,bursts",
    viewers: Annotated[str, typer.Option(help="Viewers, with commas.")] = ",".join((*PACKAGES, GSTREAMER)),
    packages: Annotated[Path, typer.Option(help="Folder with node_modules.")] = FOLDER,
) -> None:
    """Measure each viewer on each kind of line; one that is missing is left out."""
    rows = []
    for viewer in viewers.split(","):
        if why := absent(viewer, packages.resolve()):
            console.print(why)
            continue
        for kind in kinds.split(","):
            rows.append(asyncio.run(measure(viewer, kind, seconds, packages.resolve())))
            console.print(rows[-1], highlight=False)
    console.print(table(rows))


if __name__ == "__main__":
    typer.run(main)
