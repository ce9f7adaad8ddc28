"""The trial forwards real packets through the worker's own hot loop, and says what that costs."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from broker.control.capacity.session_cost import HIGHEST, LOWEST
from broker.relay.calibration import forwarding
from broker.relay.calibration.forwarding import PICTURE, ROOMS, SOUND, WATCHERS, Trial, session_cores


def test_every_packet_of_a_room_reaches_each_watcher_and_the_tap(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    assert trial.run(0.0) > 0
    turns = forwarding.WARM + forwarding.FEWEST
    packets = ROOMS * turns * (PICTURE[0] + SOUND[0])
    begin = ROOMS * (len(forwarding.BEGIN) + 1)
    fanout = trial._fanout
    assert (fanout.received, fanout.rejected, fanout.dropped) == (packets + begin, 0, 0)
    assert packets * WATCHERS <= fanout.forwarded <= (packets + begin) * WATCHERS
    assert trial._tap.sent >= packets and trial._tap.lost == 0


def test_a_trial_whose_packets_are_lost_has_no_result(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial._rooms[0].send = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="lost"):
        trial.run(0.0)


def test_a_session_costs_the_more_the_more_a_packet_does() -> None:
    assert session_cores(60.0) == pytest.approx(2 * session_cores(30.0))


async def test_the_process_prints_what_a_session_costs_here() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "broker.relay.calibration", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(out)
    assert found["cores"] == session_cores(found["micros"])
    assert LOWEST / 10 < found["cores"] < 10 * HIGHEST
