"""The quorum of a side, and how an officer is shared out over several visits (Yunnan 25, Guangdong 27, F1, decision
3)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import SessionId, SiteId, UserId
from broker.presence.quorum import Watcher, of_side, reached, share_out
from tests.support.session_story import PRISON, SITES, SLOT, VISITOR, officers

ONE, TWO, THREE = (SessionId(f"session_{number}") for number in "123")


def officer(name: str, site: str = "prison-1") -> Watcher:
    """An officer, of the prison unless another site is named."""
    return Watcher(UserId(name), SiteId(site))


class TestQuorum:
    """The law asks for at least two supervisors of each side, all the time."""

    def test_two_officers_of_its_own_site_are_a_sides_quorum(self) -> None:
        assert reached(officers(2, 0), SLOT, PRISON, 2)
        assert reached(officers(0, 2), SLOT, VISITOR, 2)

    def test_one_officer_is_no_quorum(self) -> None:
        assert not reached(officers(1, 2), SLOT, PRISON, 2)
        assert not reached(officers(2, 1), SLOT, VISITOR, 2)

    def test_officers_of_the_far_site_do_not_count(self) -> None:
        assert not reached(officers(0, 5), SLOT, PRISON, 2)
        assert of_side(officers(2, 3), SLOT, PRISON) == officers(2, 0)

    def test_officers_of_a_third_site_do_not_count(self) -> None:
        assert not reached({officer("a", "prison-2"), officer("b", "prison-2")}, SLOT, PRISON, 2)

    def test_the_same_person_twice_counts_once(self) -> None:
        assert not reached([officer("a"), officer("a")], SLOT, PRISON, 2)

    def test_one_person_cannot_count_for_both_sides(self) -> None:
        two_hats = {officer("a"), officer("a", SITES[VISITOR])}
        watching = two_hats | officers(1, 1)
        assert not reached(watching, SLOT, PRISON, 2)
        assert not reached(watching, SLOT, VISITOR, 2)

    def test_two_rooms_of_one_site_are_never_watched_by_two_sides(self) -> None:
        slot = replace(SLOT, visitor=replace(SLOT.visitor, site=SLOT.prison.site))
        assert not reached(officers(2, 0), slot, PRISON, 2)
        assert not reached(officers(2, 0), slot, VISITOR, 2)


class TestSharingOut:
    """One officer is present in at most so many visits at once, and only in those really received."""

    def test_within_the_cap_an_officer_is_present_in_every_visit(self) -> None:
        a = officer("a")
        assert share_out({ONE: {a: 1.0}, TWO: {a: 2.0}}, 2) == {ONE: {a}, TWO: {a}}

    def test_beyond_the_cap_the_visits_watched_longest_keep_their_officer(self) -> None:
        a = officer("a")
        assert share_out({ONE: {a: 3.0}, TWO: {a: 1.0}, THREE: {a: 2.0}}, 2) == {ONE: set(), TWO: {a}, THREE: {a}}

    def test_a_third_page_does_not_take_an_officer_from_a_running_visit(self) -> None:
        a = officer("a")
        before = share_out({ONE: {a: 1.0}, TWO: {a: 2.0}}, 2)
        after = share_out({ONE: {a: 1.0}, TWO: {a: 2.0}, THREE: {a: 9.0}}, 2)
        assert {session: after[session] for session in before} == before

    def test_when_a_visit_ends_its_officer_is_present_in_the_next(self) -> None:
        a = officer("a")
        assert share_out({TWO: {a: 2.0}, THREE: {a: 9.0}}, 1) == {TWO: {a}, THREE: set()}
        assert share_out({THREE: {a: 9.0}}, 1) == {THREE: {a}}

    def test_a_visit_without_watchers_has_an_empty_entry(self) -> None:
        assert share_out({ONE: {}}, 2) == {ONE: frozenset()}

    @given(
        st.dictionaries(
            st.sampled_from([ONE, TWO, THREE, SessionId("session_4")]),
            st.dictionaries(st.sampled_from([officer(name) for name in "abc"]), st.floats(0, 100)),
        ),
        st.integers(1, 3),
    )
    def test_no_officer_is_present_more_often_than_the_cap_or_where_nothing_is_received(
        self, receiving: dict[SessionId, dict[Watcher, float]], cap: int
    ) -> None:
        counted = share_out(receiving, cap)
        assert set(counted) == set(receiving)
        for session, watchers in counted.items():
            assert watchers <= set(receiving[session])
        for watcher in {w for watchers in receiving.values() for w in watchers}:
            wanted = sum(watcher in watchers for watchers in receiving.values())
            assert sum(watcher in watchers for watchers in counted.values()) == min(wanted, cap)
