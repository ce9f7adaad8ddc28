"""Presence: an officer is present only while one page receives both sides, shows them, and the officer answers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.control.presence_tracker import JUST
from broker.kernel.ids import ResourceId, SessionId, Side, SiteId, UserId
from broker.presence.attention_check import AttentionChecks
from broker.presence.presence import MAX_PAGES, SHOWN, STALE, Changes, Presence, PresenceStatus, Report, Visit
from broker.presence.quorum import Watcher, name_of, watcher_of
from broker.presence.reasons import Left, Why
from broker.presence.sight import Flaw
from config.pack_loader import load_pack

ONE, TWO, THREE = (SessionId(f"ses_{name}") for name in ("one", "two", "three"))
PRISON, BUREAU, ELSEWHERE = SiteId("prison-1"), SiteId("bureau-1"), SiteId("bureau-2")
LI, HE, MA = Watcher(UserId("li"), PRISON), Watcher(UserId("he"), PRISON), Watcher(UserId("ma"), BUREAU)
YUNNAN = load_pack("yunnan")
NEVER = replace(YUNNAN, attention_min=timedelta(0), attention_max=timedelta(0), demo=True)
PAGE, OTHER = "pageaaaa", "pagebbbb"
BOTH = tuple(Side)


SHUT = 0.2  # seconds that the order, the way to the relay and a busy machine may take


class Story:
    """Presence in three visits, with time that only the test moves."""

    def __init__(self, policy=NEVER, draw=lambda least, most: least):
        names = count(1)
        self.presence = Presence(AttentionChecks(draw, lambda: f"att_{next(names)}"))
        self.visits = {session: Visit(frozenset({PRISON, BUREAU}), policy) for session in (ONE, TWO, THREE)}
        self.now, self.cap = 100.0, 2
        self.last = Changes({}, {}, {}, (), (), frozenset())
        self.there: dict[SessionId, frozenset[Watcher]] = {}

    def receive(self, watcher=LI, session=ONE, page=PAGE, sides=BOTH, on=True):
        for side in sides:
            resource = ResourceId(f"{watcher.user} {session} {page} {side}")
            self.presence.handle_receiving(session, resource, side, watcher, page, on, self.now)
        return self

    def send(self, session=ONE, sides=BOTH, on=True):
        for side in sides:
            self.presence.handle_sending(session, side, on, self.now)
        return self

    def say(self, watcher=LI, page=PAGE, visible=True, showing: Iterable = ((ONE, BOTH),), duty=(ONE,), flaws=None):
        shown = frozenset((session, side) for session, sides in showing for side in sides)
        report = Report(visible, shown, frozenset(duty), flaws or {})
        self.changed = self.presence.handle_report(watcher, page, report, self.now)
        return self

    def tick(self):
        self.last = self.presence.tick(self.visits, self.cap, self.now)
        self.there |= self.last.present
        return self

    def wait(self, seconds):
        self.now += seconds
        return self

    def present(self, watcher=LI, session=ONE):
        self.tick()
        return watcher in self.there.get(session, frozenset())

    def why(self, watcher=LI, session=ONE):
        self.tick()
        return self.presence.status_of(watcher).sessions.get(session)


@pytest.fixture
def story():
    """Li watches the first visit, whose rooms both send, in one visible page."""
    return Story().send().receive().wait(2 * SHOWN).say()


class TestAnOfficerIsPresent:
    def test_who_receives_both_sides_in_a_visible_page_that_shows_them(self, story):
        assert story.present() and story.why() == ()

    def test_as_long_as_the_page_reports(self, story):
        for _ in range(20):
            assert story.wait(1.0).say().present()

    def test_not_in_another_visit(self, story):
        story.tick()
        assert not story.present(session=TWO) and story.why(session=TWO) is None

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda story: story.say(visible=False), Why.HIDDEN),
            (lambda story: story.say(showing=[(ONE, [Side.PRISON])]), Why.NOT_SHOWN),
            (lambda story: story.say(showing=[]), Why.NOT_SHOWN),
            (lambda story: story.say(flaws={(ONE, Side.VISITOR): Flaw.TOO_SMALL}), Why.TOO_SMALL),
            (lambda story: story.say(flaws={(ONE, Side.PRISON): Flaw.COVERED}), Why.COVERED),
            (lambda story: story.say(duty=()), Why.NOT_CHOSEN),
            (lambda story: story.wait(STALE + 0.1), Why.PAGE_SILENT),
            (lambda story: story.receive(sides=[Side.VISITOR], on=False), Why.NOT_RECEIVING),
        ],
    )
    def test_not_with_one_condition_missing_and_the_reason_names_it(self, story, change, why):
        assert story.present()
        change(story)
        assert not story.present()
        assert story.why() == (why,)

    def test_with_a_small_picture_of_another_visit(self, story):
        assert story.say(flaws={(TWO, Side.VISITOR): Flaw.TOO_SMALL}).present()

    def test_where_the_room_of_a_covered_picture_sends_nothing(self, story):
        flaws = {(ONE, Side.VISITOR): Flaw.COVERED}
        assert story.say(flaws=flaws).send(sides=[Side.VISITOR], on=False).present()

    def test_not_in_a_hidden_page_and_the_reason_is_that_it_is_hidden(self, story):
        story.say(visible=False, showing=[])
        assert story.why() == (Why.HIDDEN,)

    def test_not_where_the_client_names_no_page(self):
        story = Story().send().receive(page="")
        assert story.why() == (Why.NO_PAGE,)

    def test_again_at_once_when_they_come_back(self, story):
        story.say(visible=False)
        assert not story.present()
        story.say()
        assert story.present()

    def test_never_as_an_officer_of_another_site(self, story):
        stranger = Watcher(UserId("li"), ELSEWHERE)
        story.receive(stranger).say(stranger)
        assert not story.present(stranger) and story.why(stranger) is None


class TestASilentPage:
    """A page that reports nothing any more while its socket and its media go on: the gate is shut within two seconds of
    its last report, wherever in its rhythm it falls silent."""

    @given(st.floats(0.3, 1.2), st.lists(st.floats(0.05, 1.2), min_size=1, max_size=20))
    def test_is_noticed_with_time_left_to_shut_the_gate(self, late, pauses):
        """`late`: seconds between reports at worst, when two of three are lost."""
        story = Story().send().receive().wait(2 * SHOWN).say()
        for pause in pauses:
            assert story.wait(min(pause, late)).say().present(), "a loaded page that is late still counts"
        silent_at = story.presence.silent_at(story.now)
        assert silent_at is not None and silent_at - story.now == pytest.approx(STALE)
        assert silent_at - story.now + 2 * JUST + SHUT < 2.0
        story.now = silent_at + JUST
        assert not story.present() and story.why() == (Why.PAGE_SILENT,)

    def test_that_is_silent_already_is_not_waited_for_again(self, story):
        story.wait(STALE + JUST)
        assert story.presence.silent_at(story.now) is None

    def test_the_next_of_several_to_fall_silent_is_named(self, story):
        story.wait(0.5).say(HE)
        assert story.presence.silent_at(story.now) == pytest.approx(story.now - 0.5 + STALE)
        story.wait(STALE - 0.2)
        assert story.presence.silent_at(story.now) == pytest.approx(story.now + 0.2)


class TestWindows:
    def test_the_same_person_twice_counts_once(self, story):
        story.receive(page=OTHER).say(page=OTHER).tick()
        assert story.there[ONE] == {LI}

    def test_what_one_window_receives_proves_nothing_for_another_one(self):
        story = Story().send().receive(page=PAGE).say(page=OTHER)
        assert not story.present()
        story = Story().send().receive(page=PAGE, sides=[Side.PRISON]).receive(page=OTHER, sides=[Side.VISITOR])
        story.say(page=PAGE).say(page=OTHER)
        assert not story.present()
        assert story.why() == (Why.NOT_RECEIVING,)

    def test_one_window_that_meets_all_conditions_is_enough(self, story):
        story.receive(page=OTHER).say(page=OTHER, visible=False)
        assert story.present()

    def test_the_reason_is_that_of_the_better_window(self, story):
        story.say(visible=False).receive(page=OTHER, sides=[Side.PRISON]).say(page=OTHER, visible=False, duty=())
        assert story.why() == (Why.HIDDEN,)

    def test_a_window_of_another_officer_with_the_same_name_proves_nothing(self, story):
        story.say(visible=False).receive(HE).say(HE)
        assert story.present(HE) and not story.present(LI)

    def test_only_so_many_pages_of_an_officer_are_remembered(self, story):
        for number in range(3 * MAX_PAGES):
            story.wait(0.01).say(page=f"window{number:02}")
        assert len(story.presence._pages[LI]) == MAX_PAGES


class TestARoomThatSendsNothing:
    def test_need_not_be_shown(self):
        story = Story().receive().say(showing=[])
        assert story.present()

    def test_has_to_be_shown_as_soon_as_it_sends(self):
        story = Story().receive().say(showing=[])
        assert story.present()
        assert not story.send().present()

    def test_a_page_that_had_shown_it_gets_a_moment_when_it_comes_back(self, story):
        assert story.present()
        story.send(sides=[Side.VISITOR], on=False)
        for _ in range(5):
            assert story.wait(1.0).say(showing=[(ONE, [Side.PRISON])]).present()
        story.send(sides=[Side.VISITOR])
        assert story.wait(SHOWN - 0.1).say(showing=[(ONE, [Side.PRISON])]).present()
        assert not story.wait(0.2).say(showing=[(ONE, [Side.PRISON])]).present()

    def test_a_picture_that_stops_while_the_room_sends_gets_no_moment(self, story):
        assert story.wait(60.0).say().present()
        assert not story.wait(0.1).say(showing=[(ONE, [Side.PRISON])]).present()


class TestSeveralVisits:
    def everywhere(self):
        story = Story().send(ONE).send(TWO).send(THREE)
        for session in (ONE, TWO, THREE):
            story.wait(1.0).receive(session=session)
        return story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(ONE, TWO, THREE))

    def test_within_the_cap_those_watched_longest_count(self):
        story = self.everywhere()
        assert story.present(session=ONE) and story.present(session=TWO)
        assert story.why(session=THREE) == (Why.TOO_MANY,)

    def test_the_officer_chooses_which(self):
        story = self.everywhere()
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(TWO, THREE))
        assert not story.present(session=ONE) and story.present(session=TWO) and story.present(session=THREE)
        assert story.why(session=ONE) == (Why.NOT_CHOSEN,)

    def test_attention_checks_belong_to_the_chosen_visits_only(self):
        story = self.everywhere()
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(TWO,))
        assert story.presence.attended(LI) == [TWO]
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=())
        assert story.presence.attended(LI) == []

    def test_a_visit_that_is_over_makes_room_for_another(self):
        story = self.everywhere().tick()
        del story.visits[ONE]
        story.presence.forget(ONE)
        assert story.present(session=THREE) and story.there[ONE] == frozenset()


class TestChanges:
    def test_a_report_that_says_something_else_is_a_change(self, story):
        assert not story.say().changed
        assert story.say(visible=False).changed
        assert not story.say(visible=False).changed
        assert story.wait(STALE + 1).say(visible=False).changed

    def test_a_tick_returns_changes_only(self, story):
        first = story.tick().last
        assert first.present == {ONE: {LI}} and set(first.statuses) == {LI}
        again = story.tick().last
        assert again.present == {} and again.statuses == {}

    def test_who_left_is_named_once_with_the_reasons(self, story):
        story.tick()
        story.say(flaws={(ONE, side): flaw for side, flaw in zip(Side, Flaw, strict=True)}).tick()
        assert story.last.left == {ONE: {Left(LI.user, LI.site, (Why.TOO_SMALL, Why.COVERED))}}
        assert story.say(visible=False).tick().last.left == {}
        assert story.say().tick().last.left == {} and story.present()

    def test_who_is_gone_altogether_left_because_nothing_is_received(self, story):
        story.tick()
        story.receive(on=False).wait(120.0).tick()
        assert story.last.left == {ONE: {Left(LI.user, LI.site, (Why.NOT_RECEIVING,))}}

    def test_for_whom_it_was_one_visit_too_many_left_because_of_that(self, story):
        story.send(TWO).receive(session=TWO).say(showing=[(ONE, BOTH), (TWO, BOTH)], duty=(ONE, TWO)).tick()
        story.cap = 1
        assert story.tick().last.left == {TWO: {Left(LI.user, LI.site, (Why.TOO_MANY,))}}

    def test_an_officer_who_is_gone_has_an_empty_status(self, story):
        story.tick()
        story.receive(on=False).wait(120.0).tick()
        assert story.last.statuses == {LI: PresenceStatus()} and story.last.present == {ONE: frozenset()}


class TestAttentionChecks:
    def asked(self):
        story = Story(YUNNAN).send().receive().say().tick()
        for _ in range(300):
            story.wait(1.0).say().tick()
        assert story.last.asked == (LI,)
        return story

    def test_begin_after_the_least_time_and_take_no_presence_yet(self):
        assert self.asked().present()

    def test_take_the_presence_when_unanswered_until_they_are_answered(self):
        story = self.asked()
        for _ in range(29):
            assert story.wait(1.0).say().present()
        assert not story.wait(1.0).say().present()
        assert story.last.missed == (LI,) and story.why() == (Why.ATTENTION,)
        assert story.presence.handle_answer(LI, "att_1", story.visits, story.now) == 30.0
        assert story.present()

    def test_make_the_quorum_waver_at_half_time(self):
        story = self.asked()
        assert story.last.wavering == frozenset()
        for _ in range(15):
            story.wait(1.0).say().tick()
        assert story.last.wavering == {LI}

    def test_do_not_go_to_an_officer_who_does_not_watch(self):
        story = Story(YUNNAN).send().receive().say(visible=False).tick()
        for _ in range(700):
            story.wait(1.0).say(visible=False).tick()
            assert story.last.asked == ()

    def test_do_not_matter_where_the_rules_ask_none(self):
        story = self.asked()
        story.visits[ONE] = replace(story.visits[ONE], policy=NEVER)
        for _ in range(40):
            assert story.wait(1.0).say().present()

    def test_are_one_at_a_time_for_an_officer_whatever_they_watch(self):
        story = Story(YUNNAN).send(ONE).send(TWO).receive().receive(session=TWO).receive(page=OTHER)
        everything = {"showing": [(ONE, BOTH), (TWO, BOTH)], "duty": (ONE, TWO)}
        asked = 0
        for _ in range(320):
            story.wait(1.0).say(**everything).say(page=OTHER, **everything).tick()
            asked += len(story.last.asked)
        assert asked == 1


class AnyStory(RuleBasedStateMachine):
    """Any reports of relays and pages in any order."""

    sessions = st.sampled_from([ONE, TWO, THREE])
    people = st.sampled_from([LI, HE, MA])
    pages = st.sampled_from([PAGE, OTHER, ""])
    sides = st.sets(st.sampled_from(BOTH))

    def __init__(self):
        super().__init__()
        self.story = Story(YUNNAN, draw=lambda least, most: most)
        self.reported, self.receiving, self.sending = {}, set(), {}

    @rule(watcher=people, session=sessions, page=pages, sides=sides, on=st.booleans())
    def relay(self, watcher, session, page, sides, on):
        self.story.receive(watcher, session, page, sides, on)
        changed = {(watcher, session, page, side) for side in sides}
        self.receiving = self.receiving | changed if on else self.receiving - changed

    @rule(session=sessions, sides=sides, on=st.booleans())
    def room(self, session, sides, on):
        self.story.send(session, sides, on)
        for picture in [(session, side) for side in sides]:
            self.sending.setdefault(picture, self.story.now) if on else self.sending.pop(picture, None)

    @rule(
        watcher=people,
        page=st.sampled_from([PAGE, OTHER]),
        visible=st.booleans(),
        showing=st.sets(st.tuples(sessions, st.sampled_from(BOTH))),
        duty=st.sets(sessions),
    )
    def page(self, watcher, page, visible, showing, duty):
        self.story.say(watcher, page, visible, [(session, [side]) for session, side in showing], duty)
        self.reported[watcher, page] = (self.story.now, visible, showing, duty)

    @rule(watcher=people)
    def answer(self, watcher):
        prompt = self.story.presence.attention.prompt_of(watcher)
        if prompt is not None:
            assert self.story.presence.handle_answer(watcher, prompt.id, self.story.visits, self.story.now) is not None

    @rule(seconds=st.sampled_from([0.2, 1.0, 2.0, 30.0, 700.0]))
    def time(self, seconds):
        self.story.wait(seconds)

    @rule(session=sessions)
    def relay_gone(self, session):
        self.story.presence.forget(session)
        self.receiving = {reception for reception in self.receiving if reception[1] != session}
        self.sending = {picture: at for picture, at in self.sending.items() if picture[0] != session}

    @invariant()
    def each_present_officer_has_one_page_in_order(self):
        story = self.story.tick()
        for session, there in story.there.items():
            for watcher in there:
                assert any(self.in_order(watcher, session, page) for page in (PAGE, OTHER)), (watcher, session)
                assert not story.presence.attention.missed(watcher)

    def in_order(self, watcher, session, page):
        at, visible, showing, duty = self.reported.get((watcher, page), (-1e9, False, set(), set()))
        received = all((watcher, session, page, side) in self.receiving for side in BOTH)
        pictures = [(session, side) for side in BOTH]
        shown = all(self.story.now - self.sending.get(p, 1e9) <= SHOWN or p in showing for p in pictures)
        return received and shown and visible and session in duty and self.story.now - at <= STALE

    @invariant()
    def no_officer_is_present_more_often_than_the_cap(self):
        self.story.tick()
        for watcher in (LI, HE, MA):
            assert sum(watcher in there for there in self.story.there.values()) <= self.story.cap

    @invariant()
    def an_officer_who_is_not_present_has_a_reason(self):
        self.story.tick()
        for watcher, session, _, _ in self.receiving:
            why = self.story.presence.status_of(watcher).sessions[session]
            assert bool(why) == (watcher not in self.story.there.get(session, frozenset()))


TestAnyStory = AnyStory.TestCase


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_names_go_both_ways(user, page):
    user, page = user.replace("@", "").replace("#", "") or "u", page.replace("#", "")
    assert watcher_of(name_of(Watcher(UserId(user), PRISON), page)) == (Watcher(UserId(user), PRISON), page)
    assert watcher_of(f"terminal:{user}") is None
