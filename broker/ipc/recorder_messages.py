"""The messages between the control process and the recorder; `RECORDER` at the end names them all."""

from typing import Annotated

from msgspec import Meta

from broker.ipc.framing import JsonObject
from broker.ipc.messages import Command, Count, Done, Fact, Message, Role, Session, TapNumber, Text
from broker.kernel.film_faults import FilmFault
from broker.kernel.ids import Side

# --- to the recorder -----------------------------------------------------------------------------------------------


class SlotFacts(Message, frozen=True):
    """What the plan and the manifest say of the approved slot; moments in ISO 8601."""

    id: str
    minutes: Annotated[int, Meta(gt=0)]
    starts_at: str
    ends_at: str
    approved_by: str
    article: str


class PolicyFacts(Message, frozen=True):
    """What the plan and the manifest say of the policy: the pack that the session has frozen. `sha256`: of its one
    spelling."""

    name: str
    version: str
    retention_months: int
    min_supervisors: int
    sha256: str = ""


SECOND_PRISON = "second prison"
"""Title of the visitor side where inmates meet inmates (Yunnan 7, Guangdong 16); else a side's own name."""


class SideFacts(Message, frozen=True):
    """What the plan and the manifest say of one side."""

    site: str
    room: str
    title: str


class StartReply(Message, frozen=True):
    """The number of the part that has begun."""

    part: int


class StartRecording(Command[StartReply], frozen=True):
    """Begin the next part of a session's recording. `people` is the timeline's event of who is there at `starts_at`
    (ISO 8601), `rules` are those of the rooms that have acknowledged the rules by then. At `deadline_mono` (monotonic
    seconds) the recording ends by itself. A `drill` is recorded apart from the archive of visits."""

    session: Session
    tap: TapNumber
    site: Text
    slot: SlotFacts
    policy: PolicyFacts
    sides: dict[Side, SideFacts]
    people: JsonObject
    rules: tuple[JsonObject, ...]
    starts_at: str
    deadline_mono: float | None
    drill: bool = False


class SetRecordingDeadline(Command[Done], frozen=True):
    """Set the monotonic second at which the recording ends by itself; the earliest that was set counts."""

    session: Session
    deadline_mono: float


class ExtendRecording(Command[Done], frozen=True):
    """Put the deadline off by an approval that was `made` before it; the whole visit takes `minutes` on the disk."""

    session: Session
    made: float
    minutes: float
    deadline_mono: float


class AddEvent(Command[Done], frozen=True):
    """Add an event that happened `at` (ISO 8601, and monotonic seconds) to the timeline of a session."""

    session: Session
    event: JsonObject
    at: str
    mono: float


class FinishRecording(Command[Done], frozen=True):
    """Close, hash and archive a recording; `reason` (reason, article, cause) goes into its manifest."""

    session: Session
    reason: dict[str, str | None]


class AcknowledgeRecording(Command[Done], frozen=True):
    """The end of this recording is in the journal: it need not be told again."""

    session: Session


class FoundDifference(Message, frozen=True):
    """Something on which intents, files and catalog do not agree."""

    number: int
    kind: str
    session: str


class DifferencesReply(Message, frozen=True):
    """The oldest differences that are not in the journal yet."""

    differences: tuple[FoundDifference, ...]


class GetDifferences(Command[DifferencesReply], frozen=True):
    """Ask for what the recorder found not to agree."""


class AcknowledgeDifferences(Command[Done], frozen=True):
    """Differences up to this number are in the journal."""

    up_to: int


RecorderCommand = (
    StartRecording
    | SetRecordingDeadline
    | ExtendRecording
    | AddEvent
    | FinishRecording
    | AcknowledgeRecording
    | GetDifferences
    | AcknowledgeDifferences
)

# --- from the recorder ---------------------------------------------------------------------------------------------


class RecorderReady(Fact, frozen=True):
    """The recorder has told all that holds, and takes commands."""


class RecorderAlive(Fact, frozen=True):
    """The sign of life, several times a second."""


class FragmentFlushed(Fact, frozen=True):
    """The rooms' four tracks of a part are on disk."""

    session: Session
    part: int
    mono: float


class WritingProgress(Fact, frozen=True):
    """Once a second: the length of a part so far (s), its size, and the records that its queue could not take."""

    session: Session
    part: int
    seconds: float
    bytes: Count
    overflow: Count


class WritingStalled(Fact, frozen=True):
    """What comes is not being written at present."""

    session: Session
    reason: str


class WritingFailed(Fact, frozen=True):
    """The part has ended with an error."""

    session: Session
    reason: str


class FilmUnusable(Fact, frozen=True):
    """What is recorded of a side cannot be watched, or nothing is; told again when the cause is another."""

    session: Session
    side: Side
    fault: FilmFault


class FilmUsable(Fact, frozen=True):
    """What is recorded of a side can be watched again."""

    session: Session
    side: Side


class KeyframeWanted(Fact, frozen=True):
    """The pictures of these sides cannot be written without a keyframe."""

    session: Session
    sides: tuple[Side, ...]


class Gap(Message, frozen=True):
    """A gap of one track of the film, in seconds from its start."""

    track: int
    start: float
    seconds: float
    cause: str
    packets: int


class RecordingArchived(Fact, frozen=True):
    """A recording is archived and hashed. `seconds` are per track; of `gaps_in_all` gaps the longest are listed.
    `head` is the new end of the site's chain."""

    session: Session
    path: str
    sha256: str | None
    bytes: int | None
    seconds: tuple[float, ...] | None
    packets: int | None
    lost: int | None
    gaps: tuple[Gap, ...]
    gaps_in_all: int
    manifest_sha256: str | None
    head: str | None
    started_at: str
    ended_at: str


class ArchivingFailed(Fact, frozen=True):
    """A recording could not be archived; `path` is where its files are, where there are any."""

    session: Session
    reason: str | None
    path: str | None = None


class DiskReport(Fact, frozen=True):
    """Whether another visit would find no room on the archive's disk; `free`, `reserve` and `claimed` in bytes."""

    low: bool
    free: int
    reserve: int
    claimed: int


class ArchiveAlarm(Fact, frozen=True):
    """The archive is not as it should be: `chain_cut` at a site, `clock_behind` by so many seconds."""

    kind: str
    site: str = ""
    seconds: int | None = None


class DifferencesFound(Fact, frozen=True):
    """There are differences to ask for."""


RecorderFact = (
    RecorderReady
    | RecorderAlive
    | FragmentFlushed
    | WritingProgress
    | WritingStalled
    | WritingFailed
    | FilmUnusable
    | FilmUsable
    | KeyframeWanted
    | RecordingArchived
    | ArchivingFailed
    | DiskReport
    | ArchiveAlarm
    | DifferencesFound
)

RECORDER: Role[RecorderFact] = Role("recorder", RecorderCommand, RecorderFact)
"""The service that the recorder offers at `recorder.sock`."""
