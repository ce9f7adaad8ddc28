"""REST models of sessions: lists, the grounds of interventions, notes and alerts. Orders are in `orders`."""

from typing import Annotated

from pydantic import Field

from broker.booking.identity import DocumentKind
from broker.kernel.ids import Side
from config.articles.grounds import By, Issuer, Phase
from signaling.api.messages.fields import Id, Inbound, Moment, Name, Outbound
from signaling.api.messages.session_view import AlertView, Officer, SessionView
from signaling.api.messages.sign_in import DayQuery


class SessionsQuery(DayQuery):
    """The day, and the last session of the page before this one."""

    after: Id | None = None


class SessionList(Outbound):
    """Sessions of one day, by start, at most 500. `next` is what to send as `after` for those that follow, null where
    none do."""

    sessions: list[SessionView]
    next: str | None = None


class AlertList(Outbound):
    """The alerts of a session, done ones too, in the order in which they came."""

    alerts: list[AlertView]


class SuspensionRulesView(Outbound):
    """The side whose visits these rules suspend, and the number of months."""

    subject: Side
    least: int
    most: int


class GroundView(Outbound):
    """One ground on which an officer may intervene, as the session's rules number it. `by`: the office that alone may
    use it; `phase`: the part of the visit it is for; `after`: the codes of the warning that has to have been in vain;
    `issuer`: who announces the cause."""

    code: str
    zh: str
    en: str
    article: str
    may_warn: bool
    may_hold: bool
    must_end: bool
    may_suspend: bool
    by: By | None
    phase: Phase | None
    after: list[str]
    issuer: Issuer | None
    by_agreement: bool = False
    """Whether an end under it needs the word of both sides."""
    usual: int = 0
    """Its place among the grounds that are used most in a visit; 0: after them."""


class CannedView(Outbound):
    """Ready words, with the usual ground under which they are given, and all of them. `notice`: they are a sentence of
    the rules that are told at check-in, in the regulation's own words."""

    id: str
    code: str
    codes: list[str]
    zh: str
    en: str
    article: str
    notice: bool


class Grounds(Outbound):
    """All grounds of the rules that hold for a session, and the words that are ready. `sha256`: of the pack."""

    policy: str
    version: str
    sha256: str
    interventions: list[GroundView]
    warnings: list[CannedView]
    suspension: SuspensionRulesView


class RulesWords(Outbound):
    """A title or a sentence in both languages."""

    zh: str
    en: str


class RulesPoint(RulesWords):
    """One point of the text, with its id."""

    id: str


class RulesView(Outbound):
    """The rules of a visit as its rooms are shown and acknowledge them: the regulation's own words in Chinese, and a
    translation. `audio`: language -> address at which the text is read aloud, for the languages that have a recording;
    for others a page uses its own speech synthesis."""

    id: str
    article: str
    title: RulesWords
    lead: RulesWords
    points: list[RulesPoint]
    audio: dict[str, str]


class PackView(Outbound):
    """A policy pack as sessions froze it: `canonical` is the text whose SHA-256 is its name."""

    sha256: str
    canonical: str


class IdentityView(Outbound):
    """What a listed person's document is checked against: its type and its last four characters. Both are null where
    the booking system gave no identity number, or an earlier version took the slot."""

    person: str
    kind: DocumentKind | None = None
    last_four: str | None = Field(default=None, repr=False)


class IdentityList(Outbound):
    """The documents of the people of one side, for the officers who check them there."""

    side: Side
    people: list[IdentityView]


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


class OrderOutcome(Outbound):
    """Whether an officer's order was carried out, and when. False: it has not arrived, or was refused."""

    order: str
    carried_out: bool
    at: Moment | None = None


class HandoverOrder(Inbound):
    """An officer's request that a colleague takes over visits. The page makes the `id`: sent again, it counts once."""

    id: Id
    to: Name
    sessions: Annotated[list[Id], Field(min_length=1, max_length=16)]


class Colleague(Outbound):
    """A supervisor of one's own site whose page is open. `chosen`: in how many visits they want to count."""

    id: str
    name: str
    chosen: int = Field(ge=0)


class Colleagues(Outbound):
    """The colleagues who could take over, by id. `most`: in how many visits one officer counts at most."""

    colleagues: list[Colleague]
    most: int = Field(ge=0)
