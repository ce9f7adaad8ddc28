"""A covered camera, from the room to the record: its terminal finds the picture black, the officers' page calls, an
officer takes it, it is done when the picture is back, and the recording's timeline says all of that."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from playwright.async_api import expect

from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from kiosk_agent.agent import Kiosk
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.monitor.page import sign_in
from tests.support.visit import visit


def cover(kiosk: Kiosk) -> Any:
    """Put something over the camera of a room; what is returned takes it away."""
    video: Any = kiosk._media.sources.video
    black = np.full_like(video.picture(0), 128)
    black[: len(black) * 2 // 3] = 16
    seen, video.picture = video.picture, lambda number: black
    return lambda: setattr(video, "picture", seen)


def black_of(view: dict[str, Any]) -> list[str]:
    """The states of open alerts of black pictures."""
    return [one["state"] for one in view["alerts"] if one["kind"] == "black"]


class TestABlackPicture:
    @pytest.mark.timeout(240)
    async def test_calls_is_taken_is_done_when_it_is_back_and_stands_on_the_timeline(
        self, installation: Installation
    ) -> None:
        now = SystemClock().now().wall
        times = {
            "starts_at": (now + timedelta(seconds=40)).isoformat(),
            "ends_at": (now + timedelta(minutes=4)).isoformat(),
        }
        async with visit(installation, watching=3, arrived=False, **times) as here, chromium() as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await sign_in(page, installation, 3)
            row = (
                page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem").filter(has_text="画面全黑")
            )
            await expect(page.get_by_text("已连接")).to_be_visible()
            uncover = cover(here.kiosks[Side.VISITOR])
            await expect(row).to_be_visible(timeout=30_000)
            await row.get_by_role("button", name="处理").click()
            await expect(row).to_contain_text("处理中")
            await here.until(lambda view: black_of(view) == ["taken"])
            uncover()
            await expect(row).to_have_count(0, timeout=30_000)

            await here.check_in()
            await here.until(lambda view: view["state"] == "live", timeout=90)
            await here.officers[0].end(here.session, "YN-17-8")
            archived = await here.archived()

        timeline = (installation.settings.archive_dir / archived["path"]).parent / "timeline.jsonl"
        written = [json.loads(line) for line in timeline.read_text("utf-8").splitlines()]
        record = [one for one in written if one["event"].get("kind") == "alert" and one["event"]["of"] == "black"]
        assert [one["event"]["what"] for one in record] == ["AlertRaised", "AlertTaken", "AlertOver"]
        raised, taken, over = (one["event"] for one in record)
        assert raised["side"] == taken["side"] == over["side"] == "visitor"
        assert taken["by"] == installation.credentials.officers[3].id and over["why"] == "gone"
        assert record[0]["at"] < record[1]["at"] < record[2]["at"]
        journal = await installation.journal(here.session)
        assert {"RoomObserved", "AlertRaised", "AlertTaken", "AlertOver"} <= {kind for kind, _ in journal}
        called = [data["kind"] for kind, data in journal if kind == "AlertRaised"]
        found = [kind for kind in called if kind in ("black", "frozen", "silent", "heads")]
        assert found == ["black"], "a room in which all was well gave an alarm"
