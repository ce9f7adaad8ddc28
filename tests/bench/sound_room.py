"""A room for sound without a sound card: a PulseAudio of its own with a loudspeaker, a microphone, and between them the
air, which carries the loudspeaker's sound to the microphone later and more quietly."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.patience import PATIENCE

FULL = 65536
"""PulseAudio's number of the volume that changes nothing; volumes are cubic."""
ROOM = """
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=loudspeaker rate=48000 channels=2
load-module module-null-sink sink_name=ear rate=48000 channels=1
load-module module-remap-source master=ear.monitor source_name=microphone source_properties=device.description=Room
set-default-sink loudspeaker
set-default-source microphone
set-sink-volume ear {volume}
"""
AIR = "load-module module-loopback source=loudspeaker.monitor sink=ear latency_msec={delay} adjust_time=0\n"
"""The way of the sound; without adjustment, as a rate that is adjusted all the time is what no real air does."""


@dataclass(frozen=True, slots=True)
class Air:
    """What the air does to the loudspeaker's sound: how much more quiet it is at the microphone (dB), and how much
    later (ms, the device's own buffers apart)."""

    loss: float
    delay: int


class SoundRoomError(Exception):
    """The sound server does not start; the text is what it says."""


@asynccontextmanager
async def sound_room(air: Air | None) -> AsyncIterator[dict[str, str]]:
    """Run the room until the block ends; yield the environment of programs in it. None is a room whose microphone does
    not hear the loudspeaker."""
    with tempfile.TemporaryDirectory(prefix="hj-sound-") as folder:
        socket, script = Path(folder, "native"), Path(folder, "room.pa")
        volume = FULL if air is None else round(FULL * 10 ** (-air.loss / 60))
        text = ROOM.format(socket=socket, volume=volume) + ("" if air is None else AIR.format(delay=air.delay))
        script.write_text(text, "ascii")
        quiet = ("--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes", "--log-level=error")
        process = await asyncio.create_subprocess_exec(
            *("pulseaudio", "-n", *quiet, "--high-priority=yes", "--realtime=yes", f"--file={script}"),
            env={**os.environ, "PULSE_RUNTIME_PATH": folder, "HOME": folder, "XDG_RUNTIME_DIR": folder},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await _answers(process, socket)
            yield {"PULSE_SERVER": f"unix:{socket}"}
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _answers(process: asyncio.subprocess.Process, socket: Path) -> None:
    """Wait until the server takes connections, which its last module makes possible."""
    async with asyncio.timeout(PATIENCE):
        while process.returncode is None:
            check = await asyncio.create_subprocess_exec(
                *("pactl", "get-default-source"),
                env={**os.environ, "PULSE_SERVER": f"unix:{socket}"},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            if (await check.communicate())[0].strip() == b"microphone":
                return
            await asyncio.sleep(0.1)  # another process starts, which sets no event in this one
    assert process.stderr is not None
    raise SoundRoomError((await process.stderr.read()).decode())
