"""The application of signaling for tests, with a real store and journal and a pretend broker whose sessions are the
real pure ones. Every answer of `Front.ask` is compared with the server's own OpenAPI document."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from aiohttp.test_utils import TestClient
from jsonschema import Draft202012Validator
from pyee.asyncio import AsyncIOEventEmitter
from sqlalchemy import update

from broker.booking.absence import Absence, noted
from broker.booking.rebooking import Rebooking, requested
from broker.booking.slot import Person, Place, Slot
from broker.control.capacity.line_tests import LineTests
from broker.control.duty.handovers import Handovers
from broker.control.journal.reader import entries
from broker.control.recovery.row_watch import on_record
from broker.control.session_runner import RecordingView
from broker.control.statistics import Figures
from broker.control.store.tables import api_keys, users
from broker.ipc.relay_messages import MediaReply
from broker.kernel.database import writing
from broker.kernel.errors import NotFound
from broker.kernel.ids import PersonId, ResourceId, RoomId, SessionId, Side, SiteId, SlotId, new_id
from broker.presence.attention_check import AttentionChecks
from broker.presence.presence import Presence, PresenceStatus
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.refusals import check_cancellation, check_extension
from broker.session.snapshot import to_json
from broker.session.state import Session, State
from broker.session.take_up import due
from broker.session.transitions import step
from config.check_in import Manner, Tick
from config.pack_loader import load_pack
from signaling.server.app import CONTEXT
from tests.support.control.fixtures import TEN

YUNNAN = load_pack("yunnan")
PASSWORD = "a long enough secret"
OFFER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
ANSWER = "v=0\r\ns=answer\r\n"
FRAGMENT = "a=ice-lite\r\na=ice-ufrag:new1\r\n"
PAST = timedelta(minutes=-10)


async def settle(store):
    """Make all accounts and keys as old as those of a former version."""
    async with writing(store.engine) as db:
        await db.execute(update(users).values(credential_at=None))
        await db.execute(update(api_keys).values(created_at=TEN - timedelta(days=90)))


def ten_slot(**changes):
    """Return a slot at ten o'clock, p1 of the first prison with v1 of Panlong."""
    people = (
        Person(PersonId("in-1"), Side.PRISON, "刘某甲"),
        Person(PersonId("kin-1"), Side.VISITOR, "欧阳某乙", "母亲"),
    )
    made = Slot(
        SlotId(new_id("slt")),
        SessionId(new_id("ses")),
        Place(SiteId("first-prison"), RoomId("p1")),
        Place(SiteId("panlong"), RoomId("v1")),
        TEN,
        TEN + timedelta(minutes=40),
        30,
        people,
        "监狱审批",
        "云南 第八条",
        "yunnan",
    )
    return replace(made, **changes)


@dataclass
class PretendLive:
    """One session, with what the runner of a real broker shows of it."""

    session: Session
    policy: object = YUNNAN
    recording: RecordingView = field(default_factory=RecordingView)
    quality: dict = field(default_factory=dict)
    viewers: dict = field(default_factory=dict)
    at_risk: frozenset = frozenset()
    rebooking: Rebooking | None = None
    absence: Absence | None = None


class PretendLineTests:
    """Line tests that no relay carries, each of the terminal that opened it."""

    def __init__(self):
        self.open_tests = {}

    async def open(self, terminal):
        self.open_tests[terminal] = SessionId(new_id("line"))
        return self.open_tests[terminal]

    check = LineTests.check

    @property
    def _by_terminal(self):
        return self.open_tests


