"""Every WebSocket message and the SessionView inside them, as strict models with limits. Kiosks and the server share
this file, therefore it knows nothing of HTTP or of the broker's runners. REST bodies are in `bodies.py`."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from broker.kernel.ids import Side
from config.checkin import Tick
from signaling.api.fields import Article, Id, Moment, Note, Page, Ref, Remarked, Said, Token, Told, WarningText

PROTOCOL = 1
SUBPROTOCOL = "huijian.v1"
MAX_FRAME = 64 * 1024
"""Bytes of one WebSocket message."""


# ---- what is shown -------------------------------------------------------------------------------------------------


class Words(Told):
    """A code with its words in both languages."""

    code: str
    zh: str
    en: str


class ReasonView(Words):
    """Why a session is held or over; `article` where an officer had to name one."""

    article: str | None = None


class MissingView(Words):
    """Something that is missing; to officers also whose, and which ticks."""

    person: str | None = None
    ticks: list[str] = Field(default_factory=list)


class PersonView(Told):
    """Somebody listed for a side. `required` are the ticks that this person needs, in order, and `ticked` those that
    are done; rooms get neither."""

    id: str
    name: str
    relation: str
    checked: bool
    role: str = "party"
    first_visit: bool = False
    absent: bool = False
    required: list[str] = Field(default_factory=list)
    ticked: list[str] = Field(default_factory=list)


class EquipmentView(Told):
    """The last test of a room's equipment, for officers. `parts`: `passed`, `failed` or `not_checked`; empty where
    staff tested by hand. `fresh`: it passed, lately enough."""

    by: Literal["terminal", "staff"]
    passed: bool
    fresh: bool
    at: Moment
    parts: dict[str, str]


InterpreterState = Literal["not_needed", "not_listed", "missing", "here"]


class LanguageView(Told):
    """The language of the visit with its name, and whether it is interpreted, for officers. `reason`: why a dialect is
    spoken."""

    tag: str
    zh: str
    en: str
    interpreter: InterpreterState
    reason: str = ""


class SideView(Told):
    """One end of a session. `media`: its picture and sound really arrive."""

    site: str
    site_name: str
    room: str
    room_name: str
    people: list[PersonView]
    self_test: bool
    media: bool
    seat: bool = False
    equipment: EquipmentView | None = None


class Sides(Told):
    """Both ends."""

    prison: SideView
    visitor: SideView


class Officer(Told):
    """A supervisor who counts."""

    id: str
    name: str


class QuorumSide(Told):
    """How many are needed and who is there. Rooms get an empty `have`: supervisors never appear to them."""

    need: int = Field(ge=0)
    have: list[Officer]
    at_risk: bool = False
    """Somebody without whom it fails has half of the time for their answer behind them."""


class QuorumView(Told):
    """The quorum of both sites."""

    prison: QuorumSide
    visitor: QuorumSide


RecordingState = Literal["none", "starting", "writing", "lost", "finalizing", "archived", "failed"]


class RecordingView(Told):
    """The life of the archive of one session; `seconds` is what has been written so far."""

    state: RecordingState
    seconds: float = Field(ge=0)
    path: str | None = None
    sha256: str | None = None


class WarningView(Told):
    """A warning (劝阻). Rooms get only their own, with their own side and no author."""

    id: str
    at: Moment
    sides: list[Side]
    article: str
    zh: str
    en: str
    by: Officer | None = None
    acknowledged: list[Side]
    """The sides whose room has confirmed it."""


class MuteView(Told):
    """A side whose sound does not reach the far room. Rooms do not learn who ordered it."""

    side: Side
    article: str
    site: str | None = None
    by: Officer | None = None


class SpeechView(Told):
    """An officer speaks to these rooms (插话). A room is told that, and nobody's name."""

    sides: list[Side]
    by: Officer | None = None


AlertName = Literal[
    "quorum_at_risk", "room_lost", "recorder", "black", "frozen", "silent", "heads", "one_minute", "five_minutes"
]


class AlertView(Told):
    """What supervisors are called for, in words, for officers. `grave` ones want somebody at once, the others are
    advisory. `why` it is done: an officer said so, its cause has gone, or the session is over."""

    id: str
    kind: AlertName
    side: Side | None
    state: Literal["new", "taken", "done"]
    grave: bool
    zh: str
    en: str
    at: Moment
    taken_by: Officer | None = None
    taken_at: Moment | None = None
    done_by: Officer | None = None
    done_at: Moment | None = None
    why: Literal["officer", "gone", "session_over"] | None = None


class ExtensionView(Told):
    """A longer visit that was approved (延长), by `seconds`. Rooms learn neither by whom nor why."""

    id: str
    at: Moment
    seconds: int = Field(gt=0)
    article: str
    by: Officer | None = None
    reason: str = ""


