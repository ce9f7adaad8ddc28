"""Interventions over REST and WebSocket: permission, what each viewer is shown, and what the rules refuse."""

import pytest

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.state import State
from signaling.api.messages import socket as msg
from tests.support.signaling.talk import talking

SESSIONS = "/api/v1/sessions"
CANNED = {"sides": ["visitor"], "article": "YN-16-2", "text_id": "dont-4"}
ON = {"side": "visitor", "on": True, "article": "YN-16-2", "note": "隐语"}
OFF = {"side": "visitor", "on": False}
OWN = {"sides": ["prison", "visitor"], "article": "YN-16-6", "text": "请一个一个说话"}


@pytest.fixture
async def path(front):
    """A visit whose gate is open."""
    return f"{SESSIONS}/{await front.live_visit()}"


def session_of(front):
    (live,) = front.broker.sessions()
    return live.session


async def view(front, path, caller):
    return (await front.ask("GET", path, caller)).data


async def warned(front, path, body=CANNED, caller="prison-sup"):
    await front.ask("POST", f"{path}/warn", caller, json=body)
    return session_of(front).interventions.warnings[-1]


class TestWarning:
    async def test_ready_words_and_own_words_become_facts_with_article_and_author(self, front, path):
        await warned(front, path)
        fact = front.broker.facts[-1]
        assert (fact.by, fact.site, fact.sides, fact.article) == (
            "prison-sup",
            "first-prison",
            (Side.VISITOR,),
            "YN-16-2",
        )
        assert fact.text_zh.startswith("不准使用隐语") and fact.text_en.startswith("Do not talk in hints")
        own = await warned(front, path, OWN, "visitor-sup")
        assert (own.zh, own.en, own.sides) == ("请一个一个说话", "请一个一个说话", (Side.PRISON, Side.VISITOR))
        assert own.id != session_of(front).interventions.warnings[0].id

    async def test_ready_words_are_served_beside_the_grounds(self, front, path):
        data = (await front.ask("GET", f"{path}/interventions", "prison-sup")).data
        assert [one["id"] for one in data["warnings"]] == [f"dont-{number}" for number in range(1, 11)]
        assert {"code", "zh", "en", "article"} <= set(data["warnings"][0])

    async def test_the_first_dont_is_no_warning_and_goes_with_a_hold(self, front, path):
        """F8: sent alone it leaves nothing behind; with the hold the rooms see it and the matter stays open."""
        alone = {"sides": ["visitor"], "article": "YN-17-8", "text_id": "dont-1"}
        await front.refused("policy_violation", "POST", f"{path}/warn", "prison-sup", json=alone)
        under_16 = alone | {"article": "YN-16-5"}
        await front.refused("policy_violation", "POST", f"{path}/warn", "prison-sup", json=under_16)
        typed = {"sides": ["visitor"], "article": "YN-16-5", "text": "不准谈论案情，进行串供、通风报信"}
        await front.refused("policy_violation", "POST", f"{path}/warn", "prison-sup", json=typed)
        assert session_of(front).state is State.LIVE and not session_of(front).interventions.warnings
        hold = {"article": "YN-17-8", "text_id": "dont-1"}
        await front.refused(
            "bad_request", "POST", f"{path}/hold", "prison-sup", json={"article": "YN-17-8", "sides": []}
        )
        await front.ask("POST", f"{path}/hold", "prison-sup", json=hold)
        assert session_of(front).state is State.HELD
        (shown,) = (await view(front, path, "v1"))["warnings"]
        assert shown["article"] == "" and shown["zh"].startswith("不准谈论案情")
        await front.ask("POST", f"{path}/acknowledge", "v1", json={"warning": shown["id"]})
        await front.refused("policy_violation", "POST", f"{path}/resume", "prison-sup", json={})
        await front.ask("POST", f"{path}/end", "prison-sup", json={"article": "YN-17-8"})
        assert session_of(front).state is State.ENDED

    async def test_the_grounds_say_whose_they_are_when_and_after_what(self, front, path):
        data = (await front.ask("GET", f"{path}/interventions", "prison-sup")).data
        ground = {one["code"]: one for one in data["interventions"]}
        assert (ground["YN-16-1"]["after"], ground["YN-16-2"]["after"]) == (["YN-16-1"], [])
        assert {ground["YN-16-1"][key] for key in ("by", "phase", "issuer")} == {None}
        assert all(one["notice"] for one in data["warnings"]), "the ten don'ts are told at check-in"
        texts = {one["id"]: one["codes"] for one in data["warnings"]}
        assert texts["dont-3"] == ["YN-17-6", "YN-16-3"]
        assert data["sha256"] == front.broker.live(session_of(front).id).policy.sha256

    @pytest.mark.parametrize("code", ["YN-17-8", "YN-17-6", "END-COMPLETED", "YN-18", "GD-25-3"])
    async def test_a_ground_that_a_warning_does_not_settle_is_refused_and_journaled(self, front, path, code):
        refused = await front.refused(
            "policy_violation", "POST", f"{path}/warn", "prison-sup", json=OWN | {"article": code, "text": "张三"}
        )
        assert refused.data["articles"]
        assert session_of(front).interventions.warnings == ()
        (noted,) = await front.noted("OrderRefused")
        assert "张三" not in noted.data

    async def test_ready_words_keep_their_own_article(self, front, path):
        body = CANNED | {"article": "YN-16-6"}
        await front.refused("policy_violation", "POST", f"{path}/warn", "prison-sup", json=body)
        body = CANNED | {"text_id": "pledge-2"}
        await front.refused("not_found", "POST", f"{path}/warn", "prison-sup", json=body)

    @pytest.mark.parametrize(
        "broken",
        [
            {"sides": []},
            {"sides": ["prison", "visitor", "prison"]},
            {"sides": ["left"]},
            {"text": "both"},
            {"text_id": None},
            {"text_id": None, "text": "   "},
            {"text_id": None, "text": "x" * 121},
            {"article": ""},
        ],
    )
    async def test_malformed_is_refused(self, front, path, broken):
        await front.refused("bad_request", "POST", f"{path}/warn", "prison-sup", json=CANNED | broken)

    async def test_has_one_line(self, front, path):
        lines = CANNED | {"text_id": None, "text": "line\nbreak"}
        await front.refused("text_not_allowed", "POST", f"{path}/warn", "prison-sup", json=lines)

    async def test_only_supervisors_of_the_two_sites_may(self, front, path):
        for caller, code in (("foreign-sup", "not_found"), ("admin", "forbidden"), ("p1", "forbidden")):
            await front.refused(code, "POST", f"{path}/warn", caller, json=CANNED)


