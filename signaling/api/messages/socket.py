"""Every message of the WebSocket `huijian.v1`, in both directions. Kiosks and the server share this module."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

from pydantic import Field, TypeAdapter, create_model

from broker.kernel.ids import Side
from signaling.api.messages.fields import Id, Inbound, Moment, Outbound, Page, Ref, Token, Whole
from signaling.api.messages.orders import ORDERS, Order
from signaling.api.messages.session_view import Officer, Problem, SessionView, Words
from signaling.api.messages.terminals import TerminalOrder, TerminalReport

PROTOCOL = 1
SUBPROTOCOL = "huijian.v1"
MAX_FRAME = 64 * 1024
"""Bytes of one WebSocket message."""


# ---- client to server ----------------------------------------------------------------------------------------------


class Hello(Inbound):
    """First message of a client that sent its token neither as a header nor as a cookie."""

    type: Literal["hello"] = "hello"
    token: Token | None = None


class Command(Order):
    """An order as a WebSocket message: `id` comes back as `re` in `ack` or `error`. `order`: the order's own id, which
    stays when it is sent again, here or by REST (`Idempotency-Key`): under one id it counts once."""

    id: Ref
    session: Id
    order: Id | None = None


def _message_of(kind: type[Order]) -> type[Command]:
    """The WebSocket message of an order: a subclass of the order with `type`, `id` and `session`."""
    name = Literal[kind.order_type]  # type: ignore[name-defined]
    bases: Any = (kind, Command)
    made = create_model(kind.__name__, __base__=bases, __doc__=kind.__doc__, type=(name, kind.order_type))
    return cast(type[Command], made)


MESSAGES = {kind: _message_of(kind) for kind in ORDERS}
"""The WebSocket message of each order."""


def command(order: Order, id: int | str, session: str) -> Command:
    """The WebSocket message of an order. Raises pydantic.ValidationError when `session` is not an id."""
    return MESSAGES[type(order)].model_validate({**order.model_dump(), "id": id, "session": session})


class Shown(Inbound):
    """A picture that moves on a page: its size in CSS pixels, and how many per cent of it are `seen`, that is, neither
    outside the window nor under another element. A page that does not measure leaves them out."""

    session: Id
    side: Side
    width: Annotated[int, Field(ge=0, le=100_000)] | None = None
    height: Annotated[int, Field(ge=0, le=100_000)] | None = None
    seen: Annotated[int, Field(ge=0, le=100)] | None = None


class Presence(Inbound):
    """Page report of a supervisor's page, sent each second and at every change; not acknowledged. `duty`: the sessions
    for which its officer wants to count."""

    type: Literal["presence"] = "presence"
    page: Page
    visible: bool
    showing: Annotated[list[Shown], Field(max_length=32)]
    duty: Annotated[list[Id], Field(max_length=16)]


class Attentive(Inbound):
    """The officer still watches: the answer to an `attention` (Yunnan 26(3))."""

    type: Literal["attentive"] = "attentive"
    id: Ref
    prompt: Id


class Observed(Inbound):
    """What a terminal finds in its own picture and sound while it sends, at every change and now and then; advisory
    and not acknowledged. `heads`: people before the camera, null where they are not counted. No picture leaves the
    kiosk."""

    type: Literal["observed"] = "observed"
    session: Id
    black: bool
    frozen: bool
    silent: bool
    heads: Annotated[int, Field(ge=0, le=50), Whole] | None = None


Report = Presence | Attentive | Observed | TerminalReport


def _union(kinds: Iterable[type]) -> Any:
    return Annotated[reduce(or_, kinds), Field(discriminator="type")]


CLIENT = cast(
    TypeAdapter[Hello | Command | Report],
    TypeAdapter(_union((Hello, *MESSAGES.values(), Presence, Attentive, Observed, TerminalReport))),
)
"""Reads any message that a client sends. A Command is also an instance of its order's class."""


# ---- server to client ----------------------------------------------------------------------------------------------


