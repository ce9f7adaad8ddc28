"""When a subscriber counts as receiving (Yunnan 25): with time as an argument, to the tenth of a second."""

import random
from itertools import pairwise
from typing import Any

import pytest

from broker.relay.congestion.receiving_proof import (
    ALIVE,
    BRIDGED,
    DEAF,
    RECEIVING,
    SOUND,
    ReceivingProof,
)
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import Flow
from tests.support.relay.track_model import KEY, NAMED, FarEnd, Line


class Supervisor:
    """A subscriber of one side. `flow` sends what the room sends until now; `report` is what the subscriber reports."""

    def __init__(self, gated: bool = False) -> None:
        self.lines = {"video": Line("video"), "audio": Line("audio")}
        end: Any = FarEnd()
        end.heard, end.path = 0.0, SentPackets()
        self.peer = end
        self.proof = ReceivingProof(end, gated)
        for line in self.lines.values():
            down_track, _ = line.subscriber()
            down_track.client = end
            end.down_tracks.append(down_track)

    def at(self, now: float) -> bool:
        return self.proof.receives(now)

    def flow(self, now: float) -> None:
        for line in self.lines.values():
            line.send((line.track.packets + 1), KEY)
            line.track.received_at = now
            line.track.update_flow(now)

    def report(self, now: float, *kinds: str) -> None:
        self.peer.heard = now
        for down_track in self.peer.down_tracks:
            if down_track.track.kind in (kinds or ("audio", "video")):
                down_track.reports.progressed_at = now


@pytest.fixture
def supervisor() -> Supervisor:
    present = Supervisor()
    present.proof.connected_at = 100.0
    present.flow(100.0)
    present.report(100.0)
    return present


def test_fresh_reports_prove_receiving(supervisor: Supervisor) -> None:
    assert supervisor.at(100.0)


def test_a_picture_not_reported_for_less_than_two_seconds_is_not_received(supervisor: Supervisor) -> None:
    supervisor.flow(101.0)
    assert supervisor.at(100.0 + RECEIVING - 0.01)
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def test_sound_may_be_reported_as_rarely_as_browsers_do(supervisor: Supervisor) -> None:
    for now in (102.0, 104.0, 106.0, 108.0, 100.0 + SOUND - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "video")
        assert supervisor.at(now)
    supervisor.flow(100.0 + SOUND)
    supervisor.report(100.0 + SOUND, "video")
    assert not supervisor.at(100.0 + SOUND)


def test_nothing_is_proven_before_the_first_report(supervisor: Supervisor) -> None:
    for down_track in supervisor.peer.down_tracks:
        down_track.reports.progressed_at = 0.0
    assert not supervisor.at(100.5)


def test_signs_of_life_are_enough_while_the_room_sends_nothing(supervisor: Supervisor) -> None:
    assert supervisor.at(105.0)
    assert not supervisor.at(100.0 + ALIVE)


