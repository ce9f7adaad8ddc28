"""What the recorder found not to agree is in the journal, each once, before the recorder may forget it."""

from pyee.asyncio import AsyncIOEventEmitter
from recorder.archive.differences import Difference, Differences

from broker.control.journal.journal import Journal
from broker.control.relay_facts import Hearing
from broker.control.store.tables import journal
from broker.kernel.errors import RecorderUnavailable


class PretendedRecorder:
    """Has differences to tell, and can be gone."""

    def __init__(self, count: int) -> None:
        self.waiting = Differences(Difference("film_missing", f"session_{n}") for n in range(count))
        self.gone = False

    async def differences(self):
        if self.gone:
            raise RecorderUnavailable("gone")
        return self.waiting.first()

    async def noted(self, up_to: int) -> None:
        if self.gone:
            raise RecorderUnavailable("gone")
        self.waiting.noted(up_to)


async def test_are_journaled_though_there_are_many_and_only_once(store, clock) -> None:
    async with Journal(store.engine, clock) as kept:
        hearing = Hearing({}, {}, kept, clock, AsyncIOEventEmitter(), None, None)  # type: ignore[arg-type]
        hearing.recorders = recorder = PretendedRecorder(450)  # type: ignore[assignment]
        recorder.gone = True
        await hearing._differ()
        assert len(recorder.waiting) == 450
        recorder.gone = False
        await hearing._differ()
        await hearing._differ()
        assert len(recorder.waiting) == 0
    async with store.engine.connect() as db:
        rows = (await db.execute(journal.select().where(journal.c.kind == "ArchiveDiffers"))).mappings().all()
    assert [row["session"] for row in rows] == [f"session_{n}" for n in range(450)]
    assert {row["author"] for row in rows} == {"recorder"} and '"film_missing"' in str(rows[0]["data"])
