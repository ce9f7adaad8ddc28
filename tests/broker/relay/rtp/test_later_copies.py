"""Copies that follow later: how often and when each leaves, and what comes out of a line that loses bursts."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.rtp.later_copies import AFTER, MOST, PICTURE, SOUND, LaterCopies
from tests.support.udp_proxy import Impairment, Line

LOOK = 0.01  # seconds between looks for what is due
SPEECH, FRAME = 0.02, 0.04  # seconds between packets of sound, and between pictures


def test_two_copies_follow_each_packet_and_one_each_retransmission() -> None:
    later = LaterCopies()
    later.keep((10.0, b"sound"))
    later.keep_repair(b"repair", 10.0)
    assert later.take(10.0 + AFTER[0] - 0.001) == []
    assert sorted(later.take(10.0 + AFTER[0])) == [b"repair", b"sound"]
    assert later.take(10.0 + AFTER[1] - 0.001) == []
    assert later.waiting
    assert later.take(10.0 + AFTER[1]) == [b"sound"]
    assert not later.waiting
    assert later.take(99.0) == []


def test_three_copies_follow_a_packet_of_a_picture() -> None:
    later = LaterCopies(PICTURE)
    later.keep((10.0, b"slice"))
    assert [later.take(10.0 + after) for after in AFTER] == 3 * [[b"slice"]]
    assert not later.waiting


def test_copies_of_one_packet_leave_apart_even_when_they_are_late() -> None:
    later = LaterCopies()
    later.keep((10.0, b"sound"))
    assert later.take(20.0) == [b"sound"]
    assert later.take(20.0) == [b"sound"]
    assert not later.waiting


def test_the_last_packets_before_a_pause_are_copied_like_all_others() -> None:
    later = LaterCopies()
    for number in range(3):
        later.keep((number * SPEECH, bytes((number,))))
    taken = [copied for step in range(100) for copied in later.take(step * LOOK)]
    assert sorted(taken) == sorted(2 * [bytes((number,)) for number in range(3)])


def test_what_was_forgotten_never_leaves() -> None:
    later = LaterCopies()
    later.keep((10.0, b"twice"))
    later.take(10.0 + AFTER[0])
    later.keep((10.0, b"once"))
    later.clear()
    assert not later.waiting
    assert later.take(99.0) == []
    later.keep((100.0, b"afterwards"))
    assert later.take(101.0) == [b"afterwards"]


def test_a_flood_is_bounded() -> None:
    later = LaterCopies()
    for number in range(3 * MOST):
        later.keep((10.0, number.to_bytes(2, "big")))
    assert len(later.take(11.0)) == MOST


@given(st.lists(st.floats(0.0, 0.05), min_size=1, max_size=60), st.lists(st.floats(0.0, 0.1), min_size=1, max_size=60))
def test_each_copy_leaves_after_its_time_and_never_a_third(gaps: list[float], looks: list[float]) -> None:
    later, now, due = LaterCopies(), 0.0, 0.0
    sent: dict[bytes, float] = {}
    left: dict[bytes, int] = {}
    for number, gap in enumerate(gaps):
        now += gap
        datagram = number.to_bytes(2, "big")
        sent[datagram] = now
        later.keep((now, datagram))
        due += looks[number % len(looks)]
        if due <= now:
            for copied in later.take(now):
                left[copied] = left.get(copied, 0) + 1
                assert now - sent[copied] >= AFTER[left[copied] - 1] - 1e-9
    for step in range(3):
        for copied in later.take(now + 1 + step):
            left[copied] = left.get(copied, 0) + 1
    assert left == dict.fromkeys(sent, 2)


def lost(burst: float, later: bool, seconds: int = 200) -> tuple[float, float]:
    """Return the parts of sound and of a picture of which nothing comes out of a line that loses 5 % of the packets,
    `burst` in a row. Four packets leave with each frame. Copies leave `later`, or at once with the packet."""
    line, arrived = Line(Impairment(loss=0.05, burst=burst), Random(1)), set()
    copies = {b"sound": LaterCopies(SOUND), b"frame": LaterCopies(PICTURE)}
    sent = {b"sound": 0, b"frame": 0}
    for step in range(seconds * 1000):
        now, kinds = step / 1000, []
        kinds += 4 * [b"frame"] if step % round(FRAME * 1000) == 7 else []
        kinds += [b"sound"] if step % round(SPEECH * 1000) == 0 else []
        for kind in kinds:
            datagram = kind + sent[kind].to_bytes(4, "big")
            sent[kind] += 1
            copies[kind].keep((now, datagram))
            arrived.update(datagram for _ in range(1 if later else 3) if line.carry(1000, now))
        if later and step % round(LOOK * 1000) == 3:
            due = [datagram for each in copies.values() for datagram in each.take(now)]
            arrived.update(datagram for datagram in due if line.carry(1000, now))
    came = {kind: sum(datagram.startswith(kind) for datagram in arrived) for kind in sent}
    return 1 - came[b"sound"] / sent[b"sound"], 1 - came[b"frame"] / sent[b"frame"]


def test_media_survive_bursts_of_losses_that_take_all_copies_sent_at_once() -> None:
    assert min(lost(burst=3.0, later=False)) > 0.01
    sound, picture = lost(burst=3.0, later=True)
    assert sound < 0.003
    assert picture < 0.0003


def test_media_survive_single_losses_as_well_as_with_copies_sent_at_once() -> None:
    assert max(lost(burst=1.0, later=True)) < 0.001
