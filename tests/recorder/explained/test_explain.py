"""Each gap says why it is, and what crossed meanwhile: by cases, by properties, and on real archives."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel import atomic_files
from recorder.explained.explain import TRACKS, explain, explained_in
from recorder.explained.spans import Happened, spans_in
from recorder.explained.words import ABSENCES, CAUSES, CROSSED, HOLDS, MISSING, SIDES, sentence
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import WALL

LENGTH = 60.0
OLD = Path(__file__).parents[2] / "support/recording/archive_of_0_1_0/archive/prison-site/2026/11/22"
OPEN = [(0.0, {"kind": "gate", "open": True, "why": ""})]


def state(to):
    return {"kind": "state", "to": to}


def shut(why):
    return {"kind": "gate", "open": False, "why": why}


def gap(track, start, seconds, cause="no_packets"):
    return {"track": track, "start": start, "seconds": seconds, "cause": cause, "packets": 0}


def found(events=(), gaps=(), signed=False):
    spans = spans_in([Happened(at, event) for at, event in [*OPEN, *events]], LENGTH)
    return [
        (one.at, one.to, one.side, one.cause, one.missing, one.crossed) for one in explained_in(spans, gaps, signed)
    ]


class TestWhatTheFilmLacks:
    def test_a_picture_without_sound_missing_is_the_camera_and_the_sound_crossed(self):
        assert found(gaps=[gap(0, 5, 3)]) == [(5, 8, "prison", "camera", "picture", "sound")]

    def test_a_sound_alone_is_the_microphone_or_sign_language(self):
        assert found(gaps=[gap(3, 5, 3)]) == [(5, 8, "visitor", "microphone", "sound", "picture")]
        assert found(gaps=[gap(3, 5, 3)], signed=True) == [(5, 8, "visitor", "sign_language", "sound", "picture")]

    def test_both_are_the_line_and_nothing_crossed(self):
        assert found(gaps=[gap(2, 5, 3), gap(3, 5, 3)]) == [(5, 8, "visitor", "line", "both", "nothing")]

    def test_lost_packets_are_the_line(self):
        assert found(gaps=[gap(0, 5, 0.5, "loss")]) == [(5, 5.5, "prison", "line", "picture", "sound")]

    def test_a_new_connection_is_named(self):
        gaps = [gap(0, 5, 3, "reconnect"), gap(1, 5, 3, "reconnect")]
        assert found(gaps=gaps) == [(5, 8, "prison", "reconnect", "both", "nothing")]

    def test_a_hole_between_parts_is_the_recorder_and_what_crossed_is_not_on_record(self):
        gaps = [gap(track, 5, 2, "recorder") for track in range(5)]
        assert found(gaps=gaps) == [(5, 7, "both", "recorder", "both", "unrecorded")]

    def test_records_that_were_lost_on_the_way_to_the_disk_are_the_recorders(self):
        lagging = [(6.0, {"kind": "lagging", "records": 3, "where": "tap"})]
        assert found(lagging, [gap(0, 5, 0.5, "loss")]) == [(5, 5.5, "prison", "recorder", "picture", "unrecorded")]

    def test_in_a_hold_for_the_relay_it_is_the_relay(self):
        events = [(5.0, state("held")), (5.0, shut("relay_lost")), (9.0, state("live")), (9.0, OPEN[0][1])]
        assert found(events, [gap(0, 5.5, 3), gap(1, 5.5, 3)]) == [
            (5, 9, "both", "hold", "none", "nothing"),
            (5.5, 8.5, "prison", "relay", "both", "nothing"),
        ]

    def test_parts_of_a_gap_that_differ_are_told_apart(self):
        assert found(gaps=[gap(0, 5, 10), gap(1, 8, 3)]) == [
            (5, 8, "prison", "camera", "picture", "sound"),
            (8, 11, "prison", "line", "both", "nothing"),
            (11, 15, "prison", "camera", "picture", "sound"),
        ]

    def test_thousands_of_short_gaps_are_one(self):
        gaps = [gap(0, 5 + number * 0.2, 0.05, "loss") for number in range(100)]
        assert len(found(gaps=gaps)) == 1

    def test_a_room_that_had_not_begun_is_no_fault_of_a_line(self):
        assert found(gaps=[gap(2, 0, 4, "not_begun"), gap(3, 0, 4, "not_begun")]) == [
            (0, 4, "visitor", "not_begun", "both", "nothing")
        ]

    def test_the_officers_track_is_nobodys_side(self):
        assert found(gaps=[gap(4, 5, 3)]) == []


class TestWhatDidNotCross:
    def test_a_hold_names_its_reason_and_article(self):
        order = {"kind": "action", "what": "HoldOrdered", "article": "YN-17-2"}
        events = [(5.0, order), (5.0, state("held")), (5.0, shut("supervisor")), (9.0, state("live"))]
        spans = spans_in([Happened(at, event) for at, event in [*OPEN, *events, (9.0, OPEN[0][1])]], LENGTH)
        (hold,) = explained_in(spans, ())
        assert (hold.at, hold.to, hold.cause, hold.crossed) == (5, 9, "hold", "nothing")
        assert hold.zh == "双方：会见中止（管理员中止会见（第十七条第（二）项））；期间画面和声音均未传给对方。"
        assert "held by an officer (Article 17(2))" in hold.en

    def test_before_the_visit_nothing_crossed_and_after_it_nothing_is_explained(self):
        spans = spans_in([Happened(4.0, OPEN[0][1]), Happened(50.0, shut("time_limit"))], LENGTH)
        assert [(one.at, one.to, one.cause) for one in explained_in(spans, ())] == [(0, 4, "before")]

    def test_the_moment_between_the_films_beginning_and_the_gates_is_not_explained(self):
        assert explained_in(spans_in([Happened(0.2, OPEN[0][1])], LENGTH), ()) == []

    def test_a_mute_lets_the_picture_cross(self):
        mute = {"kind": "action", "what": "MuteOrdered", "side": "visitor", "on": True, "article": "YN-16-2"}
        assert found([(5.0, mute)]) == [(5, 60, "visitor", "mute", "none", "picture")]
        assert (5, 8, "visitor", "camera", "picture", "nothing") in found([(5.0, mute)], [gap(2, 5, 3)])

    def test_talkback_is_shown_with_the_rooms_spoken_to(self):
        events = [(5.0, {"kind": "floor", "open": True, "sides": ["prison", "visitor"]}), (7.0, {"kind": "floor"})]
        assert found(events) == [(5, 7, "both", "talkback", "none", "everything")]


class TestOfficersWhoLeft:
    """Yunnan 25, 26(3): where the coverage of an officer was interrupted, the record says why in the page's words."""

    @staticmethod
    def left(*why, side="prison"):
        gone = {"user": "li", "site": "first-prison", "side": side, "why": list(why)}
        return {"kind": "people", "checked_in": [], "watchers": [], "left": [gone]}

    BACK: ClassVar = {"kind": "people", "watchers": [{"user": "li", "site": "first-prison"}]}

    def test_are_explained_by_side_with_the_reason_and_what_crossed(self):
        spans = spans_in([Happened(*OPEN[0]), Happened(5, self.left("too_small")), Happened(9, self.BACK)], LENGTH)
        (absence,) = explained_in(spans, ())
        facts = (absence.at, absence.to, absence.side, absence.cause, absence.missing, absence.crossed)
        assert facts == (5, 9, "prison", "absent", "none", "everything")
        why = "有管理员未计入在岗（画面过小（至少 160×90））"
        assert absence.zh == f"监所一方：{why}；期间画面和声音照常传给对方。"
        assert "an officer did not count as present (a picture is too small (160×90 at least))" in absence.en

    def test_have_all_their_reasons(self):
        spans = spans_in([Happened(5, self.left("covered", "not_chosen", side="visitor"))], LENGTH)
        found = next(one for one in explained_in(spans, ()) if one.cause == "absent")
        assert "会见人一方：有管理员未计入在岗（画面被遮挡或不在窗口可见范围内、未选择在这一场值守）" in found.zh

    def test_without_whom_the_visit_was_held_for_a_while_saw_a_part_cross(self):
        held = [(6.0, state("held")), (6.0, shut("quorum_lost")), (8.0, state("live")), (8.0, OPEN[0][1])]
        assert found([(5.0, self.left("hidden")), *held, (9.0, self.BACK)]) == [
            (5, 9, "prison", "absent", "none", "partly"),
            (6, 8, "both", "hold", "none", "nothing"),
        ]

    def test_with_reasons_of_a_later_version_have_their_codes(self):
        spans = spans_in([Happened(5, self.left("asleep"))], LENGTH)
        assert any("（asleep）" in one.zh for one in explained_in(spans, ()))


