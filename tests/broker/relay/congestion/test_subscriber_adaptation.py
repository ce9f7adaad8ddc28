"""Adaptation to a subscriber's line: copies on a bad one, pauses on a weak one, and no change on a good one."""

from itertools import pairwise
from random import Random

from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.congestion.subscriber_adaptation import KEEP, REST, SubscriberAdaptation
from broker.relay.down_track import Flow, PlanEntry
from broker.relay.rtp.later_copies import SOUND
from broker.relay.rtp.twcc import TICKS, Feedback
from tests.support.relay.track_model import KEY, NAMED, PLAIN, Fixed, Line, steps

FRAME = b"\x41" + bytes(1400)  # three such packets a frame, 30 frames a second: 1 Mbit/s


class Subscriber:
    """A subscriber of a picture, whose line carries what the test says."""

    def __init__(self, gated: bool = False, named: bool = True) -> None:
        self.line = Line()
        self.down_track, self.end = self.line.subscriber(gated=gated, params=NAMED if named else PLAIN)
        self.path = SentPackets()
        self.adaptation = SubscriberAdaptation(self.path, [self.down_track], gated)
        self.seq = 0
        self.frame(KEY)

    def frame(self, first: bytes = FRAME) -> None:
        ts = self.line.now * 90_000
        for payload in (first, FRAME, FRAME):
            self.line.now -= 0.02
            self.line.send(self.seq, payload, int(ts))
            self.seq += 1
        self.line.now += 1 / 30

    def watch(self, seconds: float, keyframes: bool = True) -> int:
        """Send frames; return how many of their packets reach the subscriber."""
        before, until = len(self.end.got), self.line.now + seconds
        while self.line.now < until:
            self.frame(KEY if keyframes and self.line.track.keyframes.wanted else FRAME)
            self.adaptation.tick(self.line.now)
        return len(self.end.got) - before


def test_a_good_line_gets_all_packets_once() -> None:
    subscriber = Subscriber()
    assert subscriber.watch(20) >= 20 * 30 * 3
    assert not subscriber.down_track.lossy


def test_a_weak_line_gets_about_what_it_carries() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity = Fixed(500_000)  # type: ignore[assignment]
    subscriber.watch(20)
    packets = subscriber.watch(60)
    assert 0.5 * 500_000 < packets * 8 * 1413 / 60 < 1.1 * 500_000


def test_a_weak_line_gets_whole_frames_from_keyframes_on_without_gaps() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity = Fixed(500_000)  # type: ignore[assignment]
    subscriber.watch(60)
    assert set(steps(subscriber.end.numbers)) == {1}
    stamps = [stamp for _, stamp, _ in subscriber.end.got]
    counts = {stamp: stamps.count(stamp) for stamp in stamps[:-3]}
    assert set(counts.values()) == {3}
    frames = list(counts)
    jumps = [after for before, after in pairwise(frames) if after - before > 3100]
    first = {stamp: payload for _, stamp, payload in reversed(subscriber.end.got)}
    assert len(jumps) >= 3
    assert all(first[stamp] == KEY for stamp in jumps)


def test_a_weak_line_costs_few_keyframes() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity = Fixed(200_000)  # type: ignore[assignment]
    subscriber.watch(60)
    assert sum(payload == KEY for _, _, payload in subscriber.end.got) <= 60 / REST + 1


def test_a_line_that_carries_only_sound_gets_no_picture() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity = Fixed(60_000)  # type: ignore[assignment]
    subscriber.watch(10)
    assert subscriber.watch(60) == 0


def test_the_picture_comes_back_when_the_line_is_good_again() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity = Fixed(60_000)  # type: ignore[assignment]
    subscriber.watch(10)
    subscriber.path.capacity = SentPackets().capacity
    assert subscriber.watch(REST + 1) > 30
    assert subscriber.down_track.flowing


def test_the_far_room_gets_more_credit_until_its_publisher_sends_less() -> None:
    subscriber = Subscriber(gated=True)
    subscriber.path.capacity = Fixed(700_000)  # type: ignore[assignment]
    subscriber.watch(3)
    assert subscriber.down_track.flow is Flow.FLOWING


def test_sound_is_sent_several_times_on_a_bad_line() -> None:
    line = Line("audio")
    down_track, _ = line.subscriber(params=NAMED)
    path = SentPackets()
    adaptation = SubscriberAdaptation(path, [down_track], False)
    path.capacity.loss = 0.05
    adaptation.tick(100.0)
    assert down_track.copied
    assert PlanEntry(*line.track.plan[0]).keep == down_track.later.keep
    path.capacity.loss = 0.0
    adaptation.tick(101.0)
    assert down_track.copied
    adaptation.tick(100.0 + KEEP)
    assert not down_track.copied
    assert PlanEntry(*line.track.plan[0]).keep is None


