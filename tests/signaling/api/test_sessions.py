"""Sessions over REST: what each viewer sees, and what each caller may order."""

from datetime import timedelta
from hashlib import sha256

import pytest

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.state import State
from config.pack_loader import load_pack
from tests.support.figures import BAD, self_test

SESSIONS = "/api/v1/sessions"
TICKS = {"identity": True, "security": True, "rules": True}
KIN = {"side": "visitor", "person": "kin-1"}


@pytest.fixture
async def opened(front):
    """A visit in its check-in window, as a path."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return f"{SESSIONS}/{session}"


def state_of(front):
    (live,) = front.broker.sessions()
    return live.session


class TestSeeing:
    async def test_officers_of_both_sites_see_names_and_what_is_missing(self, front, opened):
        for caller in ("prison-sup", "visitor-sup", "approver", "auditor", "admin"):
            data = (await front.ask("GET", opened, caller)).data
            assert data["sides"]["visitor"]["people"][0]["name"] == "欧阳某乙"
            assert data["sides"]["prison"]["site_name"] == "第一监狱"
            assert data["quorum"]["prison"] == {"need": 2, "have": [], "at_risk": False}
            assert {"prison_check_in", "visitor_media", "recorder"} <= {one["code"] for one in data["missing"]}
            assert data["my_side"] is None
            assert len((await front.ask("GET", SESSIONS, caller)).data["sessions"]) == 1

    async def test_for_other_sites_it_does_not_exist(self, front, opened):
        for caller in ("foreign-sup", "foreign-auditor", "w1", "p2"):
            await front.refused("not_found", "GET", opened, caller)
        await front.refused("not_found", "GET", f"{opened}/interventions", "foreign-sup")
        await front.refused("not_found", "GET", f"{SESSIONS}/ses_nosuch", "admin")
        assert (await front.ask("GET", SESSIONS, "foreign-sup")).data["sessions"] == []

    async def test_a_room_sees_no_supervisor_and_nothing_of_the_far_sides_people(self, front):
        session = await front.live_visit()
        mine = (await front.ask("GET", f"{SESSIONS}/{session}", "p1")).data
        assert mine["my_side"] == "prison"
        assert [len(mine["quorum"][side]["have"]) for side in Side] == [0, 0]
        assert "-sup" not in str(mine)
        assert mine["sides"]["prison"]["people"][0]["name"] == "刘某甲"
        assert mine["sides"]["visitor"]["people"] == []
        full = (await front.ask("GET", f"{SESSIONS}/{session}", "prison-sup")).data
        assert {one["id"] for one in full["quorum"]["prison"]["have"]} == {"prison-sup", "prison-sup-2"}
        assert full["quorum"]["prison"]["have"][0]["name"] == "prison-sup 名"

    async def test_the_clock_of_a_running_visit(self, front):
        session = await front.live_visit()
        front.clock.forward(timedelta(minutes=10))
        data = (await front.ask("GET", f"{SESSIONS}/{session}", "v1")).data
        assert (data["gate"], data["crossed_ms"], data["remaining_ms"]) == ("open", 600_000, 1_200_000)
        front.at(timedelta(minutes=30, seconds=1))
        data = (await front.ask("GET", f"{SESSIONS}/{session}", "v1")).data
        assert (data["gate"], data["remaining_ms"], data["reason"]["code"]) == ("shut", None, "time_limit")
        front.clock.forward(timedelta(minutes=1))
        again = (await front.ask("GET", f"{SESSIONS}/{session}", "v1")).data
        assert again["crossed_ms"] == data["crossed_ms"] == 1_801_000

    async def test_name_the_pack_whose_content_officers_can_read(self, front, opened):
        policy = load_pack("yunnan")
        data = (await front.ask("GET", f"{opened}/interventions", "prison-sup")).data
        assert (data["policy"], data["version"], data["sha256"]) == (policy.name, policy.version, policy.sha256)
        former = load_pack("guangdong")  # in force at no site
        path = f"/api/v1/packs/{former.sha256}"
        await front.refused("not_found", "GET", path, "prison-sup")  # no session has frozen it yet
        await front.store.keep_pack(former)
        for pack in (policy, former):
            text = (await front.ask("GET", f"/api/v1/packs/{pack.sha256}", "auditor")).data["canonical"]
            assert sha256(text.encode()).hexdigest() == pack.sha256
        await front.refused("forbidden", "GET", path, "p1")
        await front.refused("not_found", "GET", "/api/v1/packs/x'y", "prison-sup")

    async def test_the_grounds_are_those_of_the_visits_rules(self, front, opened):
        data = (await front.ask("GET", f"{opened}/interventions", "prison-sup")).data
        by_code = {one["code"]: one for one in data["interventions"]}
        assert data["policy"] == "yunnan"
        assert by_code["YN-17-6"]["may_suspend"] and not by_code["YN-17-2"]["may_suspend"]
        assert not by_code["END-COMPLETED"]["may_hold"]


class TestCheckIn:
    async def test_a_person_is_checked_in_with_all_three_checks(self, front, opened):
        await front.ask("POST", f"{opened}/check-in", "visitor-sup", json=KIN | TICKS)
        assert front.broker.facts[-1] == ev.PersonCheckedIn(Side.VISITOR, "kin-1", "visitor-sup")

    @pytest.mark.parametrize("tick", TICKS)
    async def test_each_missing_tick_refuses_with_the_articles(self, front, opened, tick):
        body = KIN | TICKS | {tick: False}
        refused = await front.refused("policy_violation", "POST", f"{opened}/check-in", "visitor-sup", json=body)
        assert refused.data["articles"] == ["云南 第十一条", "云南 第十二条"]
        assert not state_of(front).check_in.checked

    async def test_an_unlisted_person_does_not_get_in(self, front, opened):
        body = KIN | TICKS | {"person": "stranger"}
        await front.refused("not_found", "POST", f"{opened}/check-in", "visitor-sup", json=body)

    async def test_the_other_sites_room_is_refused(self, front, opened):
        await front.refused("forbidden", "POST", f"{opened}/check-in", "prison-sup", json=KIN | TICKS)
        await front.refused("forbidden", "POST", f"{opened}/absent", "prison-sup", json=KIN)
        equipment = {"side": "visitor", "passed": True}
        await front.refused("forbidden", "POST", f"{opened}/equipment", "prison-sup", json=equipment)
        await front.refused("not_found", "POST", f"{opened}/check-in", "foreign-sup", json=KIN | TICKS)

    async def test_absent_and_equipment(self, front, opened):
        await front.ask("POST", f"{opened}/absent", "visitor-sup", json=KIN)
        await front.ask(
            "POST", f"{opened}/equipment", "visitor-sup", json={"side": "visitor", "passed": True, "reason": "手工检查"}
        )
        assert front.broker.facts[-2] == ev.PersonAbsent(Side.VISITOR, "kin-1", "visitor-sup")
        assert state_of(front).check_in.tested == {Side.VISITOR: front.clock.now().mono}

    async def test_staff_let_equipment_count_only_with_a_reason(self, front, opened):
        for reason in ("", "  "):
            body = {"side": "visitor", "passed": True, "reason": reason}
            await front.refused("bad_request", "POST", f"{opened}/equipment", "visitor-sup", json=body)
        assert state_of(front).check_in.tested == {}
        await front.ask("POST", f"{opened}/equipment", "visitor-sup", json={"side": "visitor", "passed": False})
        assert not state_of(front).check_in.equipment[Side.VISITOR].passed

    @pytest.mark.parametrize("broken", [*BAD, None])
    async def test_a_self_test_counts_only_when_all_passed_and_only_for_its_own_room(self, front, opened, broken):
        body = self_test(**BAD.get(broken, {}))
        await front.ask("POST", f"{opened}/self-test", "p1", json=body)
        assert set(state_of(front).check_in.tested) == (set() if broken else {Side.PRISON})
        await front.refused("not_found", "POST", f"{opened}/self-test", "p2", json=body)


class TestInterventions:
    async def test_hold_resume_and_end(self, front):
        session = await front.live_visit()
        path = f"{SESSIONS}/{session}"
        await front.ask("POST", f"{path}/hold", "prison-sup", json={"article": "YN-16-2", "note": "隐语"})
        data = (await front.ask("GET", path, "v1")).data
        assert (data["state"], data["reason"]["code"], data["reason"]["article"]) == ("held", "supervisor", "YN-16-2")
        await front.refused("conflict", "POST", f"{path}/resume", "visitor-sup")
        await front.ask("POST", f"{path}/resume", "prison-sup")
        assert state_of(front).state is State.LIVE
        await front.ask("POST", f"{path}/end", "visitor-sup", json={"article": "YN-17-8"})
        assert state_of(front).end.article == "YN-17-8"
        await front.refused("conflict", "POST", f"{path}/hold", "prison-sup", json={"article": "YN-16-2"})

    async def test_a_hold_on_a_ground_that_ends_a_visit_is_not_resumed(self, front):
        session = await front.live_visit()
        path = f"{SESSIONS}/{session}"
        await front.ask("POST", f"{path}/hold", "prison-sup", json={"article": "YN-17-8"})
        refused = await front.refused("policy_violation", "POST", f"{path}/resume", "prison-sup", json={})
        assert refused.data["articles"] == ["云南 第十七条"]
        assert state_of(front).state is State.HELD

    @pytest.mark.parametrize("verb", ["hold", "end"])
    async def test_an_intervention_needs_an_article_of_these_rules(self, front, verb):
        path = f"{SESSIONS}/{await front.live_visit()}/{verb}"
        await front.refused("policy_violation", "POST", path, "prison-sup", json={"article": "GD-29-1"})
        await front.refused("bad_request", "POST", path, "prison-sup", json={"note": "because"})
        assert state_of(front).state is State.LIVE

    async def test_a_code_that_ends_does_not_hold(self, front):
        path = f"{SESSIONS}/{await front.live_visit()}/hold"
        await front.refused("policy_violation", "POST", path, "prison-sup", json={"article": "END-COMPLETED"})

    async def test_another_sites_supervisor_finds_nothing(self, front):
        path = f"{SESSIONS}/{await front.live_visit()}"
        for verb in ("hold", "end"):
            await front.refused("not_found", "POST", f"{path}/{verb}", "foreign-sup", json={"article": "YN-16-2"})

    async def test_refused_orders_are_journaled_with_ids_only(self, front):
        session = await front.live_visit()
        body = {"article": "GD-29-1", "note": "张三说"}
        await front.refused("policy_violation", "POST", f"{SESSIONS}/{session}/end", "prison-sup", json=body)
        (noted,) = await front.noted("OrderRefused")
        assert (noted.session, noted.author) == (session, "user:prison-sup")
        assert "张三" not in noted.data
