"""Supervision coverage, computed from the timeline alone, in seconds of the film; and the banner that shows it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.manifest import people_in
from recorder.archive.timeline_coverage import Coverage, Officer, Span, coverage, officers_in
from recorder.viewcopy.banner import Banner
from recorder.viewcopy.layout import SIZE, Layout, Script, _font
from tests.support.recording.feed import WALL

LI, HE = Officer("li", "first-prison"), Officer("he", "first-prison")
MA, BAI = Officer("ma", "panlong"), Officer("bai", "panlong")
ALL = (LI, HE, MA, BAI)
WRITTEN = {
    "started_at": WALL.isoformat(),
    "parts": [{"zero_mono": 1000.0}],
    "tracks": [{"seconds": 100.0}, {"seconds": 99.5}],
    "sides": {"prison": {"site": "first-prison"}, "visitor": {"site": "panlong"}},
    "policy": {"name": "yunnan", "version": "1", "min_supervisors": 2},
}


def entry(second, event, moved=0.0):
    """Return an entry of the timeline. `moved`: by how much the wall clock was set."""
    return {
        "at": (WALL + timedelta(seconds=second + moved)).isoformat(),
        "mono": 1000.0 + second,
        "event": event,
    }


def people(second, *officers, moved=0.0):
    watchers = [{"user": one.user, "site": one.site} for one in officers]
    return entry(second, {"kind": "people", "checked_in": [], "watchers": watchers}, moved)


class TestSeconds:
    def test_of_each_officer_are_those_of_their_presence(self):
        found = coverage([people(0, *ALL), people(30, LI, MA, BAI), people(50, *ALL)], WRITTEN)
        assert found.officers[LI].spans == [Span(0, 100)] and found.officers[LI].seconds == 100
        assert found.officers[HE].spans == [Span(0, 30), Span(50, 100)]
        assert found.officers[HE].seconds == 80

    def test_before_the_film_and_after_it_do_not_count(self):
        found = coverage([people(-20, *ALL), people(90, *ALL), people(130, LI)], WRITTEN)
        assert {watched.seconds for watched in found.officers.values()} == {100}

    def test_do_not_move_with_the_wall_clock(self):
        found = coverage([people(0, *ALL), people(30, LI, moved=-7200.0), people(60, *ALL, moved=9.0)], WRITTEN)
        assert found.officers[MA].spans == [Span(0, 30), Span(60, 100)]

    def test_come_from_the_wall_clock_where_there_is_no_other(self):
        timeline = [{key: value for key, value in one.items() if key != "mono"} for one in [people(10, *ALL)]]
        assert coverage(timeline, WRITTEN).officers[LI].spans == [Span(10, 100)]

    def test_of_entries_that_a_recorder_got_late_are_in_order(self):
        timeline = [people(0, *ALL), people(70, *ALL), people(40, LI)]
        assert coverage(timeline, WRITTEN).officers[HE].spans == [Span(0, 40), Span(70, 100)]


class TestWithoutAControlProcess:
    def test_no_officer_counts_as_present(self):
        gone = entry(40, {"kind": "control", "there": False})
        found = coverage([people(0, *ALL), gone, people(55, *ALL)], WRITTEN)
        assert found.officers[LI].spans == [Span(0, 40), Span(55, 100)]
        assert found.short[0] == (Span(40, 55),)


class TestTooFew:
    def test_is_listed_for_each_side_by_itself(self):
        found = coverage([people(5, *ALL), people(30, LI, MA, BAI), people(50, *ALL)], WRITTEN)
        assert found.short == ((Span(0, 5), Span(30, 50)), (Span(0, 5),))

    def test_is_the_whole_film_without_officers(self):
        assert coverage([], WRITTEN).short == ((Span(0, 100),),) * 2

    def test_an_officer_of_both_sites_counts_for_neither(self):
        double = Officer("li", "panlong")
        found = coverage([people(0, *ALL, double)], WRITTEN)
        assert found.short == ((Span(0, 100),), ())

    def test_needs_as_many_as_the_policy_and_two_without_a_number(self):
        three = {**WRITTEN, "policy": {"min_supervisors": 3}}
        assert coverage([people(0, *ALL)], three).short[0] == (Span(0, 100),)
        assert coverage([people(0, *ALL)], {**WRITTEN, "policy": {}}).short == ((), ())


class TestQuestions:
    def test_are_counted_for_each_officer(self):
        asked = {"kind": "attention", "what": "AttentionAsked", "user": "li", "site": "first-prison"}
        timeline = [people(0, *ALL), entry(10, asked), entry(12, asked | {"what": "AttentionAnswered", "seconds": 2})]
        timeline += [entry(50, asked), entry(80, asked | {"what": "AttentionMissed"})]
        found = coverage(timeline, WRITTEN)
        assert found.officers[LI].questions == {"asked": 2, "answered": 1, "missed": 1}
        assert found.officers[MA].questions == {"asked": 0, "answered": 0, "missed": 0}


class TestOlderTimelines:
    """Their `people` events name officers without sites."""

    OLD = entry(0, {"kind": "people", "checked_in": ["prs_1"], "watchers": ["li", "ma"]})

    def test_give_seconds_of_persons(self):
        found = coverage([self.OLD], WRITTEN)
        assert found.officers[Officer("li", "")].seconds == 100
        assert officers_in(self.OLD["event"]) == {Officer("li", ""), Officer("ma", "")}

    def test_name_the_same_people_in_the_manifest_as_new_ones(self):
        new = people(0, Officer("li", "x"), Officer("ma", "y"))
        assert people_in([self.OLD])["watchers"] == people_in([new])["watchers"] == ["li", "ma"]


moments = st.lists(st.tuples(st.floats(-10, 120), st.sets(st.sampled_from(ALL))), max_size=12)


class TestAnyTimeline:
    @given(moments)
    def test_short_is_exactly_where_fewer_than_needed_have_a_bar(self, story):
        found = coverage([people(second, *there) for second, there in sorted(story, key=lambda one: one[0])], WRITTEN)
        edges = {0.0, 100.0} | {edge for watched in found.officers.values() for s in watched.spans for edge in s}
        for start, end in zip(sorted(edges), sorted(edges)[1:], strict=False):
            middle = (start + end) / 2
            for side, site in enumerate(("first-prison", "panlong")):
                there = sum(
                    any(s.start <= middle < s.end for s in watched.spans)
                    for one, watched in found.officers.items()
                    if one.site == site
                )
                assert any(s.start <= middle < s.end for s in found.short[side]) == (there < 2)

    @given(moments)
    def test_spans_lie_in_the_film_one_after_the_other(self, story):
        found = coverage([people(second, *there) for second, there in story], WRITTEN)
        for watched in found.officers.values():
            flat = [edge for span in watched.spans for edge in span]
            assert flat == sorted(flat) and all(0 <= edge <= 100 for edge in flat)


class TestTheBanner:
    @pytest.fixture
    def found(self) -> Coverage:
        return coverage([people(0, *ALL), people(40, LI, MA, BAI), people(60, *ALL)], WRITTEN)

    def picture(self, found: Coverage, second: float):
        layout = Layout(Script(WALL, ("one", "two"), coverage=found))
        return layout.frame(second).to_ndarray(format="rgb24")[SIZE[1] :]

    def x(self, found: Coverage, side: int, second: float) -> int:
        return round(Banner(found, SIZE[0], _font)._x(side, second))

    def test_is_red_where_too_few_watched_and_only_on_that_side(self, found):
        shown = self.picture(found, 10.0)
        red, green, _ = shown[-4, self.x(found, 0, 50)].astype(int)
        assert red > 100 > green
        assert shown[-4, self.x(found, 0, 20)].max() < 60
        assert shown[-4, self.x(found, 1, 50)].max() < 60

    def test_has_a_bar_for_each_officer_where_they_watched(self, found):
        shown = self.picture(found, 10.0)
        he = shown[6 + 7, self.x(found, 0, 20)].astype(int)  # the first row, by id
        assert he[1] > 150 > he[0]
        gone = shown[6 + 7, self.x(found, 0, 50)].astype(int)
        assert gone[0] > gone[1]

    def test_has_a_line_at_the_second_that_plays(self, found):
        for second in (0.0, 33.0, 100.0):
            shown = self.picture(found, second)
            for side in (0, 1):
                assert shown[:, self.x(found, side, second)].min() > 180

    def test_makes_the_picture_taller_and_leaves_the_rest(self, found):
        layout = Layout(Script(WALL, ("one", "two"), coverage=found))
        assert layout.size[0] == SIZE[0] and layout.size[1] - SIZE[1] == 40
        assert Layout(Script(WALL, ("one", "two"))).size == SIZE
