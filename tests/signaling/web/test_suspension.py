"""Suspensions on the page: proposed in a visit's details, listed for the site, decided by the approver (Yunnan 17)."""

from typing import Any

from playwright.async_api import Page, expect

from tests.signaling.web.test_extension import choose, warden
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import because, live, session

__all__ = ["warden"]
LI = {"id": "li-ming", "name": "李明"}


def ended(article: str = "YN-17-8") -> dict[str, Any]:
    """Return a visit that an officer ended under this article."""
    reason = because("ended_by_supervisor", "管理员终止会见", "Ended by a supervisor", article)
    return session("ses_a", -10, state="ended", reason=reason)


def proposal(**changes: Any) -> dict[str, Any]:
    """Return a proposal of two months for the prisoner, which the prison has to decide."""
    step = {"name": "decide", "verdict": "approve", "kinds": ["prison"], "article": "云南 第十七条", "agreed": None}
    made: dict[str, Any] = {
        "id": "sus_1",
        "session": "ses_a",
        "side": "prison",
        "person": "prisoner-7",
        "name": "王建国",
        "recognised": True,
        "months": 2,
        "code": "YN-17-8",
        "article": "云南 第十七条",
        "reason": "谈论案情",
        "by": LI,
        "site": "云南第一监狱",
        "at": "2026-03-02T03:00:00Z",
        "linked": ["end"],
        "status": "proposed",
        "first": None,
        "until": None,
        "steps": [{**step, "by": None, "site": None, "at": None, "note": ""}],
        "mine": False,
    }
    return {**made, **changes}


class TestProposing:
    async def test_the_grounds_of_the_interventions_are_offered(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(ended())
        await choose(on_duty)
        await on_duty.get_by_role("button", name="提出暂停会见").click()
        dialog = on_duty.get_by_role("dialog", name="提出暂停会见建议")
        await expect(dialog.get_by_role("radio", name="第十七条")).to_have_count(1)
        await dialog.get_by_role("radio", name="王建国").check()
        await dialog.get_by_role("radio", name="2 个月").check()
        await dialog.get_by_role("radio", name="第十七条第（八）项").check()
        await dialog.get_by_role("button", name="提出建议").click()  # no reason yet: the form stays
        await expect(dialog).to_be_visible()
        await dialog.get_by_label("理由").fill("谈论案情")
        await dialog.get_by_role("button", name="提出建议").click()
        await expect(on_duty.get_by_text("已提出暂停会见建议")).to_be_visible()
        ((order, visit, body),) = server.by_rest
        person = server.sessions["ses_a"]["sides"]["prison"]["people"][0]["id"]
        assert (order, visit) == ("suspensions", "ses_a") and body.pop("id").startswith("sus_")
        assert body == {"person": person, "months": 2, "code": "YN-17-8", "reason": "谈论案情"}

    async def test_nothing_is_offered_after_a_lesser_ground_or_without_an_intervention(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(ended("YN-18"))
        await choose(on_duty)
        await expect(on_duty.get_by_role("heading", level=2, name="王建国")).to_be_visible()
        await expect(on_duty.get_by_role("button", name="提出暂停会见")).to_have_count(0)
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="提出暂停会见")).to_have_count(0)


class TestDeciding:
    async def test_the_decision_is_offered_to_the_officer_whose_step_it_is(
        self, warden: Page, server: FakeMonitor
    ) -> None:
        server.suspensions = [proposal(mine=True)]
        await server.drop_sockets()
        part = warden.get_by_role("main").get_by_role("listitem").filter(has_text="暂停会见建议")
        await expect(part).to_contain_text("王建国：暂停会见 2 个月")
        await expect(part).to_contain_text("待审批")
        await part.get_by_role("button", name="审批").click()
        dialog = warden.get_by_role("dialog", name="审批")
        await expect(dialog).to_contain_text("谈论案情")
        await dialog.get_by_role("radio", name="不批准").check()
        await dialog.get_by_role("radio", name="批准", exact=True).check()
        await dialog.get_by_role("button", name="确定").click()
        await expect(warden.get_by_text("已办理")).to_be_visible()
        assert server.by_rest == [("decide", "sus_1", {"decision": "approve", "note": ""})]

    async def test_other_officers_see_the_status_of_a_proposal(self, on_duty: Page, server: FakeMonitor) -> None:
        server.suspensions = [
            proposal(status="approved", first="2026-03-03", until="2026-05-03", recognised=False),
        ]
        await server.drop_sockets()
        part = on_duty.get_by_role("region", name="暂停会见建议")
        await expect(part).to_contain_text("已批准")
        await expect(part).to_contain_text("2026-03-03 起，2026-05-03 恢复")
        await expect(part).to_contain_text("无法自动拦截预约")
        await expect(part.get_by_role("button")).to_have_count(0)
