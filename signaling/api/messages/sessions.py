"""REST models of sessions: lists, the grounds of interventions, notes and alerts. Orders are in `orders`."""

from pydantic import Field

from broker.kernel.ids import Side
from signaling.api.messages.fields import Moment, Outbound
from signaling.api.messages.session_view import AlertView, Officer, SessionView


class SessionList(Outbound):
    """Sessions of one day, by start."""

    sessions: list[SessionView]


class AlertList(Outbound):
    """The alerts of a session, done ones too, in the order in which they came."""

    alerts: list[AlertView]


class SuspensionRulesView(Outbound):
    """The side whose visits these rules suspend, and the number of months."""

    subject: Side
    least: int
    most: int


class GroundView(Outbound):
    """One ground on which an officer may intervene, as the session's rules number it."""

    code: str
    zh: str
    en: str
    article: str
    may_warn: bool
    may_hold: bool
    must_end: bool
    may_suspend: bool


class CannedView(Outbound):
    """A warning in ready words, with the ground under which it is given."""

    id: str
    code: str
    zh: str
    en: str
    article: str


class Grounds(Outbound):
    """All grounds of the rules that hold for a session, and the warnings that are ready."""

    policy: str
    version: str
    interventions: list[GroundView]
    warnings: list[CannedView]
    suspension: SuspensionRulesView


class NoteView(Outbound):
    """An officer's note of a visit. `since_ms`: milliseconds after the first crossing, null before it."""

    at: Moment
    since_ms: int | None = Field(ge=0)
    site: str
    by: Officer
    text: str


class NoteList(Outbound):
    """The notes of a session, in the order of time."""

    notes: list[NoteView]
