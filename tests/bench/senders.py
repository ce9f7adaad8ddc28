"""Records how real senders burst: python -m tests.bench.senders. Chromium and the kiosk agent publish by WHIP to a real
relay worker, through a socket that records; GStreamer and FFmpeg send plain RTP to such a socket. All send 720p at some
1.5 Mbit/s. The bench sends what was measured of Chromium (`--pace bursts` of `make bench`)."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from broker.kernel.ids import Side
from config.logs import configure
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.webrtc.peer import ServerAccess, publish
from tests.bench.arrivals import Pattern, Recorder, pattern
from tests.support.chromium import chromium
from tests.support.relay_front import RelayFront, relay_front

SETTLED = 4.0  # seconds in which a sender finds its rate
PAYLOAD = 1200  # bytes of the longest packet of the muxers, as they are told
FILM, FOR_EVER = 60, 3600  # seconds of what is coded before, and of what is coded meanwhile
SIZE, FPS, BITRATE = (1280, 720), 30, 1_570_000
PUBLISH = """(size) => {
  const canvas = Object.assign(document.createElement("canvas"), size);
  const brush = canvas.getContext("2d");
  let number = 0;
  setInterval(() => {
    number += 1;
    for (let count = 0; count < 40; count += 1) {
      brush.fillStyle = `hsl(${Math.random() * 360} 60% ${Math.random() * 100}%)`;
      brush.fillRect(Math.random() * size.width, Math.random() * size.height, 24, 24);
    }
    brush.fillStyle = "#c04020";
    brush.fillRect((number * 9) % size.width, size.height / 2, 80, 80);
  }, 1000 / size.rate);
  return (async () => {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true });
    media.addTrack(canvas.captureStream(size.rate).getVideoTracks()[0]);
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of media.getTracks()) {
      const sendEncodings = track.kind === "video" ? [{ maxBitrate: size.bitrate }] : [{}];
      connection.addTransceiver(track, { direction: "sendonly", streams: [media], sendEncodings });
    }
    return negotiate("room", "/whip/s", "prison", connection);
  })();
}"""
Sending = Callable[[], AbstractAsyncContextManager[Recorder]]
console = Console(width=max(Console().width, 140))


@asynccontextmanager
async def recorded() -> AsyncIterator[Recorder]:
    """Open a socket that records what is sent to it."""
    recorder = Recorder()
    try:
        yield recorder
    finally:
        recorder.close()


@asynccontextmanager
async def before_a_worker() -> AsyncIterator[tuple[Recorder, RelayFront]]:
    """Run a worker to which clients come through a socket that records, and a watcher's session `s`."""
    async with relay_front() as front:
        await front.admit("s")
        recorder = Recorder(("127.0.0.1", front.port))
        front.proxy_port = recorder.port
        try:
            yield recorder, front
        finally:
            recorder.close()


@asynccontextmanager
async def browser() -> AsyncIterator[Recorder]:
    """Have Chromium publish a picture of moving colours."""
    async with before_a_worker() as (recorder, front), chromium("--disable-background-timer-throttling") as running:
        page = await running.new_page()
        await page.goto(f"{front.url}/peer.html")
        size = {"width": SIZE[0], "height": SIZE[1], "rate": FPS, "bitrate": BITRATE}
        await page.evaluate(PUBLISH, size)
        await front.fact("side_media", side="prison", on=True)
        yield recorder


@asynccontextmanager
async def kiosk() -> AsyncIterator[Recorder]:
    """Have the kiosk agent's own connection publish a generated room."""
    async with before_a_worker() as (recorder, front), aiohttp.ClientSession() as http:
        sources = generated_sources(Side.PRISON, SIZE, FPS)
        video, audio = sources.tracks()
        peer = await publish(ServerAccess(http, front.url, "prison"), "s", video, audio)
        try:
            yield recorder
        finally:
            await peer.close()
            await sources.close()


