"""The start of a recording that the end of its session overtakes."""

import asyncio
from types import SimpleNamespace

from broker.control.effects import EffectRunner
from broker.control.session_runner import RecordingView
from broker.kernel.tasks import Tasks
from broker.session.effects import StartRecording
from broker.session.state import State


class SlowRecorder:
    """A recorder that answers a start only when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def start(self, *_: object) -> None:
        await self.let_go.wait()


async def ended_while_starting(state: State) -> tuple[list[str], list[str]]:
    """Return which sessions were finished and which were tapped, when the session is in `state` after the start."""
    recorder, tasks, finished, tapped = SlowRecorder(), Tasks(), [], []
    session = SimpleNamespace(id="ses_one", state=State.READY, gate=SimpleNamespace(stop_at=None))
    runner = SimpleNamespace(session=session, policy=None, recording=RecordingView())

    async def finish(runner: SimpleNamespace) -> None:
        finished.append(runner.session.id)

    async def tap(session: str) -> None:
        tapped.append(session)

    clock = SimpleNamespace(now=lambda: None)
    effects = EffectRunner(
        SimpleNamespace(tap=tap), recorder, SimpleNamespace(finish=finish), tasks, clock, None, lambda _: None
    )
    effects.perform(runner, StartRecording())
    await asyncio.sleep(0)
    session.state = state
    recorder.let_go.set()
    await tasks.wait()
    return finished, tapped


class TestTheStartOfARecording:
    async def test_is_finished_where_the_session_ended_meanwhile(self) -> None:
        assert await ended_while_starting(State.ENDED) == (["ses_one"], [])

    async def test_is_tapped_where_the_session_goes_on(self) -> None:
        assert await ended_while_starting(State.READY) == ([], ["ses_one"])
