"""Alert of a covered camera, from the room to the archive: the terminal finds the picture black, the officers' page
shows the alert, an officer takes it, it is over when the picture is back, and the recording's timeline has all of
it."""

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

pytestmark = pytest.mark.asyncio(loop_scope="session")


def cover(kiosk: Kiosk) -> Any:
    """Make the generated picture of a room black; return a function that undoes it."""
    video: Any = kiosk._media.sources.video
    black = np.full_like(video.picture(0), 128)
    black[: len(black) * 2 // 3] = 16
    uncovered, video.picture = video.picture, lambda number: black
    return lambda: setattr(video, "picture", uncovered)


def black_of(view: dict[str, Any]) -> list[str]:
    """Return the states of the open alerts of black pictures."""
    return [alert["state"] for alert in view["alerts"] if alert["kind"] == "black"]


class TestBlackPicture:
    @pytest.mark.timeout(240)
    async def test_is_alerted_taken_over_when_it_is_back_and_on_the_timeline(self, installation: Installation) -> None:
        now = SystemClock().now().wall
        times = {
            "starts_at": (now + timedelta(seconds=10)).isoformat(),
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
            await expect(row).to_have_attribute("data-level", "taken")
            await here.until(lambda view: black_of(view) == ["taken"])
            uncover()
            await expect(row).to_have_count(0, timeout=30_000)

            await here.check_in()
            await here.until(lambda view: view["state"] == "live")
            await here.officers[0].end(here.session, "YN-17-8")
            archived = await here.archived()

        timeline = (installation.settings.archive_dir / archived["path"]).parent / "timeline.jsonl"
        written = [json.loads(line) for line in timeline.read_text("utf-8").splitlines()]
        alerts = [entry for entry in written if entry["event"].get("kind") == "alert"]
        record = [entry for entry in alerts if entry["event"]["of"] == "black"]
        assert [entry["event"]["what"] for entry in record] == ["AlertRaised", "AlertTaken", "AlertOver"]
        raised, taken, over = (entry["event"] for entry in record)
        assert raised["side"] == taken["side"] == over["side"] == "visitor"
        assert taken["by"] == installation.credentials.officers[3].id and over["why"] == "gone"
        assert record[0]["at"] < record[1]["at"] < record[2]["at"]
        journal = await installation.journal(here.session)
        assert {"RoomObserved", "AlertRaised", "AlertTaken", "AlertOver"} <= {kind for kind, _ in journal}
        raised_kinds = [data["kind"] for kind, data in journal if kind == "AlertRaised"]
        found = [kind for kind in raised_kinds if kind in ("black", "frozen", "silent", "heads")]
        assert found == ["black"], "a room without a fault raised an alert"