class TestRoom:
    async def test_sees_its_own_warnings_without_author_and_no_others(self, front, path):
        await warned(front, path)
        await warned(front, path, OWN)
        mine, far = (await view(front, path, "p1"))["warnings"], (await view(front, path, "v1"))["warnings"]
        assert [one["zh"] for one in mine] == ["请一个一个说话"]
        assert len(far) == 2
        assert {(one["by"], tuple(one["sides"])) for one in far} == {(None, ("visitor",))}
        assert "prison-sup" not in str(far)
        full = (await view(front, path, "visitor-sup"))["warnings"]
        assert full[0]["by"] == {"id": "prison-sup", "name": "prison-sup 名"}
        assert full[1]["sides"] == ["prison", "visitor"]

    async def test_acknowledges_and_officers_see_it(self, front, path):
        warning = await warned(front, path, OWN)
        await front.ask("POST", f"{path}/acknowledge", "v1", json={"warning": warning.id})
        assert front.broker.facts[-1].side is Side.VISITOR
        assert front.broker.facts[-1].by.startswith("trm_")
        full = (await view(front, path, "prison-sup"))["warnings"]
        assert full[0]["acknowledged"] == ["visitor"]
        assert (await view(front, path, "p1"))["warnings"][0]["acknowledged"] == []
        await front.refused("conflict", "POST", f"{path}/acknowledge", "v1", json={"warning": warning.id})

    async def test_acknowledges_only_its_own_warnings_and_no_officer_can_instead(self, front, path):
        warning = await warned(front, path)
        body = {"warning": warning.id}
        await front.refused("not_found", "POST", f"{path}/acknowledge", "p1", json=body)
        await front.refused("not_found", "POST", f"{path}/acknowledge", "w1", json=body)
        await front.refused("forbidden", "POST", f"{path}/acknowledge", "visitor-sup", json=body)

    async def test_receives_and_acknowledges_on_its_socket(self, front, path):
        session = path.rpartition("/")[2]
        async with talking(front, "v1") as room, talking(front, "prison-sup") as officer:
            await officer.send(type="warn", id=1, session=session, **CANNED)
            (shown,) = (await room.receive("session")).session.warnings
            assert shown.by is None
            await room.send(type="acknowledge", id=2, session=session, warning=shown.id)
            assert (await room.receive("ack")).re == 2
            while True:
                seen = (await officer.receive("session")).session
                if seen.warnings[0].acknowledged:
                    break
            assert seen.warnings[0].acknowledged == [Side.VISITOR]
            await officer.send(type="acknowledge", id=3, session=session, warning=shown.id)
            refused = await officer.receive("error")
            assert isinstance(refused, msg.ErrorMessage) and refused.problem.code == "forbidden"


