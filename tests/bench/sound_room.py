"""A room for sound without a sound card: a PulseAudio of its own with a loudspeaker, a microphone that hears
it more quietly. Between them is no air: the echo comes as late as the buffers of a sound card let it, some 30 ms."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.patience import PATIENCE

FULL = 65536
"""PulseAudio's number of the volume that changes nothing; volumes are cubic."""
ROOM = """
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=loudspeaker rate=48000 channels=2
load-module module-null-sink sink_name=elsewhere rate=48000 channels=2
load-module module-remap-source master={hears}.monitor source_name=microphone source_properties=device.description=Room
set-default-sink loudspeaker
set-default-source microphone
set-sink-volume loudspeaker {volume}
"""
"""The microphone hears what a sink plays: one clock and no buffer between them, as a second one that runs dry on a busy
machine would be what no air is, an echo that comes sooner and later by turns."""


class SoundRoomError(Exception):
    """The sound server does not start; the text is what it says."""


@asynccontextmanager
async def sound_room(loss: float | None) -> AsyncIterator[dict[str, str]]:
    """Run the room until the block ends; yield the environment of programs in it. The microphone hears the loudspeaker
    more quietly by the `loss` (dB); None is a room in which it does not hear it."""
    with tempfile.TemporaryDirectory(prefix="hj-sound-") as folder:
        socket, script = Path(folder, "native"), Path(folder, "room.pa")
        volume = round(FULL * 10 ** (-(loss or 0.0) / 60))
        hears = "elsewhere" if loss is None else "loudspeaker"
        script.write_text(ROOM.format(socket=socket, volume=volume, hears=hears), "ascii")
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
