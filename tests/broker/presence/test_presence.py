"""Who counts: only who receives both sides in a page that is seen, shows them, and whose officer answers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.kernel.ids import ResourceId, SessionId, Side, SiteId, UserId
from broker.presence.attention_check import AttentionChecks
from broker.presence.presence import MAX_PAGES, SHOWN, STALE, Look, Presence, PresenceStatus, Report, Visit, Why
from broker.presence.quorum import Watcher
from config.pack_loader import load_pack

ONE, TWO, THREE = (SessionId(f"ses_{name}") for name in ("one", "two", "three"))
PRISON, BUREAU, ELSEWHERE = SiteId("prison-1"), SiteId("bureau-1"), SiteId("bureau-2")
LI, HE, MA = Watcher(UserId("li"), PRISON), Watcher(UserId("he"), PRISON), Watcher(UserId("ma"), BUREAU)
YUNNAN = load_pack("yunnan")
NEVER = replace(YUNNAN, attention_min=timedelta(0), attention_max=timedelta(0))
PAGE, OTHER = "pageaaaa", "pagebbbb"
BOTH = tuple(Side)


class Story:
    """Attending with three visits and time that only we move."""

    def __init__(self, policy=NEVER, draw=lambda least, most: least):
        names = count(1)
        self.attending = Presence(AttentionChecks(draw, lambda: f"att_{next(names)}"))
        self.visits = {session: Visit(frozenset({PRISON, BUREAU}), policy) for session in (ONE, TWO, THREE)}
        self.now, self.cap = 100.0, 2
        self.last = Look({}, {}, (), (), frozenset())
        self.there: dict[SessionId, frozenset[Watcher]] = {}

    def receive(self, who=LI, session=ONE, page=PAGE, sides=BOTH, on=True):
        for side in sides:
            resource = ResourceId(f"{who.user} {session} {page} {side}")
            self.attending.receives(session, resource, side, who, page, on, self.now)
        return self

    def send(self, session=ONE, sides=BOTH, on=True):
        for side in sides:
            self.attending.sends(session, side, on, self.now)
        return self

    def say(self, who=LI, page=PAGE, visible=True, showing: Iterable = ((ONE, BOTH),), duty=(ONE,)):
        shown = frozenset((session, side) for session, sides in showing for side in sides)
        self.news = self.attending.reports(who, page, Report(visible, shown, frozenset(duty)), self.now)
        return self

    def look(self):
        self.last = self.attending.look(self.visits, self.cap, self.now)
        self.there |= self.last.counted
        return self

    def wait(self, seconds):
        self.now += seconds
        return self

    def counts(self, who=LI, session=ONE):
        self.look()
        return who in self.there.get(session, frozenset())

    def why(self, who=LI, session=ONE):
        self.look()
        return self.attending.standing(who).sessions.get(session)


@pytest.fixture
def story():
    """Li watches the first visit, whose rooms both send, in one page that is seen."""
    return Story().send().receive().wait(2 * SHOWN).say()


class TestWhoCounts:
    def test_one_who_receives_both_sides_in_a_page_that_is_seen_and_shows_them(self, story):
        assert story.counts() and story.why() == ()

    def test_as_long_as_the_page_speaks(self, story):
        for _ in range(20):
            assert story.wait(1.0).say().counts()

    def test_not_in_another_visit(self, story):
        story.look()
        assert not story.counts(session=TWO) and story.why(session=TWO) is None

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda story: story.say(visible=False), Why.HIDDEN),
            (lambda story: story.say(showing=[(ONE, [Side.PRISON])]), Why.NOT_SHOWN),
            (lambda story: story.say(showing=[]), Why.NOT_SHOWN),
            (lambda story: story.say(duty=()), Why.NOT_CHOSEN),
            (lambda story: story.wait(STALE + 0.1), Why.PAGE_SILENT),
            (lambda story: story.receive(sides=[Side.VISITOR], on=False), Why.NOT_RECEIVING),
        ],
    )
    def test_nobody_with_one_of_them_missing_and_it_is_said_which(self, story, change, why):
        assert story.counts()
        change(story)
        assert not story.counts()
        assert story.why() == (why,)

    def test_a_hidden_page_is_known_to_be_hidden_not_accused_of_showing_nothing(self, story):
        story.say(visible=False, showing=[])
        assert story.why() == (Why.HIDDEN,)

    def test_a_watcher_that_names_no_page_does_not_count(self):
        story = Story().send().receive(page="")
        assert story.why() == (Why.NO_PAGE,)

    def test_who_comes_back_counts_again_at_once(self, story):
        story.say(visible=False)
        assert not story.counts()
        story.say()
        assert story.counts()

    def test_officers_of_other_sites_are_nobodys_watchers(self, story):
        stranger = Watcher(UserId("li"), ELSEWHERE)
        story.receive(stranger).say(stranger)
        assert not story.counts(stranger) and story.why(stranger) is None


class TestWindows:
    def test_the_same_person_twice_counts_once(self, story):
        story.receive(page=OTHER).say(page=OTHER).look()
        assert story.there[ONE] == {LI}

    def test_what_one_window_receives_proves_nothing_for_another_one(self):
        story = Story().send().receive(page=PAGE).say(page=OTHER)
        assert not story.counts()
        story = Story().send().receive(page=PAGE, sides=[Side.PRISON]).receive(page=OTHER, sides=[Side.VISITOR])
        story.say(page=PAGE).say(page=OTHER)
        assert not story.counts()
        assert story.why() == (Why.NOT_RECEIVING,)

    def test_one_good_window_is_enough(self, story):
        story.receive(page=OTHER).say(page=OTHER, visible=False)
        assert story.counts()

    def test_of_two_bad_ones_the_better_is_spoken_of(self, story):
        story.say(visible=False).receive(page=OTHER, sides=[Side.PRISON]).say(page=OTHER, visible=False, duty=())
        assert story.why() == (Why.HIDDEN,)

    def test_another_officer_with_the_same_name_of_a_window_proves_nothing_for_the_first(self, story):
        story.say(visible=False).receive(HE).say(HE)
        assert story.counts(HE) and not story.counts(LI)

    def test_so_many_are_remembered_and_no_more(self, story):
        for number in range(3 * MAX_PAGES):
            story.wait(0.01).say(page=f"window{number:02}")
        assert len(story.attending._pages[LI]) == MAX_PAGES


class TestARoomThatSendsNothing:
    def test_need_not_be_shown(self):
        story = Story().receive().say(showing=[])
        assert story.counts()

    def test_has_to_be_shown_as_soon_as_it_sends(self):
        story = Story().receive().say(showing=[])
        assert story.counts()
        assert not story.send().counts()

    def test_who_has_shown_it_gets_a_moment_when_it_comes_back(self, story):
        assert story.counts()
        story.send(sides=[Side.VISITOR], on=False)
        for _ in range(5):
            assert story.wait(1.0).say(showing=[(ONE, [Side.PRISON])]).counts()
        story.send(sides=[Side.VISITOR])
        assert story.wait(SHOWN - 0.1).say(showing=[(ONE, [Side.PRISON])]).counts()
        assert not story.wait(0.2).say(showing=[(ONE, [Side.PRISON])]).counts()

    def test_a_picture_that_stops_while_the_room_sends_gets_no_moment(self, story):
        assert story.wait(60.0).say().counts()
        assert not story.wait(0.1).say(showing=[(ONE, [Side.PRISON])]).counts()


class TestSeveralVisits:
    def everywhere(self):
        story = Story().send(ONE).send(TWO).send(THREE)
        for session in (ONE, TWO, THREE):
            story.wait(1.0).receive(session=session)
        return story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(ONE, TWO, THREE))

    def test_no_more_than_the_cap_those_watched_longest(self):
        story = self.everywhere()
        assert story.counts(session=ONE) and story.counts(session=TWO)
        assert story.why(session=THREE) == (Why.TOO_MANY,)

    def test_the_officer_chooses_which(self):
        story = self.everywhere()
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(TWO, THREE))
        assert not story.counts(session=ONE) and story.counts(session=TWO) and story.counts(session=THREE)
        assert story.why(session=ONE) == (Why.NOT_CHOSEN,)

    def test_only_what_is_chosen_is_asked_after_not_what_is_looked_at(self):
        story = self.everywhere()
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=(TWO,))
        assert story.attending.attended(LI) == [TWO]
        story.say(showing=[(session, BOTH) for session in (ONE, TWO, THREE)], duty=())
        assert story.attending.attended(LI) == []

    def test_one_that_is_over_makes_room(self):
        story = self.everywhere().look()
        del story.visits[ONE]
        story.attending.forget(ONE)
        assert story.counts(session=THREE) and story.there[ONE] == frozenset()


class TestNews:
    def test_is_what_changes_anything(self, story):
        assert not story.say().news
        assert story.say(visible=False).news
        assert not story.say(visible=False).news
        assert story.wait(STALE + 1).say(visible=False).news

    def test_a_look_tells_changes_only(self, story):
        first = story.look().last
        assert first.counted == {ONE: {LI}} and set(first.standings) == {LI}
        again = story.look().last
        assert again.counted == {} and again.standings == {}

    def test_somebody_who_is_gone_stands_nowhere(self, story):
        story.look()
        story.receive(on=False).wait(120.0).look()
        assert story.last.standings == {LI: PresenceStatus()} and story.last.counted == {ONE: frozenset()}


class TestQuestions:
    def asked(self):
        story = Story(YUNNAN).send().receive().say().look()
        for _ in range(300):
            story.wait(1.0).say().look()
        assert story.last.asked == (LI,)
        return story

    def test_are_put_after_the_least_time_and_do_not_hurt_yet(self):
        assert self.asked().counts()

    def test_unanswered_they_cost_the_quorum_until_they_are_answered(self):
        story = self.asked()
        for _ in range(29):
            assert story.wait(1.0).say().counts()
        assert not story.wait(1.0).say().counts()
        assert story.last.missed == (LI,) and story.why() == (Why.ATTENTION,)
        assert story.attending.answers(LI, "att_1", story.visits, story.now) == 30.0
        assert story.counts()

    def test_make_the_quorum_waver_at_half_time(self):
        story = self.asked()
        assert story.last.wavering == frozenset()
        for _ in range(15):
            story.wait(1.0).say().look()
        assert story.last.wavering == {LI}

    def test_are_not_put_to_somebody_who_does_not_watch(self):
        story = Story(YUNNAN).send().receive().say(visible=False).look()
        for _ in range(700):
            story.wait(1.0).say(visible=False).look()
            assert story.last.asked == ()

    def test_do_not_matter_where_the_rules_ask_none(self):
        story = self.asked()
        story.visits[ONE] = replace(story.visits[ONE], policy=NEVER)
        for _ in range(40):
            assert story.wait(1.0).say().counts()

    def test_one_person_has_one_question_whatever_they_watch(self):
        story = Story(YUNNAN).send(ONE).send(TWO).receive().receive(session=TWO).receive(page=OTHER)
        everything = {"showing": [(ONE, BOTH), (TWO, BOTH)], "duty": (ONE, TWO)}
        asked = 0
        for _ in range(320):
            story.wait(1.0).say(**everything).say(page=OTHER, **everything).look()
            asked += len(story.last.asked)
        assert asked == 1


class AnyStory(RuleBasedStateMachine):
    """Whatever relays and pages say in whatever order."""

    sessions = st.sampled_from([ONE, TWO, THREE])
    people = st.sampled_from([LI, HE, MA])
    pages = st.sampled_from([PAGE, OTHER, ""])
    sides = st.sets(st.sampled_from(BOTH))

    def __init__(self):
        super().__init__()
        self.story = Story(YUNNAN, draw=lambda least, most: most)
        self.said, self.receiving, self.sending = {}, set(), {}

    @rule(who=people, session=sessions, page=pages, sides=sides, on=st.booleans())
    def relay(self, who, session, page, sides, on):
        self.story.receive(who, session, page, sides, on)
        changed = {(who, session, page, side) for side in sides}
        self.receiving = self.receiving | changed if on else self.receiving - changed

    @rule(session=sessions, sides=sides, on=st.booleans())
    def room(self, session, sides, on):
        self.story.send(session, sides, on)
        for picture in [(session, side) for side in sides]:
            self.sending.setdefault(picture, self.story.now) if on else self.sending.pop(picture, None)

    @rule(
        who=people,
        page=st.sampled_from([PAGE, OTHER]),
        visible=st.booleans(),
        showing=st.sets(st.tuples(sessions, st.sampled_from(BOTH))),
        duty=st.sets(sessions),
    )
    def page(self, who, page, visible, showing, duty):
        self.story.say(who, page, visible, [(session, [side]) for session, side in showing], duty)
        self.said[who, page] = (self.story.now, visible, showing, duty)

    @rule(who=people)
    def answer(self, who):
        prompt = self.story.attending.attention.open(who)
        if prompt is not None:
            assert self.story.attending.answers(who, prompt.id, self.story.visits, self.story.now) is not None

    @rule(seconds=st.sampled_from([0.2, 1.0, 2.0, 30.0, 700.0]))
    def time(self, seconds):
        self.story.wait(seconds)

    @rule(session=sessions)
    def relay_gone(self, session):
        self.story.attending.forget(session)
        self.receiving = {one for one in self.receiving if one[1] != session}
        self.sending = {picture: at for picture, at in self.sending.items() if picture[0] != session}

    @invariant()
    def who_counts_has_one_page_in_order(self):
        story = self.story.look()
        for session, there in story.there.items():
            for who in there:
                assert any(self.in_order(who, session, page) for page in (PAGE, OTHER)), (who, session)
                assert not story.attending.attention.missed(who)

    def in_order(self, who, session, page):
        at, visible, showing, duty = self.said.get((who, page), (-1e9, False, set(), set()))
        received = all((who, session, page, side) in self.receiving for side in BOTH)
        pictures = [(session, side) for side in BOTH]
        shown = all(self.story.now - self.sending.get(p, 1e9) <= SHOWN or p in showing for p in pictures)
        return received and shown and visible and session in duty and self.story.now - at <= STALE

    @invariant()
    def nobody_counts_more_often_than_the_cap(self):
        self.story.look()
        for who in (LI, HE, MA):
            assert sum(who in there for there in self.story.there.values()) <= self.story.cap

    @invariant()
    def who_does_not_count_is_told_why(self):
        self.story.look()
        for who, session, _, _ in self.receiving:
            why = self.story.attending.standing(who).sessions[session]
            assert bool(why) == (who not in self.story.there.get(session, frozenset()))


TestWhateverHappens = AnyStory.TestCase


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_names_go_both_ways(user, page):
    from broker.presence.quorum import name_of, watcher_of

    user, page = user.replace("@", "").replace("#", "") or "u", page.replace("#", "")
    assert watcher_of(name_of(Watcher(UserId(user), PRISON), page)) == (Watcher(UserId(user), PRISON), page)
    assert watcher_of(f"terminal:{user}") is None
