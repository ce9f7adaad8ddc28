"""When somebody counts as receiving (Yunnan 25): with time as an argument, to the tenth of a second."""

import random
from itertools import pairwise
from typing import Any

import pytest

from broker.relay.congestion.receiving_proof import (
    ALIVE,
    BRIDGED,
    RECEIVING,
    SOUND,
    ReceivingProof,
)
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import Flow
from tests.support.relay.track_model import KEY, NAMED, FarEnd, Line


class Supervisor:
    """One watcher of one side; `see` and `hear` are its reports, `flow` what the room sends until now."""

    def __init__(self) -> None:
        self.lines = {"video": Line("video"), "audio": Line("audio")}
        end: Any = FarEnd()
        end.heard, end.path = 0.0, SentPackets()
        self.peer = end
        self.proof = ReceivingProof(end)
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
    one = Supervisor()
    one.proof.connected_at = 100.0
    one.flow(100.0)
    one.report(100.0)
    return one


def test_fresh_reports_count(supervisor: Supervisor) -> None:
    assert supervisor.at(100.0)


def test_a_picture_not_reported_for_1_8_seconds_does_not(supervisor: Supervisor) -> None:
    supervisor.flow(101.0)
    assert supervisor.at(100.0 + RECEIVING - 0.01)
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def test_sound_is_given_the_pace_at_which_browsers_report_it(supervisor: Supervisor) -> None:
    for now in (102.0, 104.0, 106.0, 108.0, 100.0 + SOUND - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "video")
        assert supervisor.at(now)
    supervisor.flow(100.0 + SOUND)
    supervisor.report(100.0 + SOUND, "video")
    assert not supervisor.at(100.0 + SOUND)


def test_nobody_counts_before_the_first_report(supervisor: Supervisor) -> None:
    for down_track in supervisor.peer.down_tracks:
        down_track.reports.progressed_at = 0.0
    assert not supervisor.at(100.5)


def test_while_a_room_sends_nothing_being_alive_is_enough(supervisor: Supervisor) -> None:
    assert supervisor.at(105.0)
    assert not supervisor.at(100.0 + ALIVE)


def test_when_a_room_comes_back_its_supervisors_are_still_there(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 109.5
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    assert supervisor.at(110.0)
    supervisor.flow(111.0)
    assert supervisor.at(110.0 + RECEIVING - 0.01)


def test_but_have_to_prove_it_anew_at_once(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 111.0
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    supervisor.flow(111.5)
    assert not supervisor.at(110.0 + RECEIVING + 0.01)


def test_the_dead_do_not_come_back_with_the_room(supervisor: Supervisor) -> None:
    for line in supervisor.lines.values():
        line.track.update_flow(105.0)
    supervisor.flow(110.0)
    assert not supervisor.at(110.0)


def test_who_is_not_connected_does_not_receive(supervisor: Supervisor) -> None:
    supervisor.peer.ready = False
    assert not supervisor.at(100.0)


def test_sound_whose_packets_are_named_must_be_proven_as_fast_as_a_picture(supervisor: Supervisor) -> None:
    for down_track in supervisor.peer.down_tracks:
        down_track.params = NAMED
    supervisor.flow(101.0)
    supervisor.report(101.0, "video")
    assert supervisor.at(100.0 + RECEIVING - 0.01)
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def reported(supervisor: Supervisor, dice: random.Random, seconds: float, loss: float) -> list[bool]:
    """Who reports at the pace of aiortc, over a line that loses some of the reports: whether it counts, each 50 ms."""
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


def test_who_falls_silent_is_missed_as_soon_as_ever(supervisor: Supervisor) -> None:
    reported(supervisor, random.Random(2), 30, 0.01)
    for line in supervisor.lines.values():
        line.track.received_at = 130.0 + RECEIVING
    assert not supervisor.at(130.0 + RECEIVING)


def test_sound_alone_stands_in_for_one_report_on_the_picture_and_no_more(supervisor: Supervisor) -> None:
    for now in (101.0, 102.0, 103.0, 100.0 + BRIDGED - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "audio")
        assert supervisor.at(now)
    assert not supervisor.at(100.0 + BRIDGED)


def test_a_picture_that_rests_on_a_weak_line_is_not_watched(supervisor: Supervisor) -> None:
    (picture,) = [down_track for down_track in supervisor.peer.down_tracks if down_track.track.video]
    picture.flow = Flow.PAUSED
    assert picture.resting
    for now in (101.0, 100.0 + RECEIVING + 0.01):  # the room sends on without a pause
        supervisor.flow(now)
        supervisor.report(now, "audio")
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def test_who_takes_sound_alone_does_not_watch(supervisor: Supervisor) -> None:
    supervisor.peer.down_tracks = [
        down_track for down_track in supervisor.peer.down_tracks if not down_track.track.video
    ]
    assert not supervisor.at(100.0)


class TestWhatIsTold:
    """Issue: consent fresh, receiver reports fresh, loss, jitter and round trip, of each supervisor and side."""

    def test_consent_and_reports_are_told_apart(self, supervisor: Supervisor) -> None:
        assert supervisor.proof.signs(100.0) == (True, True)
        supervisor.flow(102.0)
        assert supervisor.proof.signs(102.0) == (True, False)
        supervisor.report(100.0 + ALIVE)
        supervisor.peer.heard = 100.0
        supervisor.flow(100.0 + ALIVE)
        assert supervisor.proof.signs(100.0 + ALIVE) == (False, True)

    def test_of_picture_and_sound_the_worse_in_seconds(self, supervisor: Supervisor) -> None:
        picture, sound = (down_track.reports for down_track in supervisor.peer.down_tracks)
        picture.lost_fraction, picture.jitter, picture.round_trip = 64, 900, 0.03
        sound.lost_fraction, sound.jitter, sound.round_trip = 0, 960, 0.05
        sound.progressed_at = 99.0
        told = supervisor.proof.numbers(100.5)
        assert told == {"consent_age": 0.5, "report_age": 1.5, "loss": 0.25, "jitter": 0.02, "round_trip": 0.05}

    def test_what_is_not_known_yet_is_said_to_be_unknown(self, supervisor: Supervisor) -> None:
        for down_track in supervisor.peer.down_tracks:
            down_track.reports.progressed_at = 0.0
        told = supervisor.proof.numbers(100.5)
        assert (told["report_age"], told["round_trip"]) == (None, None)
