"""The messages between the control process and a relay worker; `RELAY` at the end names them all."""

from typing import Annotated, Generic

from msgspec import Meta, field

from broker.ipc.messages import Command, Count, Done, Fact, Message, R, Resource, Role, Session, TapNumber, Text
from broker.kernel.ids import SessionId, Side

# --- to a relay worker: sessions -----------------------------------------------------------------------------------


class SessionCommand(Command[R], Generic[R], frozen=True):
    """A command that concerns one session."""

    session: Session


class AdmitReply(Message, frozen=True):
    """The UDP and TCP port of the worker."""

    port: int


class AdmitSession(SessionCommand[AdmitReply], frozen=True):
    """Accept media for a session; its packets go to the recorder under the number `tap`. A visit in sign language has a
    `picture_floor`: the bit/s that each side's picture gets before sound gets any; 0 where sound goes before
    pictures. A `line_test` is no visit: the loop of one terminal, which ends by itself
    (`broker/relay/line_tests/loop.py`)."""

    tap: TapNumber
    picture_floor: Count = 0
    line_test: bool = False


class StreamCounts(Message, frozen=True):
    """What came of one kind of one side since the session began; `jitter` in seconds, as it is now."""

    packets: Count = 0
    octets: Count = 0
    frames: Count = 0
    jitter: float = 0.0
    lost: Count = 0
    crossed: Count = 0
    """Packets that went to the far room."""


class SideCounts(Message, frozen=True):
    """What came of one side."""

    audio: StreamCounts = StreamCounts()
    video: StreamCounts = StreamCounts()


class CloseReply(Message, frozen=True):
    """What went through a session; no sides where the worker did not have it."""

    sides: dict[Side, SideCounts]


class CloseSession(SessionCommand[CloseReply], frozen=True):
    """End every connection of a session."""


class TapSession(SessionCommand[Done], frozen=True):
    """Give each packet of a session to the recorder at `socket` too, or, without `on`, no longer."""

    on: bool
    socket: Text


class RequestKeyframe(SessionCommand[Done], frozen=True):
    """Ask a side's publisher for a keyframe: the recorder cannot go on without one."""

    side: Side


# --- to a relay worker: publications and subscriptions -------------------------------------------------------------


class MediaReply(Message, frozen=True):
    """The SDP answer to an offer, and the name of the publication or subscription that it began."""

    resource: Resource
    sdp: str


class Publish(SessionCommand[MediaReply], frozen=True):
    """A room's WHIP offer; it will be the publisher of its side."""

    side: Side
    sdp: Text


class Subscribe(SessionCommand[MediaReply], frozen=True):
    """A WHEP offer for one side's media: of a supervisor, or (`gated`) of the far room."""

    side: Side
    subscriber: Text
    gated: bool
    sdp: Text


class PublishTalkback(SessionCommand[MediaReply], frozen=True):
    """A supervisor's offer of a microphone, which is not heard before `OpenTalkback`."""

    publisher: Text
    sdp: Text


class SubscribeTalkback(SessionCommand[MediaReply], frozen=True):
    """An offer to receive the talkback: of the room `side`, or of a supervisor (None)."""

    side: Side | None
    subscriber: Text
    sdp: Text


MediaOffer = Publish | Subscribe | PublishTalkback | SubscribeTalkback


class RestartReply(Message, frozen=True):
    """The worker's side of the new ICE session (RFC 8840)."""

    fragment: str


class RestartIce(SessionCommand[RestartReply], frozen=True):
    """New ICE credentials for a publication or subscription, which goes on until its client comes with them."""

    resource: Resource
    fragment: Text


class DropResource(SessionCommand[Done], frozen=True):
    """End a publication or subscription."""

    resource: Resource


# --- to a relay worker: gate and talkback --------------------------------------------------------------------------


class LeaseGate(SessionCommand[Done], frozen=True):
    """Open the gate or keep it open until `until`, never past `deadline` (monotonic seconds), nor longer than `limit`
    seconds from the first crossing. The sound of `muted` sides does not cross. `crossed` is the first crossing, which
    a worker that takes the session over has not seen."""

    until: float
    deadline: float
    limit: Annotated[float, Meta(gt=0)]
    muted: frozenset[Side] = frozenset()
    crossed: float | None = None


class ShutGate(SessionCommand[Done], frozen=True):
    """Let nothing cross from now on."""

    why: str = ""


class SetDeadline(SessionCommand[Done], frozen=True):
    """Set the monotonic second at which the gate shuts by itself; the earliest that was set counts."""

    deadline: float


class ExtendReply(Message, frozen=True):
    """Whether the approval changed the limit."""

    taken: bool


class ExtendLimit(SessionCommand[ExtendReply], frozen=True):
    """Put the end off by an approval that was `made` before it (Yunnan 14): the only order that can."""

    made: float
    limit: float
    deadline: float


class OpenTalkback(SessionCommand[Done], frozen=True):
    """Let the rooms `sides` hear this publisher, in place of any other."""

    publisher: Text
    sides: Annotated[frozenset[Side], Meta(min_length=1)]