class WhoView(Outbound):
    """The identity under which the server serves the client."""

    kind: Literal["user", "terminal"]
    id: str
    name: str | None = None
    role: str | None = None
    site: str | None = None
    room: str | None = None


class Welcome(Outbound):
    """The socket is signed in. `gate_lease_ms`: a gate shuts by itself when the relay has not heard of the control
    process for so long."""

    type: Literal["welcome"] = "welcome"
    who: WhoView
    server_time: Moment
    protocol: int = PROTOCOL
    gate_lease_ms: int = Field(default=0, ge=0)


class Sessions(Outbound):
    """All sessions that the client may see, once, after `welcome`."""

    type: Literal["sessions"] = "sessions"
    sessions: list[SessionView]


class SessionChanged(Outbound):
    """One session as a whole, after every change."""

    type: Literal["session"] = "session"
    session: SessionView


class TrackQuality(Outbound):
    """One track over the last second: bit/s, share lost 0..1, jitter on its way to the relay, frames/s of a picture."""

    bitrate: float = Field(ge=0)
    loss: float = Field(ge=0, le=1)
    jitter_ms: float | None = Field(default=None, ge=0)
    fps: float | None = Field(default=None, ge=0)


class SideQuality(Outbound):
    """Quality of one side's two tracks."""

    video: TrackQuality | None = None
    audio: TrackQuality | None = None


class QualitySides(Outbound):
    """Quality of what both sides send."""

    prison: SideQuality
    visitor: SideQuality


class ViewerQuality(Outbound):
    """One connection that receives a side: a supervisor's, or that of the other room (`user` and `site` null). Whether
    consent and receiver reports are fresh and how old they are, and what it last reported; null is not known yet."""

    user: str | None
    site: str | None
    side: Side
    receiving: bool
    consent: bool
    consent_ms: float = Field(ge=0)
    reports: bool
    report_ms: float | None = Field(ge=0)
    loss: float = Field(ge=0, le=1)
    jitter_ms: float = Field(ge=0)
    round_trip_ms: float | None = Field(ge=0)


class Quality(Outbound):
    """Quality of a session, once a second while media flows. `viewers` are the rooms, and the supervisors of the
    reader's own site."""

    type: Literal["quality"] = "quality"
    session: str
    sides: QualitySides
    viewers: list[ViewerQuality] = Field(default_factory=list)


class Ack(Outbound):
    """The command `re` was accepted."""

    type: Literal["ack"] = "ack"
    re: Ref


class ErrorMessage(Outbound):
    """The command `re` was refused; null where the message had no readable `id`."""

    type: Literal["error"] = "error"
    re: Ref | None = None
    problem: Problem


class Attention(Outbound):
    """The question whether the officer still watches, sent to each of the officer's pages; after `answer_within_ms`
    (0: late already) the officer does not count until an answer comes."""

    type: Literal["attention"] = "attention"
    id: str
    answer_within_ms: int = Field(ge=0)


class StandingIn(Outbound):
    """Whether the officer counts for one session, and if not, why."""

    session: str
    counted: bool
    why: list[Words]


class Standing(Outbound):
    """The sessions for which the officer counts. `prompt` is the question that is still open: pages close all
    others."""

    type: Literal["standing"] = "standing"
    sessions: list[StandingIn]
    prompt: str | None = None


class HandoverView(Outbound):
    """A handover (交班) of visits, for the two officers whom it concerns. `until`: when it lapses if it does not go on;
    null once it is over."""

    id: str
    giver: Officer
    taker: Officer
    sessions: list[str]
    stage: Literal["offered", "accepted", "completed", "declined", "withdrawn", "lapsed"]
    until: Moment | None = None


class HandoverChanged(Outbound):
    """A handover after each of its steps, and each that is under way after `welcome`."""

    type: Literal["handover"] = "handover"
    handover: HandoverView


ServerMessage = (
    Welcome
    | Sessions
    | SessionChanged
    | Quality
    | Ack
    | ErrorMessage
    | Attention
    | Standing
    | HandoverChanged
    | TerminalOrder
)
SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])
"""Reads any message that the server sends."""