class PretendBroker:
    """A broker that steps its sessions at once, and answers every offer with the same SDP."""

    def __init__(self, store, clock):
        self.bus, self.store, self.clock = AsyncIOEventEmitter(), store, clock
        self.lives, self.facts, self.offers, self.dropped = {}, [], [], []
        self.fragments, self.decided = [], []
        self.page_reports, self.answers, self.standings = [], [], {}
        self.presence = Presence(AttentionChecks(max, lambda: "att_1"))
        self.handovers = Handovers(self.lives, self.presence, self, clock, self.bus)
        self.noted = []
        self.error = None
        self.line_tests = PretendLineTests()
        self.numbers = Figures((), 0, {}, {}, 0.0, True, True)

    def note(self, kind, session, author, data):
        """Keep an entry of handovers, as the journal does."""
        self.noted.append((kind, session, author))

    def live(self, session):
        if self.error:
            raise self.error
        if session not in self.lives:
            raise NotFound()
        return self.lives[session]

    @property
    def follow_ups(self):
        return self

    def sessions(self):
        return list(self.lives.values())

    def figures(self):
        return self.numbers

    def tell(self, session, fact):
        live = self.live(session)
        live.session, _ = step(live.session, fact, self.clock.now(), live.policy)
        live.rebooking = live.rebooking or requested(live.session, live.policy)
        live.absence = live.absence or noted(live.session)
        self.facts.append(fact)
        self.bus.emit("session", session)

    async def save(self, session):
        """Store a session as the real broker does, with what follows its end."""
        live = self.live(session)
        data = to_json(live.session, "boot")
        await self.store.save_snapshot(session, str(live.session.state), data, live.rebooking, live.absence)

    async def rules_of(self, slot):
        return load_pack(slot.policy)

    def rules_in_force(self, pack):
        return load_pack(pack)

    async def decline_rebooking(self, id, by, reason):
        return await self.store.decline_rebooking(id, by, reason)

    async def decide_absence(self, absence, by):
        await self.store.add_absence_decision(absence)
        self.decided.append((absence.id, by))

    async def add_slot(self, slot, by, rebooks=None, documents=None):
        await self.store.add_slot(slot, rebooks, by, documents)
        self.lives[slot.session] = PretendLive(Session(slot), load_pack(slot.policy))
        self.tell(slot.session, ev.TimePassed())
        return slot.session

    async def extend(self, approval):
        session = self.live(approval.session).session
        check_extension(session, approval, self.clock.now(), self.live(approval.session).policy)
        await self.store.add_extension(approval)
        self.tell(approval.session, approval)

    async def approve_second(self, slot, by, article, author):
        approved = await self.store.approve_second(slot, by, article)
        await self.rows_changed()
        return approved

    async def rows_changed(self):
        lives = [live for live in self.lives.values() if live.session.state is not State.ENDED]
        records = await on_record(self.store, [live.session.slot for live in lives])
        for live in lives:
            for fact in due(live.session, records[live.session.id]):
                self.tell(live.session.id, fact)

    async def cancel_slot(self, slot, by, article="", note=""):
        session = (await self.store.slot(slot)).session
        fact = ev.SlotCancelled(by, article, note)
        check_cancellation(self.live(session).session, fact, self.clock.now(), self.live(session).policy)
        await self.store.cancel_slot(slot, by, article, note)
        self.tell(session, fact)

    async def negotiate(self, offer, author):
        self.offers.append(offer)
        return MediaReply(resource=ResourceId(new_id("res")), sdp=ANSWER)

    async def restart(self, resource, fragment):
        self.fragments.append(fragment)
        return FRAGMENT

    def page_report(self, watcher, page, report):
        self.page_reports.append((watcher, page, report))
        self.presence.handle_report(watcher, page, report, self.clock.now().mono)

    def answer(self, watcher, prompt):
        if self.standing(watcher).prompt is None:
            raise NotFound()
        self.answers.append((watcher, prompt))

    def standing(self, watcher):
        return self.standings.get(watcher, PresenceStatus())

    async def drop(self, resource):
        self.dropped.append(resource)


