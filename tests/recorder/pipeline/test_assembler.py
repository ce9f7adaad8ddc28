"""The whole pipeline under damage: whatever reaches the tap, nothing raises, and every sample is whole and in time."""

from random import Random

import pytest

from broker.media.h264 import is_whole_sample
from broker.media.tap_format import PARAMETER_SET, PRISON_VIDEO, VISITOR_VIDEO, TapRecord
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.pipeline.assembler import Assembler
from recorder.pipeline.trial_decode import decodes
from tests.support.recording.feed import BEGIN, Feed

SECONDS = 1.5


def damaged(record: TapRecord, random: Random) -> TapRecord:
    """Return a record with a flipped bit, cut off, replaced by noise, said to be padded, or as another kind."""
    data, chance = bytearray(record.data), random.random()
    if chance < 0.10:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif chance < 0.13:
        data = data[: random.randrange(len(data))]
    elif chance < 0.15:
        data = bytearray(random.randbytes(random.randrange(60)))
    elif chance < 0.17:
        data[0] |= 0x20
    kind = PARAMETER_SET if random.random() < 0.01 else record.kind
    return record._replace(data=bytes(data), kind=kind)


@pytest.mark.parametrize("seed", range(12))
def test_no_damage_makes_it_raise_or_give_out_what_is_not_whole(seed: int) -> None:
    random, media, now = Random(seed), Assembler(placeholder_frame().data, decodes), BEGIN
    samples = []
    for record in Feed(SECONDS).records():
        media.accept(damaged(record, random))
        if record.arrival_ns / 1e9 > now + 0.1:
            now += 0.1
            media.tick(now)
            media.faults(now)
            if media.ready(now):
                samples += media.take(now)
    rest, end = media.finish(now)
    pictures = [sample for sample in [*samples, *rest] if sample.track in (PRISON_VIDEO, VISITOR_VIDEO)]
    assert all(is_whole_sample(sample.data) for sample in pictures)
    assert all(BEGIN - 1 < sample.at < end for sample in [*samples, *rest])
    for track in (PRISON_VIDEO, VISITOR_VIDEO):
        times = [sample.at for sample in pictures if sample.track == track]
        assert times == sorted(times)
