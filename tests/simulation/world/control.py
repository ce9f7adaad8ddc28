"""The control process: the real store, journal and broker, without the HTTP around them."""

import asyncio
from pathlib import Path

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import Clock


class Control:
    """One run of the control process. `broker` is None until it has started."""

    def __init__(self, url: str, run_dir: Path, clock: Clock) -> None:
        self._url, self._run_dir, self._clock = url, run_dir, clock
        self.broker: Broker | None = None
        self.store: Store | None = None

    async def main(self) -> None:
        """Run until the process is killed. Raises what ends the process at its start."""
        async with (
            Store(self._url, self._clock) as store,
            Journal(store.engine, self._clock) as journal,
            Broker(store, journal, self._clock, self._run_dir, 1) as broker,
        ):
            self.store, self.broker = store, broker
            await asyncio.Event().wait()
