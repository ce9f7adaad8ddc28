"""Who counts for which session and, for each who does not, why (Yunnan 25, 26(3); Guangdong 27). Two witnesses are
heard: the relay, which knows who receives both sides, and the officer's own page, which knows whether it is seen.
Somebody counts through one page only: what one window receives proves nothing for what another one shows. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from broker.kernel.ids import ResourceId, SessionId, Side, SiteId
from broker.presence.attention_check import AttentionChecks, Prompt, Rhythm, rhythm_of
from broker.presence.quorum import Watcher, attendance
from config.policy import Policy

STALE = 2.5
"""Seconds without a word after which a page counts as gone: two and a half of its reports, so that one that is frozen
or cut off is noticed within three seconds, and a line that hiccups for one is not."""
SHOWN = 2.0
"""Seconds a page gets, after its room began to send again, to show what it had shown before."""
MAX_PAGES = 16
"""Pages of one person that are remembered; they choose the names themselves."""
FORGOTTEN = 60.0
"""Seconds after which the name of a page that says nothing any more is dropped."""

Picture = tuple[SessionId, Side]
K = TypeVar("K")
V = TypeVar("V")


class Why(StrEnum):
    """Why somebody who watches does not count, in the order in which people would mend it."""

    ATTENTION = "attention"
    NO_PAGE = "no_page"
    PAGE_SILENT = "page_silent"
    HIDDEN = "hidden"
    NOT_RECEIVING = "not_receiving"
    NOT_SHOWN = "not_shown"
    NOT_CHOSEN = "not_chosen"
    TOO_MANY = "too_many"


Reasons = Mapping[Watcher, tuple[Why, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a page says of itself: whether it is seen, which pictures move in it, and for which sessions its officer
    wants to count."""

    visible: bool
    showing: frozenset[Picture]
    duty: frozenset[SessionId]


@dataclass(frozen=True, slots=True)
class Visit:
    """What has to be known of a session that is not over: whose officers it concerns, and its rules."""

    sites: frozenset[SiteId]
    policy: Policy


