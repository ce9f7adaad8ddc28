"""What the facts of the recorder mean: each alarm and each difference is noted once, and what is archived announced."""

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.recorder_facts import RecorderFacts
from broker.control.recordings import Recordings
from broker.control.store.tables import journal
from broker.ipc.recorder_messages import ArchiveAlarm, RecordingArchived
from broker.kernel.errors import RecorderUnavailable
from broker.kernel.ids import SessionId
from broker.kernel.tasks import Tasks
from recorder.alarms import Difference, Differences
from tests.support.control.live_visit import LiveVisit


def test_an_alarm_is_journaled_once_however_often_it_is_repeated() -> None:
    visit = LiveVisit()
    for _ in range(3):
        visit.recording(ArchiveAlarm(kind="chain_cut", site="a"))
    visit.recording(ArchiveAlarm(kind="chain_cut", site="b"))
    visit.recording(ArchiveAlarm(kind="clock_behind", seconds=90))
    assert visit.journal.entries == [
        ("ArchiveAlarm", None, "recorder", {"kind": "chain_cut", "site": "a"}),
        ("ArchiveAlarm", None, "recorder", {"kind": "chain_cut", "site": "b"}),
        ("ArchiveAlarm", None, "recorder", {"kind": "clock_behind", "site": "", "seconds": 90}),
    ]


class RecorderWithDifferences:
    """Has differences to report, and can be gone."""

    def __init__(self, count: int) -> None:
        self.waiting = Differences(Difference("film_missing", f"session_{n}") for n in range(count))
        self.gone = False

    async def differences(self):
        if self.gone:
            raise RecorderUnavailable("gone")
        return self.waiting.first()

    async def acknowledge_differences(self, up_to: int) -> None:
        if self.gone:
            raise RecorderUnavailable("gone")
        self.waiting.noted(up_to)


async def test_differences_are_journaled_once_each_though_there_are_many(store, clock) -> None:
    async with Journal(store.engine, clock) as kept:
        recorder, bus = RecorderWithDifferences(450), AsyncIOEventEmitter()
        recordings = Recordings({}, recorder, clock, bus)  # type: ignore[arg-type]
        facts = RecorderFacts({}, kept, recorder, recordings, None, Tasks())  # type: ignore[arg-type]
        recorder.gone = True
        await facts.note_differences()
        assert len(recorder.waiting) == 450
        recorder.gone = False
        await facts.note_differences()
        await facts.note_differences()
        assert len(recorder.waiting) == 0
    async with store.engine.connect() as db:
        rows = (await db.execute(journal.select().where(journal.c.kind == "ArchiveDiffers"))).mappings().all()
    assert [row["session"] for row in rows] == [f"session_{n}" for n in range(450)]
    assert {row["author"] for row in rows} == {"recorder"} and '"film_missing"' in str(rows[0]["data"])


class RecorderThatForgets(RecorderWithDifferences):
    """A recorder that takes acknowledgements too."""

    async def acknowledge(self, session) -> None:
        """Take that a recording was noted."""


async def test_a_recording_that_is_archived_a_day_later_is_announced_though_its_session_is_gone(store, clock) -> None:
    fact = RecordingArchived(
        session=SessionId("ses_a"),
        path="a/session.mp4",
        sha256="ab",
        bytes=5,
        seconds=(1.0,),
        packets=1,
        lost=0,
        gaps=(),
        gaps_in_all=0,
        manifest_sha256="cd",
        head="ef",
        started_at="2026-03-02T02:00:00+00:00",
        ended_at="2026-03-02T02:00:01+00:00",
    )
    async with Journal(store.engine, clock) as kept:
        recorder, bus, tasks, heard = RecorderThatForgets(0), AsyncIOEventEmitter(), Tasks(), []
        bus.on("archived", heard.append)
        recordings = Recordings({}, recorder, clock, bus)  # type: ignore[arg-type]
        facts = RecorderFacts({}, kept, recorder, recordings, None, tasks)  # type: ignore[arg-type]
        facts.received(fact)
        await tasks.wait()
    assert heard == ["ses_a"]
