"""Longer visits over REST: which role may approve, and what each viewer is shown (Yunnan 14, 27(3); Guangdong
31(2))."""

import json
from datetime import timedelta

import pytest

from broker.session import events as ev
from tests.support.control.fixtures import TEN

ORDER = {"id": "apr_1", "seconds": 600, "article": "YN-14-FAMILY", "reason": "家中亲属去世"}


@pytest.fixture
async def path(front):
    """The extensions of a visit that is going on, in a slot that has time left."""
    session = await front.live_visit()
    return f"/api/v1/sessions/{session}/extensions"


class TestPermission:
    @pytest.mark.parametrize(
        "caller", ["prison-sup", "visitor-sup", "clerk", "auditor", "admin", "p1", "v1", "booking"]
    )
    async def test_other_callers_may_not_approve(self, front, path, caller):
        await front.refused("forbidden", "POST", path, caller, json=ORDER)

    async def test_the_approver_of_another_site_may_not(self, front, path):
        session = path.split("/")[4]
        slot = front.broker.live(session).session.slot
        await front.add_user("far-approver", "远", "approver", "a long enough secret", "other-bureau")
        front.tokens["far"] = await front.store.issue_user_token("far-approver", timedelta(hours=1))
        await front.refused("not_found", "POST", path, "far", json=ORDER)
        await front.add_user("visitor-approver", "客", "approver", "a long enough secret", slot.visitor.site)
        front.tokens["visitor"] = await front.store.issue_user_token("visitor-approver", timedelta(hours=1))
        await front.refused("forbidden", "POST", path, "visitor", json=ORDER)

    async def test_an_approval_needs_an_id(self, front, path):
        await front.refused("bad_request", "POST", path, "approver", json={k: ORDER[k] for k in ORDER if k != "id"})

    @pytest.mark.parametrize("reason", ["", "   ", "长" * 301])
    async def test_an_approval_needs_a_reason_in_words(self, front, path, reason):
        await front.refused("bad_request", "POST", path, "approver", json={**ORDER, "reason": reason})


class TestApproving:
    async def test_moves_the_limit_and_shows_author_and_new_end(self, front, path):
        answer = await front.ask("POST", path, "approver", json=ORDER)
        (approved,) = answer.data["given"]
        assert approved["by"] == {"id": "approver", "name": "approver 名"}
        assert (approved["seconds"], approved["article"], approved["reason"]) == (600, "YN-14-FAMILY", "家中亲属去世")
        assert isinstance(front.broker.facts[-1], ev.ExtensionApproved)
        stop = (TEN + timedelta(minutes=40)).isoformat().replace("+00:00", "Z")
        assert answer.data["stops_at"] == stop
        view = (await front.ask("GET", path.removesuffix("/extensions"), "visitor-sup")).data
        assert view["extensions"] == [approved] and view["stops_at"] == stop

    async def test_sent_twice_counts_once(self, front, path):
        first = await front.ask("POST", path, "approver", json=ORDER)
        again = await front.ask("POST", path, "approver", json=ORDER)
        assert first.data == again.data
        await front.refused("conflict", "POST", path, "approver", json={**ORDER, "seconds": 300})

    async def test_too_much_or_on_no_ground_is_refused_with_the_article(self, front, path):
        refusal = await front.refused("policy_violation", "POST", path, "approver", json={**ORDER, "seconds": 601})
        assert refusal.data["articles"]
        refusal = await front.refused("policy_violation", "POST", path, "approver", json={**ORDER, "article": "YN-18"})
        assert refusal.data["articles"] == ["云南 第十四条"]

    async def test_after_the_limit_it_is_refused_and_the_refusal_is_journaled(self, front, path):
        front.at(timedelta(minutes=31))
        await front.refused("session_ended", "POST", path, "approver", json=ORDER)
        (entry,) = await front.noted("ExtensionRefused")
        assert json.loads(entry.data)["code"] == "session_ended"

    async def test_rooms_learn_the_seconds_and_neither_author_nor_reason(self, front, path):
        await front.ask("POST", path, "approver", json=ORDER)
        (seen,) = (await front.ask("GET", path.removesuffix("/extensions"), "v1")).data["extensions"]
        assert (seen["seconds"], seen["by"], seen["reason"]) == (600, None, "")
        await front.refused("forbidden", "GET", path, "v1")

    async def test_the_rules_are_shown_to_officers(self, front, path):
        data = (await front.ask("GET", path, "prison-sup")).data
        assert (data["times"], data["steps"], data["role"], data["site"]) == (
            1,
            [300, 600, 900],
            "approver",
            "first-prison",
        )
        assert [one["code"] for one in data["grounds"]] == ["YN-14-FAMILY", "YN-14-OTHER"]