@dataclass(frozen=True, slots=True)
class PresenceStatus:
    """How an officer stands: for each session they watch or chose, why they do not count (empty: they do), and the
    question they have not answered."""

    sessions: Mapping[SessionId, tuple[Why, ...]] = field(default_factory=dict)
    prompt: Prompt | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What has changed since the last look. `wavering`: who counts with a question half of whose time is over."""

    counted: Mapping[SessionId, frozenset[Watcher]]
    standings: Mapping[Watcher, PresenceStatus]
    asked: tuple[Watcher, ...]
    missed: tuple[Watcher, ...]
    wavering: frozenset[Watcher]


@dataclass(slots=True)
class _Page:
    report: Report
    heard: float
    shown: set[Picture] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Reception:
    watcher: Watcher
    page: str
    side: Side
    since: float


class Presence:
    """All receptions, pages and questions. Every method takes monotonic seconds."""

    def __init__(self, attention: AttentionChecks) -> None:
        self.attention = attention
        self._received: dict[SessionId, dict[ResourceId, _Reception]] = {}
        self._pages: dict[Watcher, dict[str, _Page]] = {}
        self._sending: dict[Picture, float] = {}
        self._counted: dict[SessionId, frozenset[Watcher]] = {}
        self._standings: dict[Watcher, PresenceStatus] = {}

    # --- what the relay says -------------------------------------------------------------------------------------

    def receives(
        self, session: SessionId, resource: ResourceId, side: Side, watcher: Watcher, page: str, on: bool, now: float
    ) -> None:
        """A supervisor's page receives a side, or no longer does."""
        receptions = self._received.setdefault(session, {})
        if not on:
            receptions.pop(resource, None)
        elif resource not in receptions:
            receptions[resource] = _Reception(watcher, page, side, now)

    def sends(self, session: SessionId, side: Side, on: bool, now: float) -> None:
        """A room sends picture and sound, or no longer does: what is not sent cannot be shown."""
        if on:
            self._sending.setdefault((session, side), now)
        else:
            self._sending.pop((session, side), None)

    def forget(self, session: SessionId) -> None:
        """A session is over, or its relay is gone."""
        self._received.pop(session, None)
        for side in Side:
            self._sending.pop((session, side), None)

    # --- what pages say ------------------------------------------------------------------------------------------

    def reports(self, watcher: Watcher, page: str, report: Report, now: float) -> bool:
        """A page's word about itself. Whether it is news, so that somebody should look at once."""
        pages = self._pages.setdefault(watcher, {})
        known = pages.get(page)
        news = known is None or known.report != report or now - known.heard > STALE
        if known is None:
            if len(pages) >= MAX_PAGES:
                del pages[min(pages, key=lambda name: pages[name].heard)]
            known = pages[page] = _Page(report, now)
        known.report, known.heard = report, now
        known.shown = {one for one in known.shown if one[0] in self._received} | report.showing
        return news

    def answers(self, watcher: Watcher, prompt: str, visits: Mapping[SessionId, Visit], now: float) -> float | None:
        """An answer to a question; the seconds it took, None where this question is not open."""
        rhythm = rhythm_of(visits[session].policy for session in self.attended(watcher) if session in visits)
        return self.attention.answer(watcher, prompt, rhythm, now)

    # --- what follows --------------------------------------------------------------------------------------------

    def attended(self, watcher: Watcher) -> list[SessionId]:
        """The sessions that somebody has chosen and receives anything of; not those that they only look at."""
        chosen = {session for page in self._pages.get(watcher, {}).values() for session in page.report.duty}
        return [s for s in chosen if any(one.watcher == watcher for one in self._received.get(s, {}).values())]

    def standing(self, watcher: Watcher) -> PresenceStatus:
        """How somebody stood at the last look."""
        return self._standings.get(watcher, PresenceStatus(prompt=self.attention.open(watcher)))

    def look(self, visits: Mapping[SessionId, Visit], cap: int, now: float) -> Look:
        """Who counts now, whom to ask, and whose time is over. `cap`: sessions for which one person counts at most."""
        self._drop_pages(now)
        wrong = {session: self._wrongs(session, visit, now) for session, visit in visits.items()}
        asked, missed = self.attention.look(_rhythms(wrong, visits), now)
        reasons = {session: self._lapsed(known, visits[session]) for session, known in wrong.items()}
        eligible = {
            session: {one: self._since(session, one) for one, why in known.items() if not why}
            for session, known in reasons.items()
        }
        counted = attendance(eligible, cap)
        standings = self._stand(reasons, counted)
        look = Look(
            _changes(self._counted, counted, frozenset()),
            _changes(self._standings, standings, PresenceStatus()),
            tuple(asked),
            tuple(missed),
            frozenset(one for one in standings if (prompt := self.attention.open(one)) and prompt.wavers(now)),
        )
        self._counted, self._standings = counted, standings
        return look

    def _lapsed(self, wrong: Reasons, visit: Visit) -> Reasons:
        """The same, and that a question was not answered where the visit's rules ask one."""
        if not visit.policy.attention_max:
            return wrong
        return {one: ((Why.ATTENTION,) if self.attention.missed(one) else ()) + why for one, why in wrong.items()}

    def _stand(
        self, reasons: Mapping[SessionId, Reasons], counted: Mapping[SessionId, frozenset[Watcher]]
    ) -> dict[Watcher, PresenceStatus]:
        sessions: dict[Watcher, dict[SessionId, tuple[Why, ...]]] = {}
        for session, known in reasons.items():
            for watcher, why in known.items():
                over = not why and watcher not in counted[session]
                sessions.setdefault(watcher, {})[session] = (Why.TOO_MANY,) if over else why
        people = sessions.keys() | self._pages.keys()
        return {one: PresenceStatus(sessions.get(one, {}), self.attention.open(one)) for one in people}

    def _wrongs(self, session: SessionId, visit: Visit, now: float) -> Reasons:
        """Why each who watches or wants to does not count, so far as it is seen."""
        return {watcher: self._best(session, watcher, now) for watcher in self._concerned(session, visit)}

    def _concerned(self, session: SessionId, visit: Visit) -> set[Watcher]:
        """Officers of the two sites who receive something of a session or have chosen it."""
        receiving = {one.watcher for one in self._received.get(session, {}).values()}
        choosing = {one for one, pages in self._pages.items() if any(session in p.report.duty for p in pages.values())}
        return {one for one in receiving | choosing if one.site in visit.sites}

    def _best(self, session: SessionId, watcher: Watcher, now: float) -> tuple[Why, ...]:
        """What is wrong with the page of which least is wrong; empty where somebody counts through it."""
        names = self._pages.get(watcher, {}).keys() | {
            one.page for one in self._received.get(session, {}).values() if one.watcher == watcher
        }
        return min((tuple(self._wrong(session, watcher, name, now)) for name in names), key=lambda why: (len(why), why))

    def _wrong(self, session: SessionId, watcher: Watcher, name: str, now: float) -> Iterator[Why]:
        page = self._pages.get(watcher, {}).get(name)
        if not name:
            yield Why.NO_PAGE
        elif page is None or now - page.heard > STALE:
            yield Why.PAGE_SILENT
        else:
            yield from self._unseen(session, page, now)
        if len(set(self._sides(session, watcher, name))) < len(Side):
            yield Why.NOT_RECEIVING

    def _unseen(self, session: SessionId, page: _Page, now: float) -> Iterator[Why]:
        if not page.report.visible:
            yield Why.HIDDEN
        elif any(self._dark((session, side), page, now) for side in Side):
            yield Why.NOT_SHOWN
        if session not in page.report.duty:
            yield Why.NOT_CHOSEN

    def _dark(self, picture: Picture, page: _Page, now: float) -> bool:
        """Whether a page does not show what its room sends. Who has shown it gets a moment after the room's return."""
        since = self._sending.get(picture)
        if since is None or picture in page.report.showing:
            return False
        return picture not in page.shown or now - since > SHOWN

    def _sides(self, session: SessionId, watcher: Watcher, page: str) -> Iterator[Side]:
        for one in self._received.get(session, {}).values():
            if (one.watcher, one.page) == (watcher, page):
                yield one.side

    def _since(self, session: SessionId, watcher: Watcher) -> float:
        """Since when somebody receives both sides, whatever page it is by now."""
        sides: dict[Side, float] = {}
        for one in self._received[session].values():
            if one.watcher == watcher:
                sides[one.side] = min(one.since, sides.get(one.side, one.since))
        return max(sides.values())

    def _drop_pages(self, now: float) -> None:
        for watcher, pages in list(self._pages.items()):
            for name in [name for name, page in pages.items() if now - page.heard > FORGOTTEN]:
                del pages[name]
            if not pages:
                del self._pages[watcher]


def _rhythms(wrong: Mapping[SessionId, Reasons], visits: Mapping[SessionId, Visit]) -> dict[Watcher, Rhythm]:
    """Who really watches now, and how often they are to be asked: nobody is asked before a page that they left."""
    policies: dict[Watcher, list[Policy]] = {}
    for session, known in wrong.items():
        for watcher in [one for one, why in known.items() if not why]:
            policies.setdefault(watcher, []).append(visits[session].policy)
    found = {watcher: rhythm_of(known) for watcher, known in policies.items()}
    return {watcher: rhythm for watcher, rhythm in found.items() if rhythm is not None}


def _changes(before: Mapping[K, V], now: Mapping[K, V], nothing: V) -> dict[K, V]:
    everything = before.keys() | now.keys()
    return {key: now.get(key, nothing) for key in everything if before.get(key, nothing) != now.get(key, nothing)}