def test_supervisors_still_count_when_a_room_sends_again(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 109.5
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    assert supervisor.at(110.0)
    supervisor.flow(111.0)
    assert supervisor.at(110.0 + RECEIVING - 0.01)


def test_supervisors_must_prove_it_again_when_a_room_sends_again(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 111.0
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    supervisor.flow(111.5)
    assert not supervisor.at(110.0 + RECEIVING + 0.01)


def test_a_silent_supervisor_does_not_count_when_a_room_sends_again(supervisor: Supervisor) -> None:
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    assert not supervisor.at(110.0)


def test_a_client_that_is_not_connected_does_not_receive(supervisor: Supervisor) -> None:
    supervisor.peer.ready = False
    assert not supervisor.at(100.0)


def test_sound_named_in_feedback_must_be_proven_as_soon_as_a_picture(supervisor: Supervisor) -> None:
    for down_track in supervisor.peer.down_tracks:
        down_track.params = NAMED
    supervisor.flow(101.0)
    supervisor.report(101.0, "video")
    assert supervisor.at(100.0 + RECEIVING - 0.01)
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def reported(supervisor: Supervisor, dice: random.Random, seconds: float, loss: float) -> list[bool]:
    """Return whether a supervisor counts, every 50 ms, that reports as often as aiortc on a line that loses reports."""
    due, counted = {"video": 100.0, "audio": 100.0}, []
    for tick in range(int(seconds * 20)):
        now = 100.0 + tick / 20
        for line in supervisor.lines.values():
            line.track.received_at = now
        for kind in due:
            if now >= due[kind]:
                due[kind] = now + 0.5 + dice.random()
                if dice.random() >= loss:
                    supervisor.report(now, kind)
        counted.append(supervisor.at(now))
    return counted


def test_an_hour_of_reports_of_which_one_in_a_hundred_is_lost_costs_no_supervisor(supervisor: Supervisor) -> None:
    counted = reported(supervisor, random.Random(1), 3600, 0.01)
    assert [before and not after for before, after in pairwise(counted)].count(True) <= 1


def test_a_supervisor_that_falls_silent_stops_counting_in_time(supervisor: Supervisor) -> None:
    reported(supervisor, random.Random(2), 30, 0.01)
    for line in supervisor.lines.values():
        line.track.received_at = 130.0 + RECEIVING
    assert not supervisor.at(130.0 + RECEIVING)


def test_reports_on_sound_replace_only_one_on_the_picture(supervisor: Supervisor) -> None:
    for now in (101.0, 102.0, 103.0, 100.0 + BRIDGED - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "audio")
        assert supervisor.at(now)
    assert not supervisor.at(100.0 + BRIDGED)


def test_a_picture_paused_on_a_weak_line_is_not_received(supervisor: Supervisor) -> None:
    (picture,) = [down_track for down_track in supervisor.peer.down_tracks if down_track.track.video]
    picture.flow = Flow.PAUSED
    assert picture.resting
    for now in (101.0, 100.0 + RECEIVING + 0.01):  # the room goes on sending
        supervisor.flow(now)
        supervisor.report(now, "audio")
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


class TestAPictureThatTheWorkerThins:
    """It comes every two seconds, and counts while it does."""

    def pause(self, supervisor: Supervisor) -> None:
        for down_track in supervisor.peer.down_tracks:
            down_track.params = NAMED
            down_track.thinned = down_track.track.video
            down_track.flow = Flow.PAUSED if down_track.thinned else down_track.flow

    def test_is_received_while_its_sound_is(self, supervisor: Supervisor) -> None:
        self.pause(supervisor)
        for tenth in range(20):
            now = 100.0 + tenth / 10
            supervisor.flow(now)
            supervisor.report(now, "audio")
            assert supervisor.at(now)

    def test_is_not_received_when_no_frame_comes(self, supervisor: Supervisor) -> None:
        self.pause(supervisor)
        supervisor.flow(100.0 + BRIDGED)
        supervisor.report(100.0 + BRIDGED, "audio")
        assert not supervisor.at(100.0 + BRIDGED)

    def test_is_not_received_by_one_who_reports_nothing_any_more(self, supervisor: Supervisor) -> None:
        self.pause(supervisor)
        supervisor.flow(100.0 + RECEIVING)
        assert not supervisor.at(100.0 + RECEIVING + 0.01)


def test_a_subscriber_without_a_picture_does_not_receive(supervisor: Supervisor) -> None:
    supervisor.peer.down_tracks = [
        down_track for down_track in supervisor.peer.down_tracks if not down_track.track.video
    ]
    assert not supervisor.at(100.0)


class TestWhatIsReported:
    """Consent, receiver reports, loss, jitter and round trip of each supervisor and side."""

    def test_consent_and_reports_are_separate_signs(self, supervisor: Supervisor) -> None:
        assert supervisor.proof.signs(100.0) == (True, True)
        supervisor.flow(102.0)
        assert supervisor.proof.signs(102.0) == (True, False)
        supervisor.report(100.0 + ALIVE)
        supervisor.peer.heard = 100.0
        supervisor.flow(100.0 + ALIVE)
        assert supervisor.proof.signs(100.0 + ALIVE) == (False, True)

    def test_numbers_are_the_worse_of_picture_and_sound(self, supervisor: Supervisor) -> None:
        picture, sound = (down_track.reports for down_track in supervisor.peer.down_tracks)
        picture.lost_fraction, picture.jitter, picture.round_trip = 64, 900, 0.03
        sound.lost_fraction, sound.jitter, sound.round_trip = 0, 960, 0.05
        sound.progressed_at = 99.0
        found = supervisor.proof.numbers(100.5)
        assert found == {"consent_age": 0.5, "report_age": 1.5, "loss": 0.25, "jitter": 0.02, "round_trip": 0.05}

    def test_unknown_numbers_are_none(self, supervisor: Supervisor) -> None:
        for down_track in supervisor.peer.down_tracks:
            down_track.reports.progressed_at = 0.0
        found = supervisor.proof.numbers(100.5)
        assert (found["report_age"], found["round_trip"]) == (None, None)


class TestARoom:
    """A far room is sent nothing before the gate opens: its connection proves that it will receive."""

    @pytest.fixture
    def room(self) -> Supervisor:
        room = Supervisor(gated=True)
        room.proof.connected_at = room.peer.heard = 100.0
        room.flow(100.0)
        return room

    def picture(self, room: Supervisor) -> Any:
        return next(down_track for down_track in room.peer.down_tracks if down_track.track.video)

    def test_receives_without_a_report_while_the_gate_is_shut(self, room: Supervisor) -> None:
        for down_track in room.peer.down_tracks:
            down_track.flow = Flow.STOPPED
        assert room.at(100.0) and room.at(107.9) and not room.proof.deaf(107.9)

    def test_no_longer_receives_when_it_gives_no_sign_of_life(self, room: Supervisor) -> None:
        assert not room.at(100.0 + ALIVE)

    def test_must_be_connected_and_have_agreed_to_picture_and_sound(self, room: Supervisor) -> None:
        whole = list(room.peer.down_tracks)
        for down_track in whole:
            room.peer.down_tracks[:] = [down_track]
            assert not room.at(100.0)
        room.peer.down_tracks[:] = whole
        room.peer.ready = False
        assert not room.at(100.0)

    def test_is_deaf_when_its_reports_show_no_progress_though_it_is_sent_to(self, room: Supervisor) -> None:
        self.picture(room).flow = Flow.FLOWING
        deaf_at = None
        for tenth in range(200):
            now = 100.0 + tenth / 10
            room.flow(now)
            if now < 105.0:
                room.report(now)
            if deaf_at is None and room.proof.deaf(now):
                deaf_at = now
        assert deaf_at == pytest.approx(104.9 + DEAF, abs=0.15)

    def test_is_believed_when_its_client_never_reports(self, room: Supervisor) -> None:
        self.picture(room).flow = Flow.FLOWING
        for tenth in range(200):
            room.flow(100.0 + tenth / 10)
            assert not room.proof.deaf(100.0 + tenth / 10)

    def test_has_the_whole_time_again_when_the_gate_opens_again(self, room: Supervisor) -> None:
        room.report(100.0)
        assert not room.proof.deaf(150.0)
        self.picture(room).flow = Flow.FLOWING
        for tenth in range(int(DEAF * 10) - 1):
            room.flow(160.0 + tenth / 10)
            assert not room.proof.deaf(160.0 + tenth / 10)
        room.flow(160.1 + DEAF)
        assert room.proof.deaf(160.1 + DEAF)

    def test_is_not_deaf_when_the_far_room_sends_nothing(self, room: Supervisor) -> None:
        self.picture(room).flow = Flow.FLOWING
        room.report(100.0)
        room.flow(100.0)
        assert not any(room.proof.deaf(102.0 + second) for second in range(20))


def test_sound_that_is_left_out_for_a_picture_in_sign_language_need_not_be_reported(supervisor: Supervisor) -> None:
    """Neither while it is left out, nor until a report on it can have come again; the picture must be."""
    sound = next(one for one in supervisor.peer.down_tracks if not one.track.video)
    for tenth in range(1, 300):
        now = 100.0 + tenth / 10
        sound.silenced_at = now if now < 120.0 else sound.silenced_at
        supervisor.flow(now)
        supervisor.report(now, "video")
        assert supervisor.at(now) is (now < sound.silenced_at + SOUND)
    supervisor.report(130.0, "audio")
    supervisor.flow(130.0 + RECEIVING)
    assert not supervisor.at(130.0 + RECEIVING)
