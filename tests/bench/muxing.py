"""The CPU time of recording, beside `ffmpeg -c copy`: python -m tests.bench.muxing [SESSIONS] [SECONDS] [REPETITIONS]
[fragmented].

The same packets go to one recorder, on one connection as from one relay worker, and at the same time, as RTP described
by an SDP, to an ffmpeg for each session. ffmpeg writes a plain MP4, which is nothing until it is finished; `fragmented`
lets it write fragments as long as the recorder's, so that a kill costs as little. What the recorder does besides is in
docs/performance.md."""

import asyncio
import base64
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from broker.kernel.clock import monotonic_ns
from broker.kernel.database import engine_for
from broker.media.tap_format import RTP, pack
from config.logs import configure
from recorder.archive.tables import METADATA
from recorder.mp4.muxer import FRAGMENT_MICROSECONDS
from tests.bench import process
from tests.support import clips
from tests.support.recorder import RecorderProcess, Relay, start_order

WARM = 4.0  # seconds until every file has begun
SPS, PPS = 7, 8
FRAGMENTED = ("-movflags", "empty_moov+default_base_moof", "-frag_duration", str(FRAGMENT_MICROSECONDS))


class Both(Relay):
    """A relay worker that sends each packet to the recorder's tap and to an ffmpeg. The packets of a picture are one
    message on the tap, because they leave a browser within 0.2 ms and a relay reads them in one pass."""

    def __init__(self, run: Path, tap: int, ports: list[int], connection: socket.socket | None) -> None:
        super().__init__(run, tap, connection=connection)
        self._ports = ports
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._message: list[bytes] = []

    def send(self, track: int, data: bytes, kind: int = RTP) -> None:
        """Add a packet to the message for the tap, and send it to ffmpeg."""
        self._message.append(pack(self.tap, track, kind, monotonic_ns(), data))
        self._udp.sendto(data, ("127.0.0.1", self._ports[track]))

    def _send(self, track: int) -> None:
        super()._send(track)
        self.socket.send(b"".join(self._message))
        self._message.clear()

    def close(self) -> None:
        """Close the tap and the socket to ffmpeg."""
        super().close()
        self._udp.close()


def free_ports() -> list[int]:
    """Return four even UDP ports whose odd neighbours (RTCP) are free as well."""
    found: list[int] = []
    while len(found) < 4:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp,
        ):
            rtp.bind(("127.0.0.1", 0))
            port = rtp.getsockname()[1]
            try:
                rtcp.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            if port % 2 == 0 and port not in found:
                found.append(port)
    return found


def description(ports: list[int]) -> str:
    """Return the SDP of the four streams."""
    nals = clips.pictures(shade=60)[0]
    parameters = [next(nal for nal in nals if nal[0] & 31 == kind) for kind in (SPS, PPS)]
    sets = ",".join(base64.b64encode(nal).decode() for nal in parameters)
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=bench", "c=IN IP4 127.0.0.1", "t=0 0"]
    for track, port in enumerate(ports):
        if track % 2:
            lines += [f"m=audio {port} RTP/AVP 96", "a=rtpmap:96 opus/48000/2"]
        else:
            fmtp = f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}"
            lines += [f"m=video {port} RTP/AVP 96", "a=rtpmap:96 H264/90000", fmtp]
    return "\n".join(lines) + "\n"


async def start_ffmpeg(folder: Path, number: int, fragmented: bool) -> tuple[asyncio.subprocess.Process, list[int]]:
    """Start an ffmpeg that copies a session into an MP4, and return it with its UDP ports."""
    ports = free_ports()
    sdp = folder / f"{number}.sdp"
    sdp.write_text(description(ports))
    options = ("-v", "quiet", "-y", "-nostdin", "-protocol_whitelist", "file,udp,rtp", "-i", str(sdp))
    form = FRAGMENTED if fragmented else ()
    copier = await asyncio.create_subprocess_exec(
        "ffmpeg", *options, "-map", "0", "-c", "copy", *form, str(folder / f"{number}.mp4")
    )
    return copier, ports


async def compare(sessions: int, seconds: float, fragmented: bool) -> tuple[float, float]:
    """Return the CPU seconds of the recorder, and of all ffmpegs together."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hjm", ignore_cleanup_errors=True)))
        run = folder / "run"
        run.mkdir(mode=0o700)
        url = f"sqlite+aiosqlite:///{folder / 'h.sqlite'}"
        engine = engine_for(url)
        async with engine.begin() as db:
            await db.run_sync(METADATA.create_all)
        await engine.dispose()
        environment = {"HUIJIAN_DATABASE_URL": url, "HUIJIAN_LOG_LEVEL": "error", "HUIJIAN_VIEW_JOBS": "0"}
        recorder = await stack.enter_async_context(RecorderProcess(folder, run, **environment))
        copiers: list[asyncio.subprocess.Process] = []
        relays: list[Both] = []
        for number in range(sessions):
            copier, ports = await start_ffmpeg(folder, number, fragmented)
            copiers.append(copier)
            await recorder.call(start_order(f"session_{number}", number + 1))
            relays.append(Both(run, number + 1, ports, relays[0].socket if relays else None))
        try:
            await asyncio.gather(*(relay.play(WARM) for relay in relays))
            pids = [copier.pid for copier in copiers]
            ours, theirs = process.cpu_seconds(recorder.process.pid), sum(map(process.cpu_seconds, pids))
            await asyncio.gather(*(relay.play(seconds) for relay in relays))
            return (
                process.cpu_seconds(recorder.process.pid) - ours,
                sum(map(process.cpu_seconds, pids)) - theirs,
            )
        finally:
            for relay in relays:
                relay.close()
            for copier in copiers:
                await process.stop(copier)
            await recorder.kill()  # its files are thrown away, so their checksums are not waited for


async def main(sessions: int, seconds: float, repetitions: int, fragmented: bool) -> None:
    """Print the CPU time of each repetition, and the median ratio."""
    ratios = []
    for _ in range(repetitions):
        ours, theirs = await compare(sessions, seconds, fragmented)
        ratios.append(ours / max(theirs, 1e-9))
        recorder, ffmpeg = (1000 * used / sessions / seconds for used in (ours, theirs))
        print(f"{sessions} sessions, CPU ms a second and session: recorder {recorder:.1f}, ffmpeg {ffmpeg:.1f}")
    print(f"ratio {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    configure("warning")
    numbers = [float(argument) for argument in sys.argv[1:] if argument != "fragmented"]
    values = numbers + [8, 20, 3][len(numbers) :]
    asyncio.run(main(int(values[0]), values[1], int(values[2]), "fragmented" in sys.argv))
