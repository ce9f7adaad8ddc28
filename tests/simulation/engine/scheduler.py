"""The scheduler of simulated time: one heap of timers and one queue of ready calls drive the event loops of all
simulated processes.

A loop is a real asyncio loop as far as the product uses one, so that the product's tasks run unchanged. Time jumps to
the next timer when nothing is ready. The order of calls follows from the order in which they were made, and from
nothing else."""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable
from typing import Any

TICK = 1e-6
"""Seconds that a timer takes at least: less is lost in the rounding of larger numbers, and time would stand still."""


class Handle:
    """A call that is due. The asyncio library cancels it by `cancel`."""

    __slots__ = ("args", "callback", "cancelled_", "context", "loop", "when_")

    def __init__(
        self, loop: "SimLoop", when: float, callback: Callable[..., Any], args: tuple[Any, ...], context: Any
    ) -> None:
        self.loop, self.when_, self.callback, self.args, self.context = loop, when, callback, args, context
        self.cancelled_ = False

    def cancel(self) -> None:
        """Make the call not happen."""
        self.cancelled_ = True

    def cancelled(self) -> bool:
        """Whether the call will not happen."""
        return self.cancelled_

    def when(self) -> float:
        """Return the time of the call, in seconds of the loop."""
        return self.when_


class Stuck(Exception):
    """The simulation makes no progress: calls beget calls without time passing."""


class Killed(BaseException):
    """A process died in the middle of a call: its disk or its memory took part in nothing more."""


class Scheduler:
    """The one source of time. `now` is true time: seconds since the simulation began."""

    MOST_AT_ONCE = 200_000
    MANY = 1000
    """Calls at one moment after which a moment passes: a processor takes time, too, and waits that are shorter than
    what the float of a clock can tell would never be over."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = 0
        self.current: SimLoop | None = None
        """The loop of the process that runs at this moment."""
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._number = 0

    def add(self, handle: Handle, now: bool) -> None:
        """Take a call: at its time, or now."""
        if now:
            self._ready.append(handle)
        else:
            self._number += 1
            heapq.heappush(self._timers, (handle.when_, self._number, handle))

    def run(self, until: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Let time pass up to `until`, or to a moment at which `stop` says so. Raises Stuck. Afterwards the caller is
        outside of every process again, so that no test that follows finds a loop running."""
        try:
            self._run(until, stop)
        finally:
            self.current = None
            events._set_running_loop(None)

    def _run(self, until: float, stop: Callable[[], bool]) -> None:
        ready, timers, burst = self._ready, self._timers, 0
        while True:
            while ready:
                burst += 1
                if burst % self.MANY == 0:
                    self.now += TICK
                if burst > self.MOST_AT_ONCE:
                    raise Stuck(f"{self.MOST_AT_ONCE} calls at {self.now:.3f} s")
                self._call(ready.popleft())
            burst = 0
            if stop() or not timers or timers[0][0] > until:
                if not stop():
                    self.now = max(self.now, until)
                return
            self.now = max(self.now, timers[0][0])
            while timers and timers[0][0] <= self.now:
                handle = heapq.heappop(timers)[2]
                if not handle.cancelled_:
                    ready.append(handle)

    def _call(self, handle: Handle) -> None:
        loop = handle.loop
        if handle.cancelled_ or loop.dead:
            return
        if loop.paused_until > self.now:
            loop.delay(handle)
            return
        self.calls += 1
        if self.current is not loop:
            self.current = loop
            events._set_running_loop(loop)  # type: ignore[arg-type]
        try:
            if handle.context is None:
                handle.callback(*handle.args)
            else:
                handle.context.run(handle.callback, *handle.args)
        except Killed:
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            loop.call_exception_handler({"message": "a callback failed", "exception": error})


class SimLoop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. `offset` is what its clock shows at true time nought."""

    def __init__(self, scheduler: Scheduler, name: str, network: Any, failed: Callable[[str, BaseException], None]):
        self.scheduler, self.name, self.network = scheduler, name, network
        self.dead = False
        self.paused_until = 0.0
        self.latency: Callable[[], float] = lambda: 0.001
        """Seconds that the next piece of work in a worker thread takes."""
        self._failed = failed
        self._delayed: list[Handle] = []
        self._busy: dict[int, float] = {}
        self._tasks = 0

    # --- calls ---------------------------------------------------------------------------------------------------

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Handle:  # type: ignore[override]
        handle = Handle(self, self.scheduler.now, callback, args, context)
        self.scheduler.add(handle, True)
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Handle:  # type: ignore[override]
        now = self.scheduler.now
        handle = Handle(self, max(when, now + TICK) if when > now else when, callback, args, context)
        self.scheduler.add(handle, False)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Handle:  # type: ignore[override]
        return self.call_at(self.scheduler.now + max(delay, 0.0), callback, *args, context=context)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Handle:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def time(self) -> float:
        return self.scheduler.now

    def delay(self, handle: Handle) -> None:
        """Keep a call until the process runs again."""
        self._delayed.append(handle)
        if len(self._delayed) == 1:
            wake = Handle(_Always(self), self.paused_until, self._resume, (), handle.context)  # type: ignore[arg-type]
            self.scheduler.add(wake, False)

    def _resume(self) -> None:
        if self.paused_until > self.scheduler.now:
            wake = Handle(_Always(self), self.paused_until, self._resume, (), None)  # type: ignore[arg-type]
            self.scheduler.add(wake, False)
            return
        delayed, self._delayed = self._delayed, []
        for handle in delayed:
            self.scheduler.add(handle, True)

    # --- tasks and futures -----------------------------------------------------------------------------------------

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> "asyncio.Task[Any]":
        self._tasks += 1
        return asyncio.Task(coro, loop=self, name=name or f"{self.name}-{self._tasks}", context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Run `func` after the time that it takes, as a worker thread would; an own executor has one thread."""
        future = self.create_future()
        begin = max(self.scheduler.now, self._busy.get(id(executor), 0.0) if executor is not None else 0.0)
        when = begin + self.latency()
        if executor is not None:
            self._busy[id(executor)] = when
        self.call_at(when, _work, future, func, args)
        return future

    # --- sockets ---------------------------------------------------------------------------------------------------

    async def create_unix_connection(self, protocol_factory: Any, path: Any = None, **_: Any) -> Any:
        return await self.network.connect(self, protocol_factory, str(path))

    async def create_unix_server(self, protocol_factory: Any, path: Any = None, **_: Any) -> Any:
        return self.network.listen(self, protocol_factory, str(path))

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        fd.watch(self, callback, args)

    def remove_reader(self, fd: Any) -> bool:
        fd.watch(self, None, ())
        return True

    # --- the rest that asyncio asks for ------------------------------------------------------------------------------

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self.dead and error is not None:
            self._failed(str(context.get("message")), error)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)


class _Always:
    """A loop that stands for the kernel, which runs also while a process is stopped."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.paused_until = 0.0
        self.call_exception_handler = loop.call_exception_handler

    @property
    def dead(self) -> bool:
        return self._loop.dead


def _work(future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = func(*args)
    except Exception as error:
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)
