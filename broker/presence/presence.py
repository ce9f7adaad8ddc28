"""Presence of officers in each session and, for each who is not present, why (Yunnan 25, 26(3); Guangdong 27).

An officer is present who receives both sides (the relay has proof), whose page reports that it shows them large enough
and uncovered, and who has missed no attention check. All three must hold for one page: what one window receives proves
nothing for what another one shows. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from broker.booking import drill
from broker.kernel.ids import ResourceId, SessionId, Side, SiteId
from broker.presence.attention_check import AttentionChecks, Prompt, Rhythm, rhythm_of
from broker.presence.quorum import Watcher, share_out
from broker.presence.reasons import Left, Why
from broker.presence.sight import Flaw
from config.policy import Policy

STALE = 1.75
"""Seconds without a report after which a page counts as gone: three of its intervals, so that two reports may be late,
and the gate of a frozen page is shut within two seconds. A quarter of a second is left for the look, the order and the
relay, which took 12 ms on a busy machine."""
SHOWN = 2.0
"""Seconds for a page to show a picture again that it had shown before, after its room began to send again."""
MAX_PAGES = 16
"""Pages of one officer that are remembered. A bound is needed because clients choose the names of their pages."""
FORGOTTEN = 60.0
"""Seconds without a report after which a page is dropped."""

Picture = tuple[SessionId, Side]
K = TypeVar("K")
V = TypeVar("V")


Reasons = Mapping[Watcher, tuple[Why, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """Page report: whether the page is visible, which pictures move in it, in which sessions its officer wants to be
    present (`duty`), and what is wrong with the pictures that move and are too small or covered (`flaws`)."""

    visible: bool
    showing: frozenset[Picture]
    duty: frozenset[SessionId]
    flaws: Mapping[Picture, Flaw] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """What presence has to know of a session that is not over: the sites whose officers it concerns, its rules, and
    whether it is a drill, which concerns its synthetic officers only."""

    sites: frozenset[SiteId]
    policy: Policy
    drill: bool = False


@dataclass(frozen=True, slots=True)
class PresenceStatus:
    """Status of one officer: for each session they watch or chose, why they are not present (empty: they are), and the
    question they have not answered."""

    sessions: Mapping[SessionId, tuple[Why, ...]] = field(default_factory=dict)
    prompt: Prompt | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since the last tick. `left`: who ceased to be present in a session that goes on; `asked` and
    `missed`: whose attention check began or ended without an answer; `wavering`: all officers with half of the time
    for an answer over."""

    present: Mapping[SessionId, frozenset[Watcher]]
    left: Mapping[SessionId, frozenset[Left]]
    statuses: Mapping[Watcher, PresenceStatus]
    asked: tuple[Watcher, ...]
    missed: tuple[Watcher, ...]
    wavering: frozenset[Watcher]


@dataclass(slots=True)
class _Page:
    report: Report
    reported: float
    shown: set[Picture] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Reception:
    watcher: Watcher
    page: str
    side: Side
    since: float


