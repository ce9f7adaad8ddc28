"""What relays and pages report becomes facts of sessions, entries of the journal and news for pages."""

import asyncio
from datetime import timedelta

import pytest
from pyee.asyncio import AsyncIOEventEmitter

from broker.control.presence_tracker import LOOK, PresenceTracker
from broker.control.session_runner import SessionRunner
from broker.ipc.relay_messages import Subscription
from broker.kernel.errors import NotFound
from broker.kernel.ids import Side, SiteId, UserId
from broker.presence.presence import Report
from broker.presence.quorum import Watcher, name_of
from broker.presence.reasons import Left, Why
from broker.session import events as ev
from broker.session.state import Session, State
from config.pack_loader import load_pack
from tests.support.control.making import slot
from tests.support.patience import PATIENCE

LI, HE = (Watcher(UserId(name), SiteId("first-prison")) for name in ("li", "he"))
PAGE = "pageaaaa"


def subscription(resource, side, subscriber, on):
    return Subscription(resource=resource, side=side, subscriber=subscriber, gated=False, on=on, consent=on, reports=on)


class Duty:
    """A session in check-in with its tracker. It is the journal, too, and keeps what is noted and emitted."""

    def __init__(self, clock):
        self.clock, self.facts, self.noted, self.emitted = clock, [], [], []
        self.live = SessionRunner(
            Session(slot(), state=State.CHECK_IN),
            load_pack("yunnan"),
            clock,
            lambda live, effect: None,
            lambda live, before, fact, effects: self.facts.append(fact),
        )
        self.id = self.live.session.id
        bus = AsyncIOEventEmitter()
        bus.on("standing", lambda officer: self.emitted.append(("standing", officer)))
        bus.on("session", lambda session: self.emitted.append(("session", session)))
        self.tracker = PresenceTracker({self.id: self.live}, self, clock, bus)

    def note(self, kind, session, author, data):
        """Keep an entry, as the journal does."""
        self.noted.append((kind, session, author))

    def relay(self, officer=LI, on=True):
        """A relay reports that an officer's page receives both sides, or no longer."""
        for side in Side:
            self.tracker.subscription_changed(
                self.id, subscription(f"{officer.user}-{side}", side, name_of(officer, PAGE), on)
            )

    def page(self, officer=LI, visible=True):
        """A page reports that it shows both sides."""
        showing = frozenset((self.id, side) for side in Side)
        self.tracker.page_report(officer, PAGE, Report(visible, showing, frozenset({self.id})))

    def on_duty(self, *officers):
        for officer in officers:
            self.relay(officer)
            self.page(officer)

    def pass_seconds(self, seconds, *officers):
        """Let time pass, while the pages of these officers report each second."""
        for _ in range(seconds):
            self.clock.forward(timedelta(seconds=1))
            for officer in officers:
                self.page(officer)
            self.tracker.look()

    def until_asked(self, *officers):
        """Let time pass until one of them is asked; return this officer and the prompt."""
        for _ in range(601):
            self.pass_seconds(1, *officers)
            for officer in officers:
                if (prompt := self.tracker.standing(officer).prompt) is not None:
                    return officer, prompt.id
        raise AssertionError("no officer was asked within ten minutes")

    def of(self, kind):
        return [fact for fact in self.facts if isinstance(fact, kind)]


@pytest.fixture
async def duty(clock):
    return Duty(clock)


class TestWatching:
    async def test_an_officer_whose_page_is_hidden_is_absent_at_once(self, duty):
        duty.on_duty(LI, HE)
        duty.page(HE, visible=False)
        assert [fact.watchers for fact in duty.of(ev.WatchersChanged)] == [{LI}, {LI, HE}, {LI}]
        assert duty.live.session.processes.watchers == {LI}
        assert duty.of(ev.WatchersChanged)[-1].left == {Left(HE.user, HE.site, (Why.HIDDEN,))}
        assert duty.tracker.standing(HE).sessions == {duty.id: (Why.HIDDEN,)}
        assert duty.emitted[-1] == ("standing", HE)

    async def test_terminals_are_not_counted(self, duty):
        duty.tracker.subscription_changed(duty.id, subscription("r", Side.PRISON, "terminal:trm_1", True))
        assert duty.facts == []

    async def test_a_page_that_stops_reporting_is_noticed(self, duty):
        duty.on_duty(LI)
        running = asyncio.create_task(duty.tracker.run())
        try:
            await asyncio.sleep(0)
            duty.clock.forward(timedelta(seconds=0.9))
            for _ in range(3):  # the look measures with the same clock and must not seem late
                await asyncio.sleep(LOOK)
                duty.clock.forward(timedelta(seconds=0.9))
            async with asyncio.timeout(PATIENCE):
                while duty.live.session.processes.watchers:
                    await asyncio.sleep(LOOK / 5)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def test_a_look_that_this_process_delayed_changes_nothing(self, duty):
        duty.on_duty(LI)
        running = asyncio.create_task(duty.tracker.run())
        try:
            await asyncio.sleep(0)
            duty.clock.forward(timedelta(seconds=10))  # the process hung; page reports that came meanwhile are unread
            await asyncio.sleep(1.5 * LOOK)
            assert duty.live.session.processes.watchers == {LI}
            duty.page()
            await asyncio.sleep(1.5 * LOOK)
            assert duty.live.session.processes.watchers == {LI}
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class TestQuestions:
    async def test_asked_missed_and_answered_are_facts_of_the_visit(self, duty):
        duty.on_duty(LI)
        _, prompt = duty.until_asked(LI)
        assert duty.of(ev.AttentionAsked) == [ev.AttentionAsked(LI.user, LI.site, prompt)]
        duty.pass_seconds(31, LI)
        assert duty.of(ev.AttentionMissed) == [ev.AttentionMissed(LI.user, LI.site, prompt)]
        assert duty.live.session.processes.watchers == frozenset()
        duty.tracker.answer(LI, prompt)
        assert duty.of(ev.AttentionAnswered)[0].seconds == 31.0
        assert duty.live.session.processes.watchers == {LI} and duty.noted == []

    async def test_without_a_session_they_are_entries_of_the_journal(self, duty):
        duty.on_duty(LI)
        _, prompt = duty.until_asked(LI)
        duty.relay(on=False)
        duty.pass_seconds(31)
        duty.tracker.answer(LI, prompt)
        assert duty.noted == [("AttentionMissed", None, "system"), ("AttentionAnswered", None, "user:li")]

    async def test_an_answer_without_a_question_is_refused(self, duty):
        duty.on_duty(LI)
        with pytest.raises(NotFound):
            duty.tracker.answer(LI, "att_1")

    async def test_a_quorum_that_hangs_on_an_answer_is_at_risk_from_half_time_on(self, duty):
        duty.on_duty(LI, HE)
        officer, prompt = duty.until_asked(LI, HE)
        assert duty.live.at_risk == frozenset()
        duty.pass_seconds(16, LI, HE)
        assert duty.live.at_risk == duty.of(ev.QuorumWavers)[-1].sides == {Side.PRISON}
        duty.tracker.answer(officer, prompt)
        assert duty.live.at_risk == frozenset()