@asynccontextmanager
async def _program(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def gstreamer() -> AsyncIterator[Recorder]:
    """Have GStreamer's payloader send a film through its UDP sink, at the film's own pace."""
    async with recorded() as recorder:
        with tempfile.TemporaryDirectory(prefix="hjb") as folder:
            film = Path(folder) / "film.mp4"
            async with _program(*_coded(FILM), "-bf", "0", str(film)) as encoder:
                await encoder.wait()
            sink = f"udpsink host=127.0.0.1 port={recorder.port} sync=true"
            line = f"filesrc location={film} ! qtdemux ! rtph264pay mtu={PAYLOAD} ! {sink}"
            async with _program("gst-launch-1.0", "-q", *line.split()):
                yield recorder


@asynccontextmanager
async def ffmpeg() -> AsyncIterator[Recorder]:
    """Have FFmpeg's RTP muxer send in real time."""
    async with recorded() as recorder:
        target = f"rtp://127.0.0.1:{recorder.port}?pkt_size={PAYLOAD}"
        async with _program(*_coded(FOR_EVER, "-re"), "-f", "rtp", target):
            yield recorder


def _coded(seconds: int, *before: str) -> list[str]:
    """Return the command of FFmpeg for so many seconds of a test picture with noise, up to its output: one slice a
    picture, as cameras send it."""
    source = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={FPS}:duration={seconds},noise=alls=12:allf=t"
    rate = f"-b:v {BITRATE} -maxrate {BITRATE} -bufsize {BITRATE}"
    coded = "-c:v libx264 -preset veryfast -tune zerolatency -x264-params sliced-threads=0"
    coded += f" {rate} -g {2 * FPS} -pix_fmt yuv420p"
    return ["ffmpeg", "-v", "error", *before, "-f", "lavfi", "-i", source, *coded.split()]


SENDERS: dict[str, tuple[str | None, Sending]] = {
    "Chromium": ("chromium", browser),
    "kiosk": (None, kiosk),
    "GStreamer": ("gst-launch-1.0", gstreamer),
    "FFmpeg": ("ffmpeg", ffmpeg),
}
"""Each sender with the program that it needs."""


async def measure(sending: Sending, seconds: float) -> Pattern:
    """Return how the pictures of a sender arrive in so many seconds."""
    async with sending() as recorder:
        await asyncio.sleep(SETTLED + seconds)
        return pattern(recorder.arrivals, SETTLED)


def table(found: dict[str, Pattern]) -> Table:
    """Return what was measured as a table; pairs are the median and the 95th percentile."""
    made = Table(title=f"load average {os.getloadavg()[0]:.1f}", header_style="bold")
    for head in ("sender", "pictures", "packets", "span ms", "gap ms", "sizes", "leave with another"):
        made.add_column(head)
    for name, each in found.items():
        sizes = ", ".join(f"{kind} {share:.0%}" for kind, share in each.sizes.items())
        pairs = [
            "{:.0f} / {:.0f}".format(*each.packets),
            *("{:.2f} / {:.2f}".format(*two) for two in (each.span, each.gap)),
        ]
        made.add_row(name, str(each.pictures), *pairs, sizes, f"{each.together:.0%}")
    return made


def main(
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 20.0,
    only: Annotated[str, typer.Option(help="Senders, with commas.")] = ",".join(SENDERS),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every pattern to this file.")] = None,
) -> None:
    """Measure each sender that this machine has."""
    configure("error")
    found: dict[str, Pattern] = {}
    for name in only.split(","):
        program, sending = SENDERS[name]
        if program is not None and shutil.which(program) is None:
            console.print(f"{name}: no {program} here", highlight=False)
            continue
        try:
            found[name] = asyncio.run(measure(sending, seconds))
        except ValueError as error:
            console.print(f"{name}: {error}", highlight=False)
    console.print(table(found))
    if json_file is not None:
        kept = {name: {member: getattr(each, member) for member in Pattern.__slots__} for name, each in found.items()}
        json_file.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    typer.run(main)
