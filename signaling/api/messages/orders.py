"""The orders of officers and terminals to a session, one class each. The class is the body of the REST request; the
WebSocket message is the same class with `type`, `id` and `session`, which `socket.py` derives from it. Its row in
`signaling/api/orders.py` says where it is posted, which role may send it and what it means to the broker."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, model_validator

from broker.kernel.ids import Side
from config.check_in import Manner, Tick
from signaling.api.messages.fields import (
    Amount,
    Article,
    Degrees,
    Id,
    Inbound,
    Language,
    Level,
    Note,
    NoteText,
    Offset,
    Rooms,
    Share,
    WarningText,
    Whole,
    exactly_one,
    has_members,
)


class Order(Inbound):
    """Base of all orders, without members of its own. `order_type` is the order's name in `type` of the WebSocket
    message."""

    order_type: ClassVar[str]


# ---- check-in ------------------------------------------------------------------------------------------------------


class Figures(Inbound):
    """What a terminal measured of its equipment; left out: not measured. Verdicts are the server's, by the limits of
    the policy. Levels are dBFS, shares 0 to 1, times ms, rates kbit/s."""

    width: Amount | None = None
    height: Amount | None = None
    rate: Amount | None = None
    luma: Amount | None = None
    black: Share | None = None
    change: Amount | None = None
    blur: Amount | None = None
    backlight: Amount | None = None
    level: Level | None = None
    noise: Level | None = None
    clipped: Share | None = None
    hum: Level | None = None
    sweep: Amount | None = None
    delay: Amount | None = None
    loudness: Level | None = None
    answer: Amount | None = None
    loss_up: Share | None = None
    loss_down: Share | None = None
    jitter: Amount | None = None
    round_trip: Amount | None = None
    up: Amount | None = None
    down: Amount | None = None
    clock: Offset | None = None
    disk: Amount | None = None
    temperature: Degrees | None = None


class SelfTest(Order):
    """A terminal's test of its equipment (Yunnan 12), in figures. `test` is its id: the same test may be sent again
    until the session's view names it."""

    order_type = "self_test"
    figures: Figures
    test: Id | None = None


class CheckIn(Order):
    """Several checks of one listed person at once; the first three must all be done (Yunnan 11 and 12)."""

    order_type = "check_in"
    side: Side
    person: Id
    identity: bool
    security: bool
    rules: bool
    phone: bool = False
    letter: bool = False


class TickPerson(Order):
    """One check of one listed person was made, or is taken back (Yunnan 11, 12, 19; Guangdong 24)."""

    order_type = "tick"
    side: Side
    person: Id
    tick: Tick
    on: bool


class Seat(Order):
    """The assigned seat of the officer's own room is ready, or no longer (Yunnan 11)."""

    order_type = "seat"
    side: Side
    ready: bool


class Absent(Order):
    """One listed person will not come; the others may meet without that person."""

    order_type = "absent"
    side: Side
    person: Id


class AcknowledgeRules(Order):
    """The people in the terminal's room have acknowledged the rules of the visit, told in this language (Yunnan 12;
    Guangdong 24). `unattended`: a terminal without people, for drills and tests."""

    order_type = "acknowledge_rules"
    language: Language
    manner: Manner


class Equipment(Order):
    """Staff checked their room's equipment themselves (Yunnan 12); counts like a terminal's self-test, whatever that
    one found. To let it count needs a `reason`, which both sites' officers are shown."""

    order_type = "equipment"
    side: Side
    passed: bool
    reason: Note = ""


class OverrideDrill(Order):
    """The visit can begin although the day's drill of its rooms failed; `reason` says why."""

    order_type = "override_drill"
    reason: NoteText


# ---- holding and ending --------------------------------------------------------------------------------------------