class Presence:
    """Receptions, page reports and attention checks of all officers. Every method takes monotonic seconds."""

    def __init__(self, attention: AttentionChecks) -> None:
        self.attention = attention
        self._received: dict[SessionId, dict[ResourceId, _Reception]] = {}
        self._pages: dict[Watcher, dict[str, _Page]] = {}
        self._sending: dict[Picture, float] = {}
        self._present: dict[SessionId, frozenset[Watcher]] = {}
        self._statuses: dict[Watcher, PresenceStatus] = {}

    # --- reports of the relay -------------------------------------------------------------------------------------

    def handle_receiving(
        self, session: SessionId, resource: ResourceId, side: Side, watcher: Watcher, page: str, on: bool, now: float
    ) -> None:
        """Note that an officer's page receives a side, or no longer does (`on` False)."""
        receptions = self._received.setdefault(session, {})
        if not on:
            receptions.pop(resource, None)
        elif resource not in receptions:
            receptions[resource] = _Reception(watcher, page, side, now)

    def handle_sending(self, session: SessionId, side: Side, on: bool, now: float) -> None:
        """Note that a room sends picture and sound, or no longer does: a page cannot show what is not sent."""
        if on:
            self._sending.setdefault((session, side), now)
        else:
            self._sending.pop((session, side), None)

    def forget(self, session: SessionId) -> None:
        """Drop the receptions of a session that is over, or whose relay is gone."""
        self._received.pop(session, None)
        for side in Side:
            self._sending.pop((session, side), None)

    # --- reports of pages ------------------------------------------------------------------------------------------

    def handle_report(self, watcher: Watcher, page: str, report: Report, now: float) -> bool:
        """Take the report of a page. Returns whether it changes anything, so that a tick is due at once."""
        pages = self._pages.setdefault(watcher, {})
        entry = pages.get(page)
        changed = entry is None or entry.report != report or now - entry.reported > STALE
        if entry is None:
            if len(pages) >= MAX_PAGES:
                del pages[min(pages, key=lambda name: pages[name].reported)]
            entry = pages[page] = _Page(report, now)
        entry.report, entry.reported = report, now
        entry.shown = {picture for picture in entry.shown if picture[0] in self._received} | report.showing
        return changed

    def handle_answer(
        self, watcher: Watcher, prompt: str, visits: Mapping[SessionId, Visit], now: float
    ) -> float | None:
        """Take an answer to an attention check. Returns the seconds it took; None where this question is not open."""
        rhythm = rhythm_of(visits[session].policy for session in self.attended(watcher) if session in visits)
        return self.attention.answer(watcher, prompt, rhythm, now)

    # --- what follows --------------------------------------------------------------------------------------------

    def attended(self, watcher: Watcher) -> list[SessionId]:
        """The sessions that an officer has chosen and receives anything of; not those that they only look at."""
        chosen = {session for page in self._pages.get(watcher, {}).values() for session in page.report.duty}
        return [s for s in chosen if any(one.watcher == watcher for one in self._received.get(s, {}).values())]

    def at_page(self, now: float, within: float) -> frozenset[Watcher]:
        """The officers of whom a page has reported `within` these seconds."""
        return frozenset(
            watcher
            for watcher, pages in self._pages.items()
            if any(now - page.reported <= within for page in pages.values())
        )

    def chosen(self) -> dict[Watcher, frozenset[SessionId]]:
        """The sessions in which each officer wants to be present, by all pages together."""
        return {
            watcher: frozenset().union(*(page.report.duty for page in pages.values()))
            for watcher, pages in self._pages.items()
        }

    def silent_at(self, now: float) -> float | None:
        """When the next page that is not silent at `now` will be, if no report comes; None where there is none."""
        moments = (page.reported + STALE for pages in self._pages.values() for page in pages.values())
        return min((moment for moment in moments if moment >= now), default=None)

    def status_of(self, watcher: Watcher) -> PresenceStatus:
        """The status of an officer at the last tick."""
        return self._statuses.get(watcher, PresenceStatus(prompt=self.attention.prompt_of(watcher)))

    def tick(self, visits: Mapping[SessionId, Visit], cap: int, now: float) -> Changes:
        """Decide anew who is present, ask those whose time has come, and return what has changed. `cap`: sessions in
        which one officer is present at most."""
        self._drop_pages(now)
        wrong = {session: self._wrongs(session, visit, now) for session, visit in visits.items()}
        asked, missed = self.attention.tick(_rhythms(wrong, visits), now)
        reasons = {session: self._with_attention(found, visits[session]) for session, found in wrong.items()}
        eligible = {
            session: {watcher: self._since(session, watcher) for watcher, why in found.items() if not why}
            for session, found in reasons.items()
        }
        present = share_out(eligible, cap)
        statuses = self._statuses_now(reasons, present)
        prompts = {watcher: self.attention.prompt_of(watcher) for watcher in statuses}
        changes = Changes(
            _changes(self._present, present, frozenset()),
            self._left(present, statuses),
            _changes(self._statuses, statuses, PresenceStatus()),
            tuple(asked),
            tuple(missed),
            frozenset(watcher for watcher, prompt in prompts.items() if prompt and prompt.wavers(now)),
        )
        self._present, self._statuses = present, statuses
        return changes

    def _with_attention(self, reasons: Reasons, visit: Visit) -> Reasons:
        """The reasons with a missed attention check, where the rules of the visit ask for any."""
        if not visit.policy.attention_max:
            return reasons
        missed = self.attention.missed
        return {watcher: ((Why.ATTENTION,) if missed(watcher) else ()) + why for watcher, why in reasons.items()}

    def _statuses_now(
        self, reasons: Mapping[SessionId, Reasons], present: Mapping[SessionId, frozenset[Watcher]]
    ) -> dict[Watcher, PresenceStatus]:
        sessions: dict[Watcher, dict[SessionId, tuple[Why, ...]]] = {}
        for session, found in reasons.items():
            for watcher, why in found.items():
                over = not why and watcher not in present[session]
                sessions.setdefault(watcher, {})[session] = (Why.TOO_MANY,) if over else why
        people = sessions.keys() | self._pages.keys()
        return {w: PresenceStatus(sessions.get(w, {}), self.attention.prompt_of(w)) for w in people}

    def _left(
        self, present: Mapping[SessionId, frozenset[Watcher]], statuses: Mapping[Watcher, PresenceStatus]
    ) -> dict[SessionId, frozenset[Left]]:
        """Those who were present in a session at the last tick and are no longer. One who neither receives anything of
        it nor has a page that chooses it has no status there."""
        found: dict[SessionId, frozenset[Left]] = {}
        for session, watchers in present.items():
            gone = self._present.get(session, frozenset()) - watchers
            why = {w: statuses.get(w, PresenceStatus()).sessions.get(session) or (Why.NOT_RECEIVING,) for w in gone}
            if gone:
                found[session] = frozenset(Left(w.user, w.site, why[w]) for w in gone)
        return found

    def _wrongs(self, session: SessionId, visit: Visit, now: float) -> Reasons:
        """Why each officer who watches, or wants to, is not present, attention checks aside."""
        return {watcher: self._best(session, watcher, now) for watcher in self._concerned(session, visit)}

    def _concerned(self, session: SessionId, visit: Visit) -> set[Watcher]:
        """Officers of the two sites who receive something of a session or have chosen it."""
        receiving = {one.watcher for one in self._received.get(session, {}).values()}
        choosing = {one for one, pages in self._pages.items() if any(session in p.report.duty for p in pages.values())}
        return {
            one
            for one in receiving | choosing
            if one.site in visit.sites and drill.counts(one.user, session, visit.drill)
        }

    def _best(self, session: SessionId, watcher: Watcher, now: float) -> tuple[Why, ...]:
        """What is wrong with the page of which least is wrong; empty where the officer is present through it."""
        names = self._pages.get(watcher, {}).keys() | {
            one.page for one in self._received.get(session, {}).values() if one.watcher == watcher
        }
        return min((tuple(self._wrong(session, watcher, name, now)) for name in names), key=lambda why: (len(why), why))

    def _wrong(self, session: SessionId, watcher: Watcher, name: str, now: float) -> Iterator[Why]:
        page = self._pages.get(watcher, {}).get(name)
        if not name:
            yield Why.NO_PAGE
        elif page is None or now - page.reported > STALE:
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
        else:
            yield from self._flawed(session, page)
        if session not in page.report.duty:
            yield Why.NOT_CHOSEN

    def _flawed(self, session: SessionId, page: _Page) -> Iterator[Why]:
        """What is wrong with the pictures of a session that its page shows. A picture that no room sends has no frame
        that could be seen, so that its place does not matter."""
        found = {page.report.flaws.get((session, side)) for side in Side if (session, side) in self._sending}
        yield from (Why(flaw) for flaw in Flaw if flaw in found)

    def _dark(self, picture: Picture, page: _Page, now: float) -> bool:
        """Whether a page does not show what its room sends. One that has shown it before gets a moment after the room's
        return."""
        since = self._sending.get(picture)
        if since is None or picture in page.report.showing:
            return False
        return picture not in page.shown or now - since > SHOWN

    def _sides(self, session: SessionId, watcher: Watcher, page: str) -> Iterator[Side]:
        for reception in self._received.get(session, {}).values():
            if (reception.watcher, reception.page) == (watcher, page):
                yield reception.side

    def _since(self, session: SessionId, watcher: Watcher) -> float:
        """Since when an officer receives both sides, through whatever page it is by now."""
        sides: dict[Side, float] = {}
        for reception in self._received[session].values():
            if reception.watcher == watcher:
                side, since = reception.side, reception.since
                sides[side] = min(since, sides.get(side, since))
        return max(sides.values())

    def _drop_pages(self, now: float) -> None:
        for watcher, pages in list(self._pages.items()):
            for name in [name for name, page in pages.items() if now - page.reported > FORGOTTEN]:
                del pages[name]
            if not pages:
                del self._pages[watcher]


def _rhythms(wrong: Mapping[SessionId, Reasons], visits: Mapping[SessionId, Visit]) -> dict[Watcher, Rhythm]:
    """The officers who watch now, each with how often to ask: none is asked on a page that they have left."""
    policies: dict[Watcher, list[Policy]] = {}
    for session, found in wrong.items():
        for watcher in [watcher for watcher, why in found.items() if not why]:
            policies.setdefault(watcher, []).append(visits[session].policy)
    rhythms = {watcher: rhythm_of(rules) for watcher, rules in policies.items()}
    return {watcher: rhythm for watcher, rhythm in rhythms.items() if rhythm is not None}


def _changes(before: Mapping[K, V], now: Mapping[K, V], nothing: V) -> dict[K, V]:
    everything = before.keys() | now.keys()
    return {key: now.get(key, nothing) for key in everything if before.get(key, nothing) != now.get(key, nothing)}