class Front:
    """The running application, its neighbours, and the tokens of all callers."""

    def __init__(self, client: TestClient, broker, clock, tokens, journal, store):
        self.client, self.broker, self.clock, self.tokens = client, broker, clock, tokens
        self.journal, self.store = journal, store

    @property
    def context(self):
        return self.client.app[CONTEXT]

    async def ask(self, method, path, caller=None, **kw):
        """Return the answer, read and compared with the document; `data` is its JSON."""
        headers = dict(kw.pop("headers", {}))
        if caller is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(caller, caller)}"
        answer = await self.client.request(method, path, headers=headers, **kw)
        await answer.read()
        if answer.content_type.endswith("json"):
            answer.data = await answer.json(content_type=None)
        await self._check(method, path, answer)
        return answer

    async def refused(self, code, method, path, caller=None, **kw):
        """Return the answer, which must be a refusal with that code."""
        answer = await self.ask(method, path, caller, **kw)
        assert answer.content_type == "application/problem+json", (answer.status, await answer.text())
        data = answer.data
        assert (data["code"], data["status"]) == (code, answer.status), data
        assert data["title"] and data["title_en"] and data["detail"] and data["detail_en"]
        return answer

    async def _check(self, method, path, answer):
        operation = self._operation(method, path.partition("?")[0])
        if operation is None:
            return
        described = operation["responses"].get(str(answer.status))
        assert described is not None, f"{method} {path} answered {answer.status}, which the document does not know"
        needed = {name for name, header in described.get("headers", {}).items() if header.get("required")}
        assert needed <= set(answer.headers), (method, path, answer.status, needed)
        contents = described.get("content", {})
        if not contents:
            assert await answer.read() == b""
            return
        schema = contents[answer.content_type]["schema"]
        if answer.content_type.endswith("json") and schema:
            whole = {**schema, "components": self.context.openapi["components"]}
            wrong = [
                f"{error.json_path}: {error.message[:200]}"
                for error in Draft202012Validator(whole).iter_errors(answer.data)
            ]
            assert not wrong, (method, path, answer.status, wrong)

    def _operation(self, method, path):
        parts = path.split("/")
        for pattern, operations in self.context.openapi["paths"].items():
            pattern_parts = pattern.split("/")
            if len(pattern_parts) == len(parts) and all(
                k[:1] == "{" or k == p for k, p in zip(pattern_parts, parts, strict=True)
            ):
                return operations.get(method.lower())
        return None

    async def add_user(self, *account):
        """Add an officer whose account is old enough for permits."""
        await self.store.add_user(*account)
        await settle(self.store)

    async def visit(self, **changes):
        """Store a slot at ten, and return its session."""
        slot = ten_slot(**changes)
        return await self.broker.add_slot(slot, "test")

    def at(self, delta):
        """Move the clock to `delta` after ten."""
        self.clock.forward(TEN + delta - self.clock.now().wall)
        for live in self.broker.sessions():
            self.broker.tell(live.session.id, ev.TimePassed())

    async def live_visit(self, **changes):
        """Return the session of a visit whose gate is open."""
        session = await self.visit(**changes)
        self.at(timedelta(minutes=-10))
        runner = self.broker.live(session)
        slot, text = runner.session.slot, runner.policy.rules_text.id
        watchers = frozenset(
            Watcher(user, slot.place(side).site) for side in Side for user in (f"{side}-sup", f"{side}-sup-2")
        )
        facts = [ev.RelayReady(), ev.RecorderReady(), ev.WatchersChanged(watchers)]
        facts += [ev.PersonCheckedIn(one.side, one.id, "li", tuple(Tick)) for one in slot.people]
        facts += [ev.SeatReady(side, True, "li") for side in Side]
        facts += [ev.SelfTested(side, True, "t", {"camera": "passed"}) for side in Side] + [
            ev.RoomMedia(side, True) for side in Side
        ]
        facts += [ev.RoomReceiving(side, True) for side in Side]
        facts += [ev.RulesAcknowledged(side, "t", text, "zh", Manner.TOUCH) for side in Side]
        for fact in facts:
            self.broker.tell(session, fact)
        self.at(timedelta(0))
        self.broker.tell(session, ev.RecorderFlushed())
        self.broker.tell(session, ev.Crossed(self.clock.now().mono))
        return session

    async def noted(self, kind):
        """Return the journal's entries of a kind."""
        await self.journal.flush()
        return [one for one in await entries(self.store.engine) if one.kind == kind]