class Hold(Order):
    """中止: shut the gate, keep supervising and recording. Always under an article. `text_id`: ready words of a ground
    that no warning closes, for the rooms of `sides` (left out: both)."""

    order_type = "hold"
    article: Article
    note: Note = ""
    text_id: Id | None = None
    sides: Rooms | None = None
    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"properties": {"sides": {"type": "null"}}}, has_members("text_id")]}
    )

    @model_validator(mode="after")
    def _sides_of_words(self) -> "Hold":
        if self.sides is not None and self.text_id is None:
            raise ValueError("sides without text_id")
        return self


class Resume(Order):
    """Lift the hold of the officer's own site."""

    order_type = "resume"
    note: Note = ""


class End(Order):
    """取消/终止: the session is over. Always under an article (Guangdong 31(2)). Under END-COMPLETED it is the word of
    the officer's site that it has finished; the visit ends when the other side says so, too."""

    order_type = "end"
    article: Article
    note: Note = ""


class Finished(Order):
    """会见完毕: the people in the terminal's room say that they have finished, or take it back (`on` false); the visit
    ends when the other side says so, too."""

    order_type = "finished"
    on: bool = True


class GoOn(Order):
    """继续会见: the word of the officer's side that it has finished, an officer's or the room's, is taken back."""

    order_type = "go_on"


# ---- interventions that leave the gate open ------------------------------------------------------------------------


class Warn(Order):
    """劝阻: words on the screens of one room or both, ready ones (`text_id`) or the officer's own (`text`)."""

    order_type = "warn"
    sides: Rooms
    article: Article
    text_id: Id | None = None
    text: WarningText | None = None
    model_config = ConfigDict(json_schema_extra=exactly_one(("text_id",), ("text",)))

    @model_validator(mode="after")
    def _words_once(self) -> "Warn":
        if (self.text_id is None) == (self.text is None):
            raise ValueError("either text_id or text")
        return self


class Acknowledge(Order):
    """A person in the terminal's room has confirmed a warning."""

    order_type = "acknowledge"
    warning: Id


class Mute(Order):
    """制止: the far room does not hear a side any more, or hears it again (`on` false, under the same article)."""

    order_type = "mute"
    side: Side
    on: bool
    article: Article | None = None
    note: Note = ""
    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"properties": {"on": {"const": False}}}, has_members("article")]}
    )

    @model_validator(mode="after")
    def _under_an_article(self) -> "Mute":
        if self.on and self.article is None:
            raise ValueError("muting needs an article")
        return self


class Remark(Order):
    """A note of what was seen or heard, with the time at which it was written."""

    order_type = "remark"
    text: NoteText


class Speak(Order):
    """插话: speak to these rooms with the microphone that is connected. Always under an article or a SAY- code."""

    order_type = "speak"
    sides: Rooms
    article: Article


class Hush(Order):
    """停止插话: end what an officer says to the rooms."""

    order_type = "hush"


# ---- longer visits ---------------------------------------------------------------------------------------------------


class RequestExtension(Order):
    """申请延长: ask the approver for a longer visit (Yunnan 14; Guangdong 22), by a step of the rules. The page makes
    the id `request`: sent again, it counts once."""

    order_type = "request_extension"
    request: Id
    seconds: Annotated[int, Field(ge=1, le=3600), Whole]
    article: Article
    reason: NoteText


class DeclineExtension(Order):
    """不予延长: the approver does not grant a request for a longer visit, with a reason."""

    order_type = "decline_extension"
    request: Id
    reason: NoteText


# ---- alerts --------------------------------------------------------------------------------------------------------


class TakeAlert(Order):
    """An officer sees to an alert (提醒)."""

    order_type = "take_alert"
    alert: Id


class FinishAlert(Order):
    """An alert is done, whether an officer took it before or not."""

    order_type = "finish_alert"
    alert: Id


ORDERS: tuple[type[Order], ...] = tuple(Order.__subclasses__())
"""All orders, in the sequence of this module; `socket.py` makes one WebSocket message of each."""