def test_a_client_that_names_no_packets_is_adapted_by_its_receiver_reports() -> None:
    line = Line("audio")
    down_track, _ = line.subscriber()
    adaptation = SubscriberAdaptation(SentPackets(), [down_track], False)
    down_track.reports.lost_fraction = 26
    adaptation.tick(100.0)
    assert down_track.copied


def test_receiver_reports_of_much_loss_pause_the_picture() -> None:
    subscriber = Subscriber(named=False)
    subscriber.down_track.reports.lost_fraction = 128
    sent = 0
    for _ in range(10):
        subscriber.down_track.reports.count += 1
        sent += subscriber.watch(1, keyframes=False)
    assert sent < 10 * 30 * 3
    assert subscriber.down_track.resting


def test_one_receiver_report_counts_once() -> None:
    subscriber = Subscriber(named=False)
    reports = subscriber.down_track.reports
    reports.lost_fraction, reports.count = 64, 1  # a burst of losses
    assert subscriber.watch(10) >= 10 * 30 * 3
    assert not subscriber.path.capacity.limited


def test_an_estimate_far_below_the_rate_limits_the_line() -> None:
    for estimate, rests in ((1_000_000, False), (200_000, True)):
        subscriber = Subscriber(named=False)
        for _ in range(20):
            subscriber.path.estimated = estimate
            subscriber.watch(0.5)
        assert subscriber.path.capacity.limited is rests


class TestAPictureThatIsSentAgainWithoutRtx:
    """Its packets are not named, as they could not be sent again, but those of the sound beside it are."""

    def subscriber(self) -> tuple[Subscriber, Line]:
        subscriber, sound = Subscriber(named=False), Line("audio")
        heard, _ = sound.subscriber(params=NAMED)
        subscriber.adaptation = SubscriberAdaptation(subscriber.path, [subscriber.down_track, heard], gated=True)
        return subscriber, sound

    def watch(self, subscriber: Subscriber, sound: Line, delay: float, seconds: int = 30) -> None:
        """Let sound and picture come for so many seconds; each packet of sound takes `delay` s longer than the last."""
        path, begin, late = subscriber.path, subscriber.path.number, 0.0
        for number in range(30 * seconds):
            subscriber.frame()
            sound.send(number, bytes(100))
            path._sent.append((subscriber.line.now, 100, sound.track.ssrc_out, number))
            late = min(late + delay, 1.0)
            ticks = int((subscriber.line.now + late) * TICKS)
            path.received(Feedback(begin + number & 0xFFFF, 1, [(0, ticks)]))
            path.estimated = 60_000  # what libwebrtc makes of packets that overtake each other
            subscriber.adaptation.tick(subscriber.line.now)

    def test_is_not_limited_by_an_estimate_that_jitter_has_made(self) -> None:
        subscriber, sound = self.subscriber()
        self.watch(subscriber, sound, delay=0.0)
        assert not subscriber.path.capacity.limited
        assert subscriber.down_track.flowing

    def test_is_limited_when_a_queue_delays_the_sound(self) -> None:
        subscriber, sound = self.subscriber()
        self.watch(subscriber, sound, delay=0.01)
        assert subscriber.path.capacity.full(subscriber.line.now)

    def test_counts_in_what_the_line_has_carried(self) -> None:
        subscriber, sound = self.subscriber()
        self.watch(subscriber, sound, delay=0.01, seconds=3)
        assert subscriber.path.capacity.limited
        assert subscriber.path.capacity.rate > 500_000


def test_copies_stay_where_they_hide_the_loss() -> None:
    """Sound that is sent three times loses 0.0125 % on a line that loses 5 %. Copies are left out only to see whether
    the line still loses packets, and ever less often."""
    sound, path, chance, once = Line("audio"), SentPackets(), Random(1), 0
    heard, _ = sound.subscriber(params=NAMED)
    adaptation = SubscriberAdaptation(path, [heard], gated=True)
    for number in range(50 * 600):
        sound.send(number, bytes(100))
        path._sent.append((sound.now, 100, sound.track.ssrc_out, number))
        arrived = [(0, int(sound.now * TICKS))] if chance.random() > 0.05 ** (1 + SOUND if heard.copied else 1) else []
        path.received(Feedback((path.number - 1) & 0xFFFF, 1, arrived))
        adaptation.tick(sound.now)
        once += not heard.copied
    assert heard.copied
    assert once / (50 * 600) < 0.06


