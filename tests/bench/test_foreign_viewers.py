"""The judgement of what came to a viewer: whole, missing and wrong pictures, and viewers that are not there."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench.foreign_viewers import GSTREAMER, VOTES, Came, absent, reference

APART = 77_000  # between the timestamps of both ends


@pytest.fixture
def came() -> Came:
    """A viewer to which twice as many pictures of two packets were sent as say how the timestamps differ."""
    sent = {at: [b"\x41%d" % at, b"\x41b%d" % at] for at in range(0, 3000 * 2 * VOTES, 3000)}
    room: Any = SimpleNamespace(pictures=sent, named={each: at for at, both in sent.items() for each in both})
    return Came(room)


def give(came: Came, but: tuple[int, ...] = (), wrong: tuple[int, ...] = ()) -> list[int]:
    """Let all packets come but these, and others in the place of some. Return the timestamps of the pictures."""
    timestamps = list(range(0, 3000 * 2 * VOTES, 3000))
    packets = [(at, prefix % at) for at in timestamps for prefix in (b"\x41%d", b"\x41b%d")]
    for number, (at, payload) in enumerate(packets, 65_530):
        if number - 65_530 not in but:
            came.take(number & 0xFFFF, at + APART, b"\x41wrong" if number - 65_530 in wrong else payload)
    return timestamps


def test_pictures_of_which_all_packets_came_are_whole(came: Came) -> None:
    assert came.judge(give(came)) == (2 * VOTES, 0)
    assert came.missing(0) == 0


def test_a_packet_that_did_not_come_is_missing_and_its_picture_not_whole(came: Came) -> None:
    assert came.judge(give(came, but=(21, 30, 31))) == (2 * VOTES - 2, 0)
    assert came.missing(0) == 3


def test_a_packet_that_was_not_sent_is_damage_and_parameter_sets_are_none(came: Came) -> None:
    timestamps = give(came, wrong=(25,))
    came.take(65_530, APART, b"\x67sets")
    came.take(65_530, APART, b"\x18\x00\x02\x67s\x00\x02\x68s")
    assert came.judge(timestamps) == (2 * VOTES - 1, 1)


def test_each_picture_of_the_clip_is_known_decoded() -> None:
    assert len(reference()) == 90


def test_a_viewer_that_is_not_there_is_left_out_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/true")
    assert "npm install" in absent("werift", tmp_path)
    (tmp_path / "node_modules" / "werift").mkdir(parents=True)
    assert absent("werift", tmp_path) == ""
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "apt-get install" in absent(GSTREAMER, tmp_path)