class SessionView(Told):
    """One session as one kind of viewer may see it. `crossed_ms` and `remaining_ms` are true when sent."""

    id: str
    slot: str
    state: Literal["scheduled", "check_in", "ready", "live", "held", "ended"]
    reason: ReasonView | None
    starts_at: Moment
    ends_at: Moment
    minutes: int = Field(ge=1)
    sides: Sides
    quorum: QuorumView
    gate: Literal["open", "shut"]
    crossed_ms: int | None = Field(ge=0)
    remaining_ms: int | None = Field(ge=0)
    missing: list[MissingView]
    recording: RecordingView
    my_side: Side | None = None
    warnings: list[WarningView] = Field(default_factory=list)
    muted: list[MuteView] = Field(default_factory=list)
    notes: int = Field(default=0, ge=0)
    """How many notes officers have made; always 0 for rooms. The notes themselves are got by REST."""
    language: LanguageView | None = None
    check_in_until: Moment | None = None
    speech: SpeechView | None = None
    alerts: list[AlertView] = Field(default_factory=list)
    """The open ones; always empty for rooms. All of them are got by REST."""
    count_heads: bool = False
    """Whether the rules let a kiosk count the people before its camera."""
    extensions: list[ExtensionView] = Field(default_factory=list)
    stops_at: Moment | None = None
    """When everything stops by itself; None before the first crossing and after the end."""


class Problem(Told):
    """RFC 9457, Chinese first; further members depend on `code`."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    type: str
    title: str
    title_en: str
    status: int = Field(ge=400, le=599)
    detail: str
    detail_en: str
    code: str


# ---- client to server ----------------------------------------------------------------------------------------------


class Hello(Said):
    """First message where neither header nor cookie said who this is."""

    type: Literal["hello"] = "hello"
    token: Token | None = None


class Command(Said):
    """Anything that wants an `ack`: `id` comes back as `re`."""

    id: Ref
    session: Id


class SelfTest(Command):
    """A terminal's own check (Yunnan 12). `speaker_checked` is false where there is no loudspeaker to check."""

    type: Literal["self_test"] = "self_test"
    camera: bool
    microphone: bool
    speaker: bool
    network: bool
    speaker_checked: bool = True


class CheckIn(Command):
    """Several ticks of one listed person at once; the first three must all be done (Yunnan 11 and 12)."""

    type: Literal["check_in"] = "check_in"
    side: Side
    person: Id
    identity: bool
    security: bool
    rules: bool
    phone: bool = False
    letter: bool = False


class TickPerson(Command):
    """One check of one listed person was made, or is taken back (Yunnan 11, 12, 19; Guangdong 24)."""

    type: Literal["tick"] = "tick"
    side: Side
    person: Id
    tick: Tick
    on: bool


class Seat(Command):
    """The assigned seat of one's own room is ready, or no longer (Yunnan 11)."""

    type: Literal["seat"] = "seat"
    side: Side
    ready: bool


class Absent(Command):
    """One listed person will not come; the others may meet without them."""

    type: Literal["absent"] = "absent"
    side: Side
    person: Id


class Equipment(Command):
    """Staff checked their room's equipment themselves (Yunnan 12); counts like a terminal's self-test."""

    type: Literal["equipment"] = "equipment"
    side: Side
    passed: bool


class Hold(Command):
    """中止: shut the gate, keep supervising and recording. Always under an article."""

    type: Literal["hold"] = "hold"
    article: Article
    note: Note = ""


class Resume(Command):
    """Lift one's own site's hold."""

    type: Literal["resume"] = "resume"
    note: Note = ""


class End(Command):
    """取消/终止: the session is over. Always under an article (Guangdong 31(2))."""

    type: Literal["end"] = "end"
    article: Article
    note: Note = ""


# What officers do short of holding and ending, and a room's answer to it.

Addressed = Annotated[list[Side], Field(min_length=1, max_length=2)]


class WarnWords(Said):
    """Whom, under which ground, and either ready words or one's own; REST has the same members."""

    sides: Addressed
    article: Article
    text_id: Id | None = None
    text: WarningText | None = None

    @model_validator(mode="after")
    def _words_once(self) -> "WarnWords":
        if (self.text_id is None) == (self.text is None):
            raise ValueError("either text_id or text")
        return self


class Warn(WarnWords, Command):
    """劝阻: words on the screens of one room or both, ready ones (`text_id`) or one's own (`text`)."""

    type: Literal["warn"] = "warn"


class Acknowledge(Command):
    """Somebody in the terminal's room has confirmed a warning."""

    type: Literal["acknowledge"] = "acknowledge"
    warning: Id


class MuteWords(Said):
    """Which side, on or off; REST has the same members."""

    side: Side
    on: bool
    article: Article | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _under_an_article(self) -> "MuteWords":
        if self.on and self.article is None:
            raise ValueError("muting needs an article")
        return self


class Mute(MuteWords, Command):
    """制止: the far room does not hear a side any more, or hears it again (`on` false, under the same article)."""

    type: Literal["mute"] = "mute"


class Remark(Command):
    """A note of what was seen or heard, with the time at which it was written."""

    type: Literal["remark"] = "remark"
    text: Remarked


