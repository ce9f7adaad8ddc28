"""Yunnan 16 and 17, Guangdong 29: an officer warns, mutes, notes and ends; the orders act in the rooms, and the journal
and the timeline have each with article, author and time."""

import asyncio
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from huijian.demo.synthetic.voice_detector import side_heard
from kiosk_agent.media.frames import RATE, mono_samples
from tests.support.installation import Installation
from tests.support.patience import FLIGHT, PATIENCE
from tests.support.visit import visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUT_WITHIN = 0.3  # seconds from an order's entry in the timeline until nothing crosses any more (Guangdong 29: at once)
ACTS = ("WarningGiven", "WarningAcknowledged", "MuteOrdered", "NoteMade", "EndOrdered")


def _sound(film: Path, side: int) -> "np.ndarray[Any, Any]":
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48000)
        frames = container.decode(container.streams.audio[side])
        return np.concatenate([mono_samples(part) for frame in frames for part in resampler.resample(frame)])


def _timeline(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "timeline.jsonl").read_text("utf-8").splitlines()]


class TestOfficer:
    async def test_warns_mutes_notes_and_ends(self, installation: Installation) -> None:
        async with visit(installation, watching=4) as here:
            await here.live()
            await here.sees_far_room(Side.PRISON)
            prison, visitor = here.officers[0], here.officers[2]

            # A warning is on the room's screen until the room confirms it.
            kiosk = here.kiosks[Side.VISITOR]
            await here.refused(
                prison.order(here.session, "warn", sides=["visitor"], article="YN-17-8", text="停"), "policy_violation"
            )
            await prison.order(here.session, "warn", sides=["visitor"], article="YN-16-2", text_id="dont-4")
            await here.until(lambda view: len(view["warnings"]) == 1)
            async with asyncio.timeout(PATIENCE):
                while (shown := kiosk.screen().warning) is None:
                    await asyncio.sleep(0.05)
            assert shown.zh.startswith("不准使用隐语")
            assert here.kiosks[Side.PRISON].screen().warning is None
            kiosk.confirm(shown.id)
            view = await here.until(lambda view: view["warnings"][0]["acknowledged"] == ["visitor"])
            assert view["warnings"][0]["by"]["id"] == installation.credentials.officers[0].id
            assert kiosk.screen().warning is None

            # A mute: the far room gets no sound and still gets pictures; the other direction is not affected.
            await visitor.order(here.session, "mute", side="visitor", on=True, article="YN-16-2")
            silent = await here.hears_nothing(Side.PRISON)
            await here.sees_far_room(Side.VISITOR)
            await here.refused(prison.order(here.session, "mute", side="visitor", on=False), "conflict")
            await prison.order(here.session, "remark", text="母亲情绪激动")
            await here.frames_later(Side.PRISON, 75)  # several renewals of the lease, each of which carries the mute
            assert (await here.far(Side.PRISON))["audio"]["packets"] == silent["audio"]["packets"]
            await visitor.order(here.session, "mute", side="visitor", on=False)
            await here.sees_far_room(Side.PRISON)

            # The end: when the gate has shut nothing crosses.
            before = monotonic()
            await prison.end(here.session, "YN-17-8")
            view = await here.until(lambda view: view["state"] == "ended")
            assert (view["reason"]["code"], view["reason"]["article"]) == ("ended_by_supervisor", "YN-17-8")
            shut = await here.shut_after(before)
            archived = await here.archived()
            assert await here.last_packet_before(shut + FLIGHT)

        journal = await installation.journal(here.session)
        done = [(kind, data) for kind, data in journal if kind in ACTS]
        assert [kind for kind, _ in done] == [
            "WarningGiven", "WarningAcknowledged", "MuteOrdered", "NoteMade", "MuteOrdered", "EndOrdered",
        ]  # fmt: skip
        assert not [data for kind, data in done if kind == "WarningGiven" and data["article"] == "YN-17-8"]
        film = installation.settings.archive_dir / archived["path"]
        timed = [entry for entry in _timeline(film.parent) if entry["event"].get("kind") == "action"]
        assert [entry["event"]["what"] for entry in timed] == [kind for kind, _ in done]
        for entry, (_, data) in zip(timed, done, strict=True):
            assert {name: entry["event"][name] for name in data} == data
            assert entry["event"]["by"] and entry["at"]
        assert timed[-1]["event"]["what"] == "EndOrdered" and 0 <= shut - timed[-1]["mono"] < CUT_WITHIN
        assert [data["article"] for kind, data in done if kind == "MuteOrdered"] == ["YN-16-2"] * 2

        # The recording has all of it: the visitors' voice is in every second, also in those of the mute.
        sound = _sound(film, 1)
        voices = [side_heard(sound[at : at + RATE]) for at in range(RATE // 2, len(sound) - RATE, RATE // 2)]
        assert len(voices) >= 4
        assert set(voices) == {Side.VISITOR}
        mutes = [entry["mono"] for entry in timed if entry["event"]["what"] == "MuteOrdered"]
        assert len(sound) / RATE > mutes[1] - mutes[0] > 2.5