class CloseTalkback(SessionCommand[Done], frozen=True):
    """Let no room hear a supervisor any more."""

    why: str = ""


# --- to a relay worker: its state ----------------------------------------------------------------------------------


class Latency(Message, frozen=True):
    """A histogram: upper `bounds` in seconds, `counts` of each bucket and of what is longer, `seconds` in all."""

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    seconds: float = 0.0


class RelayStatus(Message, frozen=True):
    """What one worker counts since it began, and its present size."""

    worker: str = ""
    port: int = 0
    sessions: int = 0
    """How many are admitted."""
    sending: int = 0
    """How many sides send media now that can be forwarded; two of a session that has begun."""
    peers: int = 0
    received: int = 0
    forwarded: int = 0
    octets_in: int = 0
    octets_out: int = 0
    dropped: int = 0
    rejected: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Numbers of rejected datagrams and connections by reason (`broker/relay/limits/refusals.py`)."""
    tapped: int = 0
    tap_lost: int = 0
    latency: Latency = Latency()
    overload: int = 0
    """What it leaves out: 0 nothing, 1 most repairs and feedback of supervisors, 2 also a part of their pictures."""
    picture_share: float = 1.0
    """The part of the time in which supervisors' pictures flow."""
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


class GetStatus(Command[RelayStatus], frozen=True):
    """Ask a worker what it counts."""


RelayCommand = (
    AdmitSession
    | CloseSession
    | TapSession
    | RequestKeyframe
    | MediaOffer
    | RestartIce
    | DropResource
    | LeaseGate
    | ShutGate
    | SetDeadline
    | ExtendLimit
    | OpenTalkback
    | CloseTalkback
    | GetStatus
)

# --- from a relay worker -------------------------------------------------------------------------------------------


class WorkerReady(Fact, frozen=True):
    """The worker has told all that holds, and takes sessions."""

    worker: str


class SessionAdmitted(Fact, frozen=True):
    """The worker has this session; told to each control process that connects."""

    session: Session


class SideMedia(Fact, frozen=True):
    """What one room sends; `on` with picture and sound."""

    session: Session
    side: Side
    on: bool
    picture: bool
    sound: bool


class Subscription(Message, frozen=True):
    """How one subscriber receives one side. Ages, jitter and round trip are seconds, `loss` is 0..1; None: not known
    yet. `on` is whether consent (RFC 7675) and receiver reports are both fresh."""

    resource: Resource
    side: Side
    subscriber: Text
    gated: bool
    on: bool
    consent: bool
    reports: bool
    consent_age: float = 0.0
    report_age: float | None = None
    loss: float = 0.0
    jitter: float = 0.0
    round_trip: float | None = None


class SubscriptionChanged(Fact, frozen=True):
    """A subscriber receives now, or no longer."""

    session: Session
    subscription: Subscription


class MediaReport(Fact, frozen=True):
    """Once a second: what came of each side, and how each subscriber receives it."""

    session: Session
    sides: dict[Side, SideCounts]
    subscriptions: tuple[Subscription, ...]


class FirstCrossing(Fact, frozen=True):
    """The first packet of a session has crossed at `mono`: the limit runs from here."""

    session: Session
    mono: float


class GateChanged(Fact, frozen=True):
    """The gate opened or shut at `mono`."""

    session: Session
    open: bool
    mono: float
    why: str


class LimitExtended(Fact, frozen=True):
    """The limit was raised at `mono` to `limit` seconds from the first crossing; the gate shuts at `stop`."""

    session: Session
    mono: float
    limit: float
    stop: float


class TalkbackChanged(Fact, frozen=True):
    """A supervisor is heard by `sides` from `mono` on, or no longer."""

    session: Session
    publisher: str
    sides: tuple[Side, ...]
    open: bool
    mono: float
    why: str


class PicturesThinned(Fact, frozen=True):
    """Supervisors get a part of the frames only from `mono` on, as the worker is overloaded, or all of them again."""

    session: Session
    thinned: bool
    mono: float


class ResourceClosed(Fact, frozen=True):
    """A publication or subscription has ended."""

    session: Session
    resource: Resource
    why: str


class TapLost(Fact, frozen=True):
    """The recorder did not take this many records, which belong to some of these sessions."""

    sessions: tuple[SessionId, ...]
    records: Count


class SessionFailed(Fact, frozen=True):
    """An error ended the session in the worker, with all of its connections."""

    session: Session


RelayFact = (
    WorkerReady
    | SessionAdmitted
    | SideMedia
    | SubscriptionChanged
    | MediaReport
    | FirstCrossing
    | GateChanged
    | LimitExtended
    | TalkbackChanged
    | PicturesThinned
    | ResourceClosed
    | TapLost
    | SessionFailed
)

RELAY: Role[RelayFact] = Role("relay", RelayCommand, RelayFact)
"""The service that a relay worker offers at `relay-<number>.sock`."""
