"""The timeline of a recording becomes spans of its film: states, the gate, holds with their reason, mutes, talkback."""

from recorder.explained.spans import Happened, Span, spans_in, spans_of

ZERO = "2026-03-02T02:00:00+00:00"


def happened(*events):
    return [Happened(at, event) for at, event in events]


def state(to):
    return {"kind": "state", "to": to}


def gate(open, why=""):
    return {"kind": "gate", "open": open, "why": why}


def test_states_and_the_gate_are_spans_that_end_with_the_film():
    spans = spans_in(happened((-5, state("ready")), (2, state("live")), (2, gate(True)), (50, gate(False))), 60.0)
    assert [(span.at, span.to, span.what) for span in spans.states] == [(0, 2, "ready"), (2, 60, "live")]
    assert [(span.at, span.to) for span in spans.open] == [(2, 50)]


def test_nothing_is_a_state_after_the_end():
    spans = spans_in(happened((0, state("live")), (30, state("ended")), (31, {"kind": "closed"})), 60.0)
    assert [(span.at, span.to, span.what) for span in spans.states] == [(0, 30, "live")]


class TestHolds:
    def test_have_the_article_of_the_officers_order(self):
        order = {"kind": "action", "what": "HoldOrdered", "article": "YN-17-2", "by": "li"}
        events = happened((0, state("live")), (10, order), (10, state("held")), (20, state("live")))
        (hold,) = spans_in(events, 60.0).holds
        assert (hold.at, hold.to, hold.what, hold.data["article"]) == (10, 20, "supervisor", "YN-17-2")

    def test_have_the_reason_for_which_the_gate_was_shut(self):
        events = happened((0, state("live")), (10, state("held")), (10.1, gate(False, "room_lost")))
        (hold,) = spans_in(events, 60.0).holds
        assert (hold.at, hold.to, hold.what) == (10, 60, "room_lost")

    def test_without_control_are_the_recovery_of_the_system(self):
        events = happened((0, state("live")), (10, gate(False, "lease ran out")), (10.5, state("held")))
        assert [hold.what for hold in spans_in(events, 60.0).holds] == ["taken_up"]


def test_mutes_are_of_a_side_and_end_by_order_or_with_the_visit():
    def mute(side, on):
        return {"kind": "action", "what": "MuteOrdered", "side": side, "on": on, "article": "YN-16-2"}

    events = happened((5, mute("visitor", True)), (6, mute("prison", True)), (9, mute("visitor", False)))
    spans = spans_in(events, 60.0)
    assert sorted((span.at, span.to, span.sides) for span in spans.mutes) == [
        (5, 9, ("visitor",)),
        (6, 60, ("prison",)),
    ]


def test_talkback_has_the_rooms_that_were_spoken_to():
    events = happened(
        (5, {"kind": "floor", "open": True, "sides": ["visitor"]}), (8, {"kind": "floor", "open": False, "sides": []})
    )
    assert spans_in(events, 60.0).talkback == (
        Span(5, 8, "talkback", ("visitor",), {"kind": "floor", "open": True, "sides": ["visitor"]}),
    )


def test_moments_that_the_relay_measured_count_before_those_of_the_entry():
    written = {"started_at": ZERO, "parts": [{"zero_mono": 100.0}], "tracks": [{"seconds": 60.0}]}
    timeline = [
        {"at": ZERO, "mono": 103.0, "event": {"kind": "gate", "open": True, "mono": 102.5}},
        {"at": "2026-03-02T02:00:10+00:00", "event": {"kind": "gate", "open": False}},
        {"at": "2026-03-02T02:00:20+00:00", "mono": 5.0, "event": {"kind": "gate", "open": True}},
        {"event": {"kind": "gap"}},
        {"at": "x", "event": {"kind": "state", "to": "live"}},
    ]
    spans = spans_of(timeline, written)
    assert [(span.at, span.to) for span in spans.open] == [(2.5, 10.0), (20.0, 60.0)]
    assert spans.states == ()


def people(*present, left=()):
    gone = [{"user": user, "site": "panlong", "side": "visitor", "why": ["covered"]} for user in left]
    watchers = [{"user": user, "site": "panlong"} for user in present]
    return {"kind": "people", "checked_in": [], "watchers": watchers, **({"left": gone} if gone else {})}


class TestAbsences:
    """Yunnan 25, 26(3): an officer who was present and is not, until the officer is again."""

    def absences(self, *events):
        spans = spans_in(happened(*events), 60.0).absences
        return [(span.at, span.to, span.sides, span.data["user"]) for span in spans]

    def test_last_until_the_officer_is_present_again(self):
        left = (10, people("li", left=["ma"]))
        assert self.absences((0, people("li", "ma")), left, (14, people("li")), (20, people("li", "ma"))) == [
            (10, 20, ("visitor",), "ma")
        ]

    def test_are_told_apart_by_officer(self):
        first = (10, people("li", left=["ma"])), (12, people(left=["li"]))
        assert self.absences(*first, (15, people("ma")), (30, people("ma", "li"))) == [
            (10, 15, ("visitor",), "ma"),
            (12, 30, ("visitor",), "li"),
        ]

    def test_end_with_the_visit_and_with_the_control_process(self):
        for over in (state("ended"), {"kind": "closed"}, {"kind": "control", "there": False}):
            assert self.absences((10, people(left=["ma"])), (40, over)) == [(10, 40, ("visitor",), "ma")]
        assert self.absences((10, people(left=["ma"]))) == [(10, 60, ("visitor",), "ma")]

    def test_are_none_in_timelines_that_name_no_reasons(self):
        assert self.absences((0, people("li")), (10, people()), (20, people("li"))) == []

    def test_are_none_where_the_timeline_was_changed(self):
        for left in ("ma", 7, ["ma", None], {"user": "ma"}):
            assert self.absences((10, {"kind": "people", "watchers": [], "left": left})) == []