EVENTS = st.sampled_from(
    [
        *(state(to) for to in ("ready", "live", "held", "ended")),
        *(shut(why) for why in ("room_lost", "quorum_lost", "relay_lost", "lease ran out", "limit", "x")),
        OPEN[0][1],
        {"kind": "action", "what": "MuteOrdered", "side": "prison", "on": True},
        {"kind": "action", "what": "MuteOrdered", "side": "prison", "on": False},
        {"kind": "floor", "open": True, "sides": ["visitor"]},
        {"kind": "floor", "open": False, "sides": ["visitor"]},
        {"kind": "lagging", "records": 1, "where": "writer"},
        {"kind": "control", "there": False},
        TestOfficersWhoLeft.left("covered"),
        TestOfficersWhoLeft.left("unheard of", side=""),
        TestOfficersWhoLeft.left(side="visitor"),
        TestOfficersWhoLeft.BACK,
        {"kind": "unheard of"},
    ]
)
MOMENTS = st.floats(-10, LENGTH + 10, allow_nan=False)
GAPS = st.builds(
    gap,
    st.integers(0, 4),
    st.floats(0, LENGTH, allow_nan=False),
    st.floats(0.001, 20, allow_nan=False),
    st.sampled_from(["no_packets", "loss", "recorder", "reconnect", "not_begun", "of a later version"]),
)


