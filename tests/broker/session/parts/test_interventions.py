"""Warnings, mutes and notes (Yunnan 16, 17, 26(3); Guangdong 29): what they change, what the law refuses, and that
neither a restart nor a lost lease forgets them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import Conflict, NotFound, PolicyViolation, TooMany
from broker.kernel.ids import Side, UserId, WarningId
from broker.session import events as ev
from broker.session.effects import Effect, LeaseGate
from broker.session.parts.gate import LEASE, RENEW
from broker.session.parts.interventions import MOST_NOTES, MOST_WARNINGS, Interventions, Muted
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from config.pack_loader import load_pack, packs
from tests.support.session_story import OFFICER, PRISON, SITES, SLOT, VISITOR, YUNNAN, Visit, at, live, prepared

GUANGDONG = load_pack("guangdong")
BOTH = (PRISON, VISITOR)


def warning(number: int = 1, article: str = "YN-16-2", sides: tuple[Side, ...] = BOTH) -> ev.WarningGiven:
    return ev.WarningGiven(WarningId(f"w_{number}"), OFFICER, SITES[PRISON], sides, article, f"不准{number}", "do not")


def acknowledged(side: Side, number: int = 1) -> ev.WarningAcknowledged:
    return ev.WarningAcknowledged(side, WarningId(f"w_{number}"), "t_1")


def mute(side: Side, on: bool = True, site: Side = PRISON, article: str = "YN-16-2") -> ev.MuteOrdered:
    return ev.MuteOrdered(OFFICER, SITES[site], side, on, article)


def note(text: str = "记") -> ev.NoteMade:
    return ev.NoteMade(OFFICER, SITES[VISITOR], text)


def leases(effects: tuple[Effect, ...]) -> list[LeaseGate]:
    return [effect for effect in effects if isinstance(effect, LeaseGate)]


class TestAWarning:
    def test_waits_for_each_room_to_which_it_was_given(self) -> None:
        visit = live()
        assert visit.tell(warning()) == ()
        visit.wait(5)
        visit.tell(acknowledged(VISITOR))
        (warned,) = visit.session.interventions.warnings
        assert (warned.by, warned.article, warned.sides) == (OFFICER, "YN-16-2", BOTH)
        assert dict(warned.acknowledged) == {VISITOR: visit.now.wall}
        assert (visit.now.wall - warned.at).total_seconds() == 5

    def test_a_room_acknowledges_its_own_warnings_and_each_once(self) -> None:
        visit = live()
        visit.tell(warning(sides=(VISITOR,)))
        for side, number in ((PRISON, 1), (VISITOR, 2)):
            with pytest.raises(NotFound):
                visit.tell(acknowledged(side, number))
        visit.tell(acknowledged(VISITOR))
        with pytest.raises(Conflict):
            visit.tell(acknowledged(VISITOR))

    def test_a_repeated_order_is_one_warning_until_it_is_acknowledged(self) -> None:
        visit = live()
        visit.tell(warning(sides=(VISITOR,)))
        again = replace(warning(sides=(VISITOR,)), id=WarningId("w_2"))
        with pytest.raises(Conflict):
            visit.tell(again)
        visit.tell(acknowledged(VISITOR), again)
        assert len(visit.session.interventions.warnings) == 2

    def test_warnings_of_a_visit_are_bounded(self) -> None:
        visit = live()
        visit.tell(*(warning(number) for number in range(MOST_WARNINGS)))
        with pytest.raises(TooMany):
            visit.tell(warning(MOST_WARNINGS))

    def test_is_possible_from_check_in_to_the_end_only(self) -> None:
        early = Visit(at(-60))
        assert early.state is State.SCHEDULED
        for fact in (warning(), mute(PRISON), note()):
            with pytest.raises(Conflict):
                early.tell(fact)
        for visit in (Visit(at(-10)), prepared(), live()):
            visit.tell(warning(), mute(PRISON), note(), acknowledged(PRISON))
        held = live()
        held.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), warning(), mute(PRISON), note())
        held.tell(ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-8"))
        for fact in (warning(2), mute(VISITOR), note("b"), acknowledged(PRISON)):
            with pytest.raises(Conflict):
                held.tell(fact)


def grounds(name: str, must_end: bool) -> list[str]:
    return [one.code for one in load_pack(name).interventions if one.must_end is must_end]


STOPS = [(name, code) for name in packs() for code in grounds(name, True)]
MILDER = [(name, code) for name in packs() for code in grounds(name, False) if not code.startswith("GD-25")]


class TestWhatMustBeStopped:
    """F8: a stop is never closed as a warning, and a warning never closes a stop."""

    @pytest.mark.parametrize(("pack", "code"), STOPS)
    def test_is_not_stored_as_a_warning_or_a_mute(self, pack: str, code: str) -> None:
        visit = prepared(policy=load_pack(pack))
        before = visit.session
        for fact in (warning(article=code), mute(PRISON, article=code)):
            with pytest.raises(PolicyViolation) as refused:
                visit.tell(fact)
            assert refused.value.extra["articles"]
        assert visit.session is before

    @pytest.mark.parametrize(("pack", "code"), MILDER)
    def test_a_ground_that_allows_a_warning_is_stored_as_one(self, pack: str, code: str) -> None:
        visit = prepared(policy=load_pack(pack))  # Guangdong 25, which is the county's: test_ground_conditions.py
        visit.tell(mute(PRISON, article=code))
        if visit.policy.intervention(code).may_warn:  # type: ignore[union-attr]
            visit.tell(warning(article=code))
            assert visit.session.interventions.warnings[0].article == code
        else:
            with pytest.raises(PolicyViolation):
                visit.tell(warning(article=code))

    @pytest.mark.parametrize("code", ["GD-29-1", "", "YN-16"])
    def test_an_unknown_code_is_no_ground(self, code: str) -> None:
        for fact in (warning(article=code), mute(PRISON, article=code)):
            with pytest.raises(PolicyViolation):
                live().tell(fact)

    def test_a_hold_on_such_a_ground_is_not_resumed_after_a_warning(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-17-8"), warning(), acknowledged(PRISON))
        with pytest.raises(PolicyViolation):
            visit.tell(ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert visit.state is State.HELD

    @pytest.mark.parametrize("code", ["END-COMPLETED", "YN-16-2", "YN-18"])
    def test_a_hold_on_such_a_ground_is_not_ended_under_a_lesser_one(self, code: str) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-17-8"))
        with pytest.raises(PolicyViolation):
            visit.tell(ev.EndOrdered(OFFICER, SITES[PRISON], code))
        visit.tell(ev.EndOrdered(OFFICER, SITES[VISITOR], "YN-17-9"))
        assert visit.session.end is not None
        assert visit.session.end.article == "YN-17-9"

    def test_a_hold_on_a_milder_ground_may_be_resumed_or_ended_as_completed(self) -> None:
        visit = live()
        visit.tell(
            ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"),
            ev.EndOrdered(OFFICER, SITES[PRISON], "END-COMPLETED"),
            ev.RoomFinished(VISITOR, "trm_v"),
        )
        assert visit.state is State.ENDED


class TestAMute:
    def test_is_in_the_next_lease_at_once_and_in_all_later_ones(self) -> None:
        visit = live()
        visit.wait(RENEW / 2)
        leased = leases(visit.tell(mute(VISITOR)))
        assert [(one.muted, one.until) for one in leased] == [(frozenset({VISITOR}), visit.now.mono + LEASE)]
        later = leases(visit.wait(5))
        assert len(later) >= 4
        assert {one.muted for one in later} == {frozenset({VISITOR})}
        lifted = leases(visit.tell(mute(VISITOR, on=False)))
        assert [one.muted for one in lifted] == [frozenset()]

    def test_survives_a_hold_and_a_new_relay(self) -> None:
        visit = live()
        visit.tell(mute(PRISON), ev.RelayLost("killed"))
        assert visit.state is State.HELD
        effects = visit.tell(
            ev.RelayReady(),
            *(ev.RoomMedia(side, True) for side in Side),
            *(ev.RoomReceiving(side, True) for side in Side),
            ev.WatchersChanged(live().session.processes.watchers),
        )
        effects += visit.wait(2)
        assert {one.muted for one in leases(effects)} == {frozenset({PRISON})}

    def test_does_not_open_a_shut_gate(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"))
        assert visit.tell(mute(PRISON), mute(PRISON, on=False)) == ()
        assert prepared().tell(mute(PRISON)) == ()

    def test_is_lifted_by_its_own_site_only(self) -> None:
        visit = live()
        visit.tell(mute(PRISON, site=VISITOR))
        with pytest.raises(Conflict):
            visit.tell(mute(PRISON, on=False, site=PRISON))
        with pytest.raises(Conflict):
            visit.tell(mute(PRISON, site=PRISON))
        assert visit.session.interventions.muted == {PRISON: Muted(OFFICER, SITES[VISITOR], "YN-16-2")}
        visit.tell(mute(PRISON, on=False, site=VISITOR))
        with pytest.raises(Conflict):
            visit.tell(mute(PRISON, on=False, site=VISITOR))


class TestNotes:
    def test_have_the_time_of_day_and_of_the_visit(self) -> None:
        visit = prepared()
        visit.tell(note("before"))
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed(), ev.Crossed(visit.now.mono))
        visit.wait(70)
        visit.tell(note("after"))
        assert [(one.text, one.since) for one in visit.session.interventions.notes] == [
            ("before", None),
            ("after", 70.0),
        ]
        assert visit.session.interventions.notes[1].at == visit.now.wall

    def test_a_repeated_order_is_one_note(self) -> None:
        visit = live()
        visit.tell(note())
        with pytest.raises(Conflict):
            visit.tell(note())
        visit.wait(60)
        visit.tell(note())
        assert len(visit.session.interventions.notes) == 2

    def test_are_bounded(self) -> None:
        visit = live()
        visit.tell(*(note(str(number)) for number in range(MOST_NOTES)))
        with pytest.raises(TooMany):
            visit.tell(note("one more"))


sides = st.sampled_from(list(Side))
acts: st.SearchStrategy[ev.Fact] = st.one_of(
    st.builds(warning, st.integers(1, 5), st.sampled_from(["YN-16-2", "YN-17-8"]), st.sampled_from([BOTH, (PRISON,)])),
    st.builds(acknowledged, sides, st.integers(1, 5)),
    st.builds(mute, sides, st.booleans(), sides),
    st.builds(note, st.text(max_size=5)),
    st.sampled_from([ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.ResumeOrdered(OFFICER, SITES[PRISON])]),
)


class TestAnyOrders:
    @given(st.lists(acts, max_size=25))
    def test_a_restart_keeps_them_all_and_the_last_lease_has_the_mutes(self, facts: list[ev.Fact]) -> None:
        visit = live()
        for fact in facts:
            try:
                visit.tell(fact)
            except (Conflict, NotFound, PolicyViolation):
                continue
            visit.wait(0.3)
        session = visit.session
        assert all(one.article != "YN-17-8" for one in session.interventions.warnings)
        if visit.state is State.LIVE:
            assert visit.relay.lease is not None
            assert visit.relay.lease.muted == frozenset(session.interventions.muted)
        kept = json.loads(json.dumps(to_json(session, "boot")))
        again = from_json(SLOT, kept, visit.now, "boot")
        assert again.interventions == session.interventions

    def test_a_snapshot_of_a_version_without_interventions_is_read(self) -> None:
        kept = json.loads(json.dumps(to_json(live().session, "boot")))
        del kept["acts"]
        again = from_json(SLOT, kept, at(1), "boot")
        assert again.interventions == Interventions()

    def test_the_facts_name_author_and_article(self) -> None:
        assert ev.data(warning(sides=(VISITOR,))) == {
            "id": "w_1",
            "by": OFFICER,
            "site": SITES[PRISON],
            "sides": ["visitor"],
            "article": "YN-16-2",
            "text_zh": "不准1",
            "text_en": "do not",
        }
        assert all(isinstance(fact, ev.ACTIONS) for fact in (warning(), acknowledged(PRISON), mute(PRISON), note()))
        assert UserId("p-1") == OFFICER
        assert YUNNAN.canned("dont-4") is not None and GUANGDONG.canned("dont-4") is None