def test_copies_end_when_the_line_is_good_again() -> None:
    subscriber = Subscriber()
    subscriber.path.capacity.loss = 0.05
    subscriber.watch(1)
    assert subscriber.down_track.lossy
    subscriber.watch(KEEP + 15)
    assert not subscriber.down_track.lossy


class Signing:
    """A subscriber in a visit in sign language, or a spoken one: sound of 50 packets a second, and a picture of 17
    frames a second whose packets have `size` bytes, three each. The caller leaves out the sound as the session does."""

    FLOOR = 300_000.0

    def __init__(self, floor: float = FLOOR, gated: bool = False) -> None:
        self.lines = {"video": Line(), "audio": Line("audio")}
        pairs = {kind: line.subscriber(gated=gated, params=NAMED) for kind, line in self.lines.items()}
        self.picture, self.sound = pairs["video"][0], pairs["audio"][0]
        self.ends = {kind: end for kind, (_, end) in pairs.items()}
        self.path = SentPackets()
        self.adaptation = SubscriberAdaptation(self.path, [self.picture, self.sound], gated, floor)
        self.now, self.seq = 1000.0, {"video": 0, "audio": 0}

    def _send(self, kind: str, payload: bytes, ts: int) -> None:
        self.lines[kind].now = self.now - 0.02
        self.lines[kind].send(self.seq[kind], payload, ts)
        self.seq[kind] += 1

    def watch(self, seconds: float, rate: float, size: int = 700) -> tuple[float, float]:
        """Send on a line that carries `rate`; return which parts of picture and sound came."""
        self.path.capacity = Fixed(rate)  # type: ignore[assignment]
        got, sent = {kind: len(end.got) for kind, end in self.ends.items()}, dict(self.seq)
        for step in range(int(seconds * 50)):
            self.now += 0.02
            self._send("audio", bytes(80), round(self.now * 48_000))
            self.lines["video"].now = self.now
            self.lines["video"].send_paced()
            if step % 3 == 0:
                wanted, slices = self.lines["video"].track.keyframes.wanted, [b"\x41" + bytes(size)] * 3
                for payload in [KEY, *slices[1:]] if wanted or not self.seq["video"] else slices:
                    self._send("video", payload, round(self.now * 90_000))
            self.adaptation.tick(self.now)
            if self.adaptation.silenced and self.sound.flowing:
                self.lines["audio"].track.stop(self.sound)
            elif not self.adaptation.silenced:
                self.lines["audio"].track.start(self.sound)
        came = {kind: len(end.got) - got[kind] for kind, end in self.ends.items()}
        return came["video"] / (self.seq["video"] - sent["video"]), came["audio"] / (self.seq["audio"] - sent["audio"])


class TestSignLanguage:
    """A picture in sign language goes before sound (Yunnan 23, Guangdong 28). Here it takes 285 kbit/s, sound 37."""

    def test_keeps_its_picture_on_a_line_that_carries_only_that_and_loses_its_sound(self) -> None:
        signing = Signing()
        signing.watch(5, 1_000_000)
        signing.watch(3, 310_000)
        picture, sound = signing.watch(30, 310_000)
        assert (picture > 0.97, sound) == (True, 0.0)

    def test_is_the_other_way_round_where_people_speak(self) -> None:
        signing = Signing(floor=0.0)
        signing.watch(5, 1_000_000)
        signing.watch(3, 200_000)
        picture, sound = signing.watch(30, 200_000)
        assert picture < 0.8 and sound > 0.97

    def test_has_picture_and_sound_where_the_line_carries_both(self) -> None:
        signing = Signing()
        signing.watch(5, 1_000_000)
        picture, sound = signing.watch(30, 400_000)
        assert picture > 0.97 and sound > 0.97

    def test_gets_its_sound_back_when_the_line_carries_both_with_some_margin(self) -> None:
        signing = Signing()
        signing.watch(10, 310_000)
        assert signing.adaptation.silenced
        signing.watch(10, 370_000)
        assert signing.adaptation.silenced
        signing.watch(10, 500_000)
        picture, sound = signing.watch(10, 500_000)
        assert picture > 0.97 and sound > 0.97

    def test_pauses_a_picture_beyond_the_floor_only_after_its_sound(self) -> None:
        signing = Signing()
        signing.watch(5, 1_000_000)
        for _ in range(200):
            signing.watch(0.1, 350_000, size=1400)
            if signing.picture.flow is not Flow.FLOWING:
                break
        assert signing.picture.flow is not Flow.FLOWING and signing.adaptation.silenced

    def test_never_asks_the_far_rooms_publisher_for_less_than_the_floor_while_there_is_sound(self) -> None:
        signing = Signing(gated=True)
        signing.path.capacity = Fixed(100_000)  # type: ignore[assignment]
        assert signing.adaptation.need == Signing.FLOOR