class TestMuting:
    async def test_is_under_an_article_and_lifted_under_the_same_by_its_own_site(self, front, path):
        await front.ask("POST", f"{path}/mute", "prison-sup", json=ON)
        assert front.broker.facts[-1] == ev.MuteOrdered(
            "prison-sup", "first-prison", Side.VISITOR, True, "YN-16-2", "隐语"
        )
        await front.refused("conflict", "POST", f"{path}/mute", "visitor-sup", json=OFF)
        await front.ask("POST", f"{path}/mute", "prison-sup", json=OFF | {"article": "YN-17-8"})
        assert (front.broker.facts[-1].on, front.broker.facts[-1].article) == (False, "YN-16-2")
        await front.refused("conflict", "POST", f"{path}/mute", "prison-sup", json=OFF)

    async def test_needs_an_article_that_does_not_demand_the_end(self, front, path):
        await front.refused("bad_request", "POST", f"{path}/mute", "prison-sup", json={"side": "visitor", "on": True})
        body = ON | {"article": "YN-17-8"}
        await front.refused("policy_violation", "POST", f"{path}/mute", "prison-sup", json=body)
        assert not session_of(front).interventions.muted

    async def test_rooms_see_the_muted_side_without_author(self, front, path):
        await front.ask("POST", f"{path}/mute", "prison-sup", json=ON)
        for room in ("p1", "v1"):
            data = await view(front, path, room)
            assert data["muted"] == [{"side": "visitor", "article": "", "site": None, "by": None}]
            assert "prison-sup" not in str(data)
        (full,) = (await view(front, path, "visitor-sup"))["muted"]
        assert (full["site"], full["by"]["id"]) == ("first-prison", "prison-sup")


class TestNotes:
    async def test_are_listed_with_their_times_for_officers_of_both_sites(self, front, path):
        await front.ask("POST", f"{path}/remark", "visitor-sup", json={"text": " 母亲情绪激动 "})
        (note,) = (await front.ask("GET", f"{path}/notes", "prison-sup")).data["notes"]
        assert (note["text"], note["since_ms"], note["site"], note["by"]["id"]) == (
            "母亲情绪激动", 0, "panlong", "visitor-sup",
        )  # fmt: skip
        assert (await view(front, path, "prison-sup"))["notes"] == 1

    async def test_do_not_exist_for_rooms_and_other_sites(self, front, path):
        await front.ask("POST", f"{path}/remark", "visitor-sup", json={"text": "母亲情绪激动"})
        data = await view(front, path, "v1")
        assert data["notes"] == 0 and "激动" not in str(data)
        await front.refused("forbidden", "GET", f"{path}/notes", "v1")
        await front.refused("not_found", "GET", f"{path}/notes", "foreign-sup")
        await front.refused("forbidden", "POST", f"{path}/remark", "v1", json={"text": "x"})
        await front.refused("bad_request", "POST", f"{path}/remark", "prison-sup", json={"text": "x" * 301})


class TestHoldingResumingEnding:
    async def test_a_resume_is_under_the_article_of_the_hold(self, front, path):
        await front.ask("POST", f"{path}/hold", "prison-sup", json={"article": "YN-16-2"})
        await front.ask("POST", f"{path}/resume", "prison-sup", json={"note": "已纠正"})
        assert front.broker.facts[-1] == ev.ResumeOrdered("prison-sup", "first-prison", "已纠正", "YN-16-2")

    async def test_a_hold_on_a_ground_that_ends_is_not_ended_under_a_lesser_code(self, front, path):
        await front.ask("POST", f"{path}/hold", "prison-sup", json={"article": "YN-17-8"})
        for code in ("END-COMPLETED", "YN-16-2"):
            refused = await front.refused(
                "policy_violation", "POST", f"{path}/end", "prison-sup", json={"article": code}
            )
            assert refused.data["articles"] == ["云南 第十七条"]
        await front.ask("POST", f"{path}/end", "visitor-sup", json={"article": "YN-17-8"})
        assert (session_of(front).state, session_of(front).end.article) == (State.ENDED, "YN-17-8")