class Speak(Command):
    """插话: speak to these rooms with the microphone that is connected. Always under an article or a SAY- code."""

    type: Literal["speak"] = "speak"
    sides: Addressed
    article: Article


class Hush(Command):
    """Nobody speaks to the rooms any more."""

    type: Literal["hush"] = "hush"


# Presence: what an officer's page says of itself, and the answer to the question whether they still watch.


class Shown(Said):
    """A picture that moves on a page."""

    session: Id
    side: Side


class Presence(Said):
    """What a supervisor's page says of itself each second and at every change; not acknowledged. `duty`: for which
    sessions its officer wants to count."""

    type: Literal["presence"] = "presence"
    page: Page
    visible: bool
    showing: Annotated[list[Shown], Field(max_length=32)]
    duty: Annotated[list[Id], Field(max_length=16)]


class Attentive(Said):
    """The officer still watches: the answer to an `attention` (Yunnan 26(3))."""

    type: Literal["attentive"] = "attentive"
    id: Ref
    prompt: Id


# Alerts (提醒): officers see to them; terminals say what they find.


class TakeAlert(Command):
    """An officer sees to an alert."""

    type: Literal["take_alert"] = "take_alert"
    alert: Id


class FinishAlert(Command):
    """An alert is done, taken before or not."""

    type: Literal["finish_alert"] = "finish_alert"
    alert: Id


class Observed(Said):
    """What a terminal finds in its own picture and sound while it sends, at every change and now and then; advisory
    and not acknowledged. `heads`: people before the camera, null where nobody counts. No picture leaves the kiosk."""

    type: Literal["observed"] = "observed"
    session: Id
    black: bool
    frozen: bool
    silent: bool
    heads: Annotated[int, Field(ge=0, le=50)] | None = None


Attending = Presence | Attentive | Observed

Order = (
    SelfTest
    | CheckIn
    | TickPerson
    | Seat
    | Absent
    | Equipment
    | Hold
    | Resume
    | End
    | Warn
    | Acknowledge
    | Mute
    | Remark
    | Speak
    | Hush
    | TakeAlert
    | FinishAlert
)
ClientMessage = Annotated[Hello | Order | Attending, Field(discriminator="type")]
CLIENT: TypeAdapter[Hello | Order | Attending] = TypeAdapter(ClientMessage)


# ---- server to client ----------------------------------------------------------------------------------------------


class WhoView(Told):
    """Who the server takes the other end for."""

    kind: Literal["user", "terminal"]
    id: str
    name: str | None = None
    role: str | None = None
    site: str | None = None
    room: str | None = None


class Welcome(Told):
    """The socket is signed in."""

    type: Literal["welcome"] = "welcome"
    who: WhoView
    server_time: Moment
    protocol: int = PROTOCOL


class Sessions(Told):
    """All sessions of the viewer, once, after `welcome`."""

    type: Literal["sessions"] = "sessions"
    sessions: list[SessionView]


class SessionChanged(Told):
    """One session, whole, after every change."""

    type: Literal["session"] = "session"
    session: SessionView


class TrackQuality(Told):
    """Of one track over the last second: bit/s, share lost 0..1, jitter on its way to us, frames/s for pictures."""

    bitrate: float = Field(ge=0)
    loss: float = Field(ge=0, le=1)
    jitter_ms: float | None = Field(default=None, ge=0)
    fps: float | None = Field(default=None, ge=0)


class SideQuality(Told):
    """Of one side's two tracks."""

    video: TrackQuality | None = None
    audio: TrackQuality | None = None


class QualitySides(Told):
    """Of both sides."""

    prison: SideQuality
    visitor: SideQuality


class ViewerQuality(Told):
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


class Quality(Told):
    """Once a second while media flows. `viewers` are the rooms, and the supervisors of the reader's own site."""

    type: Literal["quality"] = "quality"
    session: str
    sides: QualitySides
    viewers: list[ViewerQuality] = Field(default_factory=list)


class Ack(Told):
    """The command was taken."""

    type: Literal["ack"] = "ack"
    re: Ref


class ErrorSaid(Told):
    """The command was refused."""

    type: Literal["error"] = "error"
    re: Ref | None = None
    problem: Problem


# Presence: how an officer stands, and the question whether they still watch.


class Attention(Told):
    """Do you still watch? To every page of the officer; after `answer_within_ms` (0: late already) they stop counting
    until they answer."""

    type: Literal["attention"] = "attention"
    id: str
    answer_within_ms: int = Field(ge=0)


class StandingIn(Told):
    """Whether the officer counts for one session, and if not, why."""

    session: str
    counted: bool
    why: list[Words]


class Standing(Told):
    """Where the officer counts. `prompt` is the question that is still open: pages close any other one."""

    type: Literal["standing"] = "standing"
    sessions: list[StandingIn]
    prompt: str | None = None


Telling = Welcome | Sessions | SessionChanged | Quality | Ack | ErrorSaid | Attention | Standing
ServerMessage = Annotated[Telling, Field(discriminator="type")]
SERVER: TypeAdapter[Telling] = TypeAdapter(ServerMessage)
