"""When somebody counts as receiving (Yunnan 25): with time as an argument, to the tenth of a second."""

import random
from itertools import pairwise
from typing import Any

import pytest

from broker.kernel.ids import Side
from broker.relay.congestion.receiving_proof import (
    ALIVE,
    BRIDGED,
    HEARING,
    RECEIVING,
    ReceivingProof,
    numbers,
    receives,
    signs,
)
from broker.relay.congestion.sent_packets import SentPackets
from tests.support.relay.track_model import KEY, FarEnd, Line


class Supervisor:
    """One watcher of one side; `see` and `hear` are its reports, `flow` what the room sends until now."""

    def __init__(self) -> None:
        self.lines = {"video": Line("video"), "audio": Line("audio")}
        end: Any = FarEnd()
        end.heard, end.path = 0.0, SentPackets()
        self.peer = end
        self.watching = ReceivingProof(Side.PRISON, "u@s", False, end)
        for line in self.lines.values():
            leg, _ = line.watcher()
            leg.peer = end
            end.legs.append((line.track, leg))

    def at(self, now: float) -> bool:
        return receives(self.watching, now)

    def flow(self, now: float) -> None:
        for line in self.lines.values():
            line.send((line.track.packets + 1), KEY)
            line.track.last_at = now
            line.track.watch_flow(now)

    def report(self, now: float, *kinds: str) -> None:
        self.peer.heard = now
        for track, leg in self.watching.legs:
            if track.kind in (kinds or ("audio", "video")):
                leg.progressed_at = now


@pytest.fixture
def supervisor() -> Supervisor:
    one = Supervisor()
    one.watching.joined = 100.0
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
    for now in (102.0, 104.0, 106.0, 108.0, 100.0 + HEARING - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "video")
        assert supervisor.at(now)
    supervisor.flow(100.0 + HEARING)
    supervisor.report(100.0 + HEARING, "video")
    assert not supervisor.at(100.0 + HEARING)


def test_nobody_counts_before_the_first_report(supervisor: Supervisor) -> None:
    for _, leg in supervisor.watching.legs:
        leg.progressed_at = 0.0
    assert not supervisor.at(100.5)


def test_while_a_room_sends_nothing_being_alive_is_enough(supervisor: Supervisor) -> None:
    assert supervisor.at(105.0)
    assert not supervisor.at(100.0 + ALIVE)


def test_when_a_room_comes_back_its_supervisors_are_still_there(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 109.5
    for line in supervisor.lines.values():
        line.track.watch_flow(105.0)
    supervisor.flow(110.0)
    assert supervisor.at(110.0)
    supervisor.flow(111.0)
    assert supervisor.at(110.0 + RECEIVING - 0.01)


def test_but_have_to_prove_it_anew_at_once(supervisor: Supervisor) -> None:
    supervisor.peer.heard = 111.0
    for line in supervisor.lines.values():
        line.track.watch_flow(105.0)
    supervisor.flow(110.0)
    supervisor.flow(111.5)
    assert not supervisor.at(110.0 + RECEIVING + 0.01)


def test_the_dead_do_not_come_back_with_the_room(supervisor: Supervisor) -> None:
    for line in supervisor.lines.values():
        line.track.watch_flow(105.0)
    supervisor.flow(110.0)
    assert not supervisor.at(110.0)


def test_who_is_not_connected_does_not_receive(supervisor: Supervisor) -> None:
    supervisor.peer.ready = False
    assert not supervisor.at(100.0)


def test_sound_whose_packets_are_named_must_be_proven_as_fast_as_a_picture(supervisor: Supervisor) -> None:
    for _, leg in supervisor.watching.legs:
        leg.named = True
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
            line.track.last_at = now
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
        line.track.last_at = 130.0 + RECEIVING
    assert not supervisor.at(130.0 + RECEIVING)


def test_sound_alone_stands_in_for_one_report_on_the_picture_and_no_more(supervisor: Supervisor) -> None:
    for now in (101.0, 102.0, 103.0, 100.0 + BRIDGED - 0.01):
        supervisor.flow(now)
        supervisor.report(now, "audio")
        assert supervisor.at(now)
    assert not supervisor.at(100.0 + BRIDGED)


def test_a_picture_that_rests_on_a_weak_line_is_not_watched(supervisor: Supervisor) -> None:
    ((_, picture),) = [one for one in supervisor.watching.legs if one[0].video]
    picture.flowing, picture.thinned = False, True
    assert picture.resting
    for now in (101.0, 100.0 + RECEIVING + 0.01):  # the room sends on without a pause
        supervisor.flow(now)
        supervisor.report(now, "audio")
    assert not supervisor.at(100.0 + RECEIVING + 0.01)


def test_who_takes_sound_alone_does_not_watch(supervisor: Supervisor) -> None:
    supervisor.peer.legs = [one for one in supervisor.peer.legs if not one[0].video]
    assert not supervisor.at(100.0)


class TestWhatIsTold:
    """Issue: consent fresh, receiver reports fresh, loss, jitter and round trip, of each supervisor and side."""

    def test_consent_and_reports_are_told_apart(self, supervisor: Supervisor) -> None:
        assert signs(supervisor.watching, 100.0) == (True, True)
        supervisor.flow(102.0)
        assert signs(supervisor.watching, 102.0) == (True, False)
        supervisor.report(100.0 + ALIVE)
        supervisor.peer.heard = 100.0
        supervisor.flow(100.0 + ALIVE)
        assert signs(supervisor.watching, 100.0 + ALIVE) == (False, True)

    def test_of_picture_and_sound_the_worse_in_seconds(self, supervisor: Supervisor) -> None:
        (_, picture), (_, sound) = supervisor.watching.legs
        picture.lost_fraction, picture.jitter, picture.round_trip = 64, 900, 0.03
        sound.lost_fraction, sound.jitter, sound.round_trip = 0, 960, 0.05
        sound.progressed_at = 99.0
        told = numbers(supervisor.watching, 100.5)
        assert told == {"consent_age": 0.5, "report_age": 1.5, "loss": 0.25, "jitter": 0.02, "round_trip": 0.05}

    def test_what_is_not_known_yet_is_said_to_be_unknown(self, supervisor: Supervisor) -> None:
        for _, leg in supervisor.watching.legs:
            leg.progressed_at = 0.0
        told = numbers(supervisor.watching, 100.5)
        assert (told["report_age"], told["round_trip"]) == (None, None)
