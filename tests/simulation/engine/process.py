"""A simulated process: an event loop that can be stopped, and killed at any await, and is started again by its
supervisor."""

from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.engine.network import Network
from tests.simulation.engine.scheduler import Handle, Scheduler, SimLoop

FIRST_PAUSE, LONGEST_PAUSE, SETTLED = 0.1, 5.0, 10.0
"""Seconds until a dead process is started again, at most, and after which the pause begins anew (the supervisor's)."""


class Process:
    """One process of the service. `boot` makes the coroutine of a run; `note` writes what happens down."""

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        network: Network,
        boot: Callable[[SimLoop], Coroutine[Any, Any, None]],
        note: Callable[..., None],
        starting: Callable[[], float],
        over: Callable[[], bool],
    ) -> None:
        self.name, self._scheduler, self._network = name, scheduler, network
        self._boot, self._note, self._starting = boot, note, starting
        self.over = over
        self.loop: SimLoop | None = None
        self.latency: Callable[[], float] = lambda: 0.001
        self.loops: list[SimLoop] = []
        """The loops of all runs. Dead ones are kept: a coroutine that is collected would go on to its end."""
        self._runs: list[Any] = []
        self._pause, self._started = FIRST_PAUSE, 0.0

    @property
    def runs(self) -> bool:
        """Whether the process is there and not stopped."""
        return self.loop is not None and self.loop.paused_until <= self._scheduler.now

    def start(self, kernel: SimLoop) -> None:
        """Start a run of the process. `kernel` is the loop of the world, which restarts it when it dies by itself."""
        loop = self.loop = SimLoop(self._scheduler, self.name, self._network, self._failed)
        loop.latency = self.latency
        self.loops.append(loop)
        self._started = self._scheduler.now
        self._kernel = kernel
        self._note("started", self.name)
        self._scheduler.add(Handle(loop, self._scheduler.now, self._main, (loop,), None), True)

    def _main(self, loop: SimLoop) -> None:
        task = loop.create_task(self._boot(loop))
        self._runs.append(task)
        task.add_done_callback(lambda done: self._ended(loop, done))

    def _ended(self, loop: SimLoop, task: Any) -> None:
        if self.loop is not loop:
            return
        error = None if task.cancelled() else task.exception()
        self._note("ended", self.name, why=type(error).__name__)
        self.kill(restart=True)

    def _failed(self, message: str, error: BaseException) -> None:
        self._note("fault", self.name, what=message, error=repr(error)[:300])

    def kill(self, restart: bool = True, down: float = 0.0) -> None:
        """End the process at once, wherever it is. It starts again after its pause, `down` at least."""
        loop = self.loop
        if loop is None:
            return
        loop.dead, self.loop = True, None
        self._note("killed", self.name)
        self._network.died(loop)
        if restart:
            settled = self._scheduler.now - self._started > SETTLED
            self._pause = FIRST_PAUSE if settled else min(self._pause * 2, LONGEST_PAUSE)
            wait = max(down, self._pause) + self._starting()
            self._kernel.call_later(wait, self._again)

    def _again(self) -> None:
        if self.loop is None and not self.over():
            self.start(self._kernel)

    def stop(self, seconds: float) -> None:
        """Let the process not run for a while (SIGSTOP, a machine that swaps)."""
        if self.loop is not None:
            self.loop.paused_until = max(self.loop.paused_until, self._scheduler.now + seconds)
            self._note("stopped", self.name, seconds=round(seconds, 3))
