"""The recorder process: the real service with its archive on the simulated disk. Only its tap socket is pretended, and
no view copies are made."""

import asyncio
from pathlib import Path
from typing import Any

from broker.kernel.clock import Clock
from config.settings import Settings
from recorder import process
from recorder.pipeline import tap_reader
from recorder.pipeline.tap_reader import Tap
from tests.simulation.engine.network import Network, PacketListener
from tests.simulation.engine.scheduler import SimLoop


class SimTap(Tap):
    """The real reader of the tap over a pretend socket."""

    network: Network

    def start(self) -> None:
        loop: Any = asyncio.get_running_loop()
        self._path.unlink(missing_ok=True)
        self._listener = PacketListener(self.network, loop, str(self._path))  # type: ignore[assignment]
        loop.add_reader(self._listener, self._connect)


class Recorder:
    """One run of the recorder process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.service: process.Service | None = None

    async def main(self) -> None:
        """Run until the process is killed. Raises what ends it at its start."""
        async with process.Service(self._settings, self._clock) as self.service:
            await asyncio.Event().wait()


def settings_in(folder: Path) -> Settings:
    """Return the settings of a world whose files are in `folder`."""
    return Settings(
        data_dir=folder / "data",
        database_url=f"sqlite+aiosqlite:///{folder / 'data' / 'huijian.sqlite'}",
        archive_dir=folder / "archive",
        run_dir=folder / "run",
        relay_workers=1,
        view_jobs=0,
        disk_reserve_bytes=1 << 30,
    )


def with_pretend_tap(patch: Any, network: Network) -> None:
    """Let the recorder's tap read from the pretend network, and leave the encoder out of its start."""
    patch.setattr(tap_reader, "RESTS", (0.1,))  # not so often as there
    patch.setattr(process, "Tap", type("Tap", (SimTap,), {"network": network}))


__all__ = ["Recorder", "SimLoop", "settings_in", "with_pretend_tap"]