class TestWhateverHappens:
    @given(st.lists(st.tuples(MOMENTS, EVENTS), max_size=20), st.lists(GAPS, max_size=12), st.booleans())
    def test_each_gap_is_explained_inside_the_film_in_known_words(self, events, gaps, signed):
        spans = spans_in([Happened(at, event) for at, event in events], LENGTH)
        explained = explained_in(spans, gaps, signed)
        assert [one.at for one in explained] == sorted(one.at for one in explained)
        for item in explained:
            assert 0 <= item.at < item.to <= LENGTH
            assert item.side in SIDES and item.cause in CAUSES and item.missing in MISSING and item.crossed in CROSSED
            assert item.zh and item.en
        for lacking in gaps:
            side, what = TRACKS.get(lacking["track"], ("", ""))
            middle = lacking["start"] + min(lacking["seconds"], LENGTH - lacking["start"]) / 2
            if side and middle < LENGTH:
                mine = [one for one in explained if one.side in (side, "both") and one.missing in (what, "both")]
                assert any(one.at <= middle <= one.to for one in mine)

    @given(st.lists(st.tuples(MOMENTS, EVENTS), max_size=20), st.lists(GAPS, max_size=12))
    def test_nothing_crosses_while_the_gate_is_shut(self, events, gaps):
        spans = spans_in([Happened(at, event) for at, event in events], LENGTH)
        for item in explained_in(spans, gaps):
            if item.cause == "hold" or not any(span.at < item.to and span.to > item.at for span in spans.open):
                assert item.crossed == "nothing" or item.cause in ("mute",)


class Counted(tuple):
    """Events that count how often they are read one by one."""

    walks = 0

    def __iter__(self):
        self.walks += 1
        return super().__iter__()


class TestLongFilms:
    def test_the_events_are_not_walked_through_for_each_gap(self):
        lags = [Happened(second / 4, {"kind": "lagging", "records": 1, "where": "tap"}) for second in range(40)]
        events = Counted(lags)
        spans = replace(spans_in([Happened(*OPEN[0])], LENGTH), events=events)
        gaps = [gap(0, 13.0 + number * 0.6, 0.05, "loss") for number in range(70)]
        causes = [one.cause for one in explained_in(spans, gaps)]
        assert len(causes) == 70 and set(causes) == {"line"}
        assert events.walks == 1


class TestRealArchives:
    def test_a_whole_recording_has_nothing_to_explain_but_its_beginning(self, tmp_path):
        root = tmp_path / "archive"
        done = archived(make_work(root, started=WALL), root)
        folder = (root / done["path"]).parent
        written = atomic_files.read_json(folder / "manifest.json")
        explained = explain(atomic_files.read_lines(folder / "timeline.jsonl"), written)
        assert {one.cause for one in explained} <= {"before", "not_begun"}

    @pytest.mark.parametrize("session", ["session_one", "session_two"])
    def test_those_of_the_first_version_are_explained(self, session):
        written = atomic_files.read_json(OLD / session / "manifest.json")
        explained = explain(atomic_files.read_lines(OLD / session / "timeline.jsonl"), written)
        lacking = {lack["cause"] for lack in written["gaps"]}
        assert ("recorder" in {one.cause for one in explained}) == ("recorder" in lacking)


def test_every_code_has_words_in_both_languages():
    for table in (SIDES, CAUSES, HOLDS, ABSENCES, CROSSED):
        assert all(text.zh and text.en for text in table.values())
    words = sentence("prison", "camera", "picture", "sound")
    assert words.zh == "监所一方没有画面：摄像头未送出画面；期间仅声音传给对方。"
