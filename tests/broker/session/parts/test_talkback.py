"""Talkback (插话): one officer at a time, under a code, and only while it is recorded."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import Side, SiteId, UserId
from broker.session import events as ev
from broker.session.effects import Hush, LetSpeak
from broker.session.parts.processes import Recorder
from broker.session.parts.talkback import Talkback
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from tests.support.session_story import PRISON, SITES, SLOT, VISITOR, Visit, at, live

LI, MA = UserId("p-1"), UserId("v-1")


def begins(by: UserId = LI, *sides: Side, article: str = "SAY-GUIDE") -> ev.SpeechBegan:
    site: SiteId = SITES[PRISON if by == LI else VISITOR]
    return ev.SpeechBegan(by, site, frozenset(sides or (VISITOR,)), article)


def lets(by: UserId = LI, *sides: Side) -> LetSpeak:
    return LetSpeak(by, SITES[PRISON if by == LI else VISITOR], frozenset(sides or (VISITOR,)))


class TestTalkback:
    def test_is_sent_to_the_rooms_that_were_named(self) -> None:
        visit = live()
        assert visit.tell(begins(LI, VISITOR)) == (lets(LI, VISITOR),)
        assert visit.session.talkback == Talkback(LI, SITES[PRISON], frozenset({VISITOR}), "SAY-GUIDE")
        assert visit.tell(ev.SpeechEnded(LI)) == (Hush(),)
        assert visit.session.talkback is None

    def test_changes_neither_gate_nor_limit(self) -> None:
        visit = live()
        visit.tell(begins(LI, PRISON, VISITOR))
        assert visit.session.state is State.LIVE
        assert visit.session.gate.deadline == live().session.gate.deadline

    def test_is_possible_while_the_visit_is_held(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(LI, SITES[PRISON], "YN-16-2"))
        assert lets() in visit.tell(begins())

    def test_may_change_its_rooms(self) -> None:
        visit = live()
        visit.tell(begins(LI, VISITOR))
        assert visit.tell(begins(LI, PRISON, VISITOR)) == (lets(LI, PRISON, VISITOR),)

    def test_ordered_again_for_the_same_rooms_has_no_effect(self) -> None:
        visit = live()
        visit.tell(begins())
        assert visit.tell(begins()) == ()

    def test_is_for_one_officer_at_a_time(self) -> None:
        visit = live()
        visit.tell(begins(LI))
        with pytest.raises(Conflict) as refused:
            visit.tell(begins(MA))
        assert refused.value.extra == {"speaker": LI} and "正在插话" in refused.value.detail_zh
        visit.tell(ev.SpeechEnded(LI))
        assert visit.tell(begins(MA)) == (lets(MA),)

    def test_needs_a_room(self) -> None:
        with pytest.raises(BadRequest):
            live().tell(replace(begins(), sides=frozenset()))

    def test_may_be_ended_by_another_officer_and_its_second_end_has_no_effect(self) -> None:
        visit = live()
        visit.tell(begins(LI))
        assert visit.tell(ev.SpeechEnded(MA)) == (Hush(),)
        assert visit.tell(ev.SpeechEnded(MA)) == ()


class TestRecording:
    @pytest.mark.parametrize("state", [State.CHECK_IN, State.READY])
    def test_there_is_no_talkback_before_the_visit_begins(self, state: State) -> None:
        visit = Visit(at(minutes=-10))
        visit.session = replace(visit.session, state=state)
        with pytest.raises(Conflict):
            visit.tell(begins())

    def test_there_is_no_talkback_while_nothing_is_recorded(self) -> None:
        visit = live()
        visit.tell(ev.RecorderLost("stalled"))
        with pytest.raises(Conflict) as refused:
            visit.tell(begins())
        assert "录像" in refused.value.detail_zh

    @pytest.mark.parametrize(
        "fact",
        [
            ev.RecorderLost("stalled"),
            ev.RelayLost("died"),
            ev.EndOrdered(LI, SITES[PRISON], "YN-17-8"),
            ev.SpeechEnded("relay", "microphone gone"),
        ],
        ids=lambda fact: ev.kind(fact),
    )
    def test_a_talkback_ends_with(self, fact: ev.Fact) -> None:
        visit = live()
        visit.tell(begins())
        effects = visit.tell(fact)
        assert effects[0] == Hush() and visit.session.talkback is None

    def test_a_talkback_ends_at_the_limit(self) -> None:
        visit = live()
        visit.tell(begins())
        visit.wait(31 * 60)
        assert visit.session.state is State.ENDED and visit.session.talkback is None

    def test_a_talkback_does_not_outlive_a_restart(self) -> None:
        visit = live()
        visit.tell(begins())
        again = from_json(SLOT, to_json(visit.session, "boot"), visit.now, "boot")
        assert again.talkback is None

    def test_beginning_and_end_are_on_the_timeline_with_their_author(self) -> None:
        assert {ev.SpeechBegan, ev.SpeechEnded} <= set(ev.ACTIONS)
        assert ev.data(begins(LI, VISITOR, PRISON)) == {
            "by": LI,
            "site": SITES[PRISON],
            "sides": ["prison", "visitor"],
            "article": "SAY-GUIDE",
        }


facts: st.SearchStrategy[ev.Fact] = st.one_of(
    st.builds(begins, st.sampled_from([LI, MA]), st.sampled_from(list(Side))),
    st.sampled_from(
        [
            ev.SpeechEnded(LI),
            ev.SpeechEnded("relay", "microphone gone"),
            ev.RecorderLost("stalled"),
            ev.RecorderReady(),
            ev.RecorderFlushed(),
            ev.RelayLost("died"),
            ev.RelayReady(),
            ev.RoomMedia(PRISON, False),
            ev.RoomMedia(PRISON, True),
            ev.HoldOrdered(LI, SITES[PRISON], "YN-16-2"),
            ev.ResumeOrdered(LI, SITES[PRISON]),
            ev.EndOrdered(LI, SITES[PRISON], "YN-17-8"),
        ]
    ),
)


@given(st.lists(facts, max_size=30))
def test_in_any_story_the_relay_sends_the_talkback_of_the_session_and_only_while_recorded(facts: list[ev.Fact]) -> None:
    visit, heard = live(), None
    for fact in facts:
        try:
            effects = visit.tell(fact)
        except Conflict:
            continue
        for effect in effects:
            if isinstance(effect, LetSpeak):
                heard = (effect.by, effect.sides)
            elif isinstance(effect, Hush):
                heard = None
        session = visit.session
        assert heard == (session.talkback and (session.talkback.by, session.talkback.sides))
        if heard is not None:
            assert session.begun and session.processes.relay and session.processes.recorder is Recorder.WRITING
