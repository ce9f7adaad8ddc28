"""The check-in desk over REST and socket: which caller may tick what, and which viewer sees what is missing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.slot import Person, PersonRole
from broker.kernel.ids import PersonId, Side
from broker.session import events as ev
from broker.session.parts.equipment import CHECKS, FIGURES
from config.check_in import Tick
from signaling.api.messages.orders import Figures
from signaling.views.moment import SessionMoment
from signaling.views.session import reason_view
from signaling.views.texts import ADVICE, FIGURE_UNITS, TICKS, language_name
from tests.support.figures import BAD, self_test
from tests.support.session_story import CHILD, GUANGDONG, INMATE, SLOT, Visit, at, here
from tests.support.session_story import KIN as MOTHER
from tests.support.signaling.front import ten_slot
from tests.support.signaling.talk import talking

SESSIONS = "/api/v1/sessions"
KIN = {"side": "visitor", "person": "kin-1"}
INTERPRETER = Person(PersonId("int-1"), Side.VISITOR, "马翻译", role=PersonRole.INTERPRETER)


@pytest.fixture
async def opened(front):
    """A visit in its check-in window, as a path."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return f"{SESSIONS}/{session}"


async def tick(front, path, which, person=KIN, on=True, caller="visitor-sup"):
    return await front.ask("POST", f"{path}/tick", caller, json={**person, "tick": which, "on": on})


async def view(front, path, caller="visitor-sup"):
    return (await front.ask("GET", path, caller)).data


def missing(data, *codes):
    return [one for one in data["missing"] if one["code"] in codes]


class TestTicking:
    async def test_a_person_is_checked_in_by_the_last_of_four_ticks(self, front, opened):
        for which in ("phone", "rules", "identity"):
            await tick(front, opened, which)
        (kin,) = (await view(front, opened))["sides"]["visitor"]["people"]
        assert kin["required"] == ["identity", "security", "phone", "rules"]
        assert kin["ticked"] == ["identity", "phone", "rules"] and not kin["checked"]
        await tick(front, opened, "security")
        assert front.broker.facts[-1] == ev.Ticked(Side.VISITOR, "kin-1", Tick.SECURITY, True, "visitor-sup")
        assert (await view(front, opened))["sides"]["visitor"]["people"][0]["checked"]
        await tick(front, opened, "identity", on=False)
        assert not (await view(front, opened))["sides"]["visitor"]["people"][0]["checked"]

    async def test_several_at_once_are_only_the_named_ones(self, front, opened):
        ticks = {"identity": True, "security": True, "rules": True}
        await front.ask("POST", f"{opened}/check-in", "visitor-sup", json=KIN | ticks)
        (lack,) = missing(await view(front, opened), "visitor_check_in")
        assert (lack["person"], lack["ticks"]) == ("kin-1", ["phone"])
        await front.ask("POST", f"{opened}/check-in", "visitor-sup", json=KIN | ticks | {"phone": True})
        assert not missing(await view(front, opened), "visitor_check_in")

    async def test_an_unlisted_person_cannot_be_ticked(self, front, opened):
        body = {"side": "visitor", "person": "stranger", "tick": "identity", "on": True}
        await front.refused("not_found", "POST", f"{opened}/tick", "visitor-sup", json=body)

    @pytest.mark.parametrize(
        ("change", "caller", "code"),
        [
            ({}, "prison-sup", "forbidden"),
            ({}, "foreign-sup", "not_found"),
            ({}, "clerk", "forbidden"),
            ({}, "v1", "forbidden"),
            ({"tick": "letter"}, "visitor-sup", "bad_request"),
            ({"tick": "phone", "side": "prison", "person": "in-1"}, "prison-sup", "bad_request"),
            ({"tick": "hat"}, "visitor-sup", "bad_request"),
            ({"on": "yes"}, "visitor-sup", "bad_request"),
            ({"name": "张三"}, "visitor-sup", "bad_request"),
        ],
    )
    async def test_an_impossible_tick_is_refused(self, front, opened, change, caller, code):
        body = {**KIN, "tick": "identity", "on": True} | change
        await front.refused(code, "POST", f"{opened}/tick", caller, json=body)
        assert not front.broker.live(opened.rsplit("/", 1)[1]).session.check_in.ticks

    async def test_the_socket_takes_the_same(self, front, opened):
        session = opened.rsplit("/", 1)[1]
        async with talking(front, "visitor-sup") as staff:
            await staff.send(type="tick", id=1, session=session, **KIN, tick="identity", on=True)
            await staff.send(type="seat", id=2, session=session, side="visitor", ready=True)
            await staff.send(type="seat", id=3, session=session, side="prison", ready=True)
            assert [(await staff.receive("ack")).re for _ in range(2)] == [1, 2]
            assert (await staff.receive("error")).problem.code == "forbidden"
        assert front.broker.facts[-1] == ev.SeatReady(Side.VISITOR, True, "visitor-sup")

    async def test_nothing_is_ticked_once_people_meet(self, front):
        path = f"{SESSIONS}/{await front.live_visit()}"
        await front.refused("conflict", "POST", f"{path}/seat", "prison-sup", json={"side": "prison", "ready": False})


class TestWhatIsMissing:
    async def test_officers_see_each_persons_missing_checks_in_both_languages(self, front, opened):
        await tick(front, opened, "identity")
        (kin,) = missing(await view(front, opened, "prison-sup"), "visitor_check_in")
        assert kin["zh"] == "会见人一方 欧阳某乙：尚缺安全检查、寄存手机等物品、告知规定"
        assert (
            kin["en"] == "Visitor side, 欧阳某乙, still to do: security check, handing in the phone, telling the rules"
        )
        assert (kin["person"], kin["ticks"]) == ("kin-1", ["security", "phone", "rules"])

    async def test_rooms_see_what_is_missing_and_no_person(self, front, opened):
        await tick(front, opened, "identity")
        for room in ("p1", "v1"):
            data = await view(front, opened, room)
            (check_in,) = missing(data, "visitor_check_in")
            assert check_in["zh"] == "会见人一方人员核验未完成" and check_in["person"] is None and not check_in["ticks"]
            people = [one for side in data["sides"].values() for one in side["people"]]
            assert not any(one["ticked"] or one["required"] for one in people)
            assert data["language"] is None

    async def test_a_side_of_absent_people_has_no_person_here(self, front, opened):
        await front.ask("POST", f"{opened}/absent", "visitor-sup", json=KIN)
        data = await view(front, opened)
        assert missing(data, "visitor_check_in")[0]["zh"] == "会见人一方：无人到场"
        assert data["sides"]["visitor"]["people"][0]["absent"]

    async def test_the_seat(self, front, opened):
        assert missing(await view(front, opened), "visitor_seat")[0]["zh"] == "会见人一方会见席位未就绪"
        await front.ask("POST", f"{opened}/seat", "visitor-sup", json={"side": "visitor", "ready": True})
        data = await view(front, opened)
        assert data["sides"]["visitor"]["seat"] and not missing(data, "visitor_seat")

    async def test_until_when(self, front, opened):
        assert (await view(front, opened))["check_in_until"] == "2026-03-02T02:15:00Z"

    def test_every_tick_has_words(self):
        assert set(TICKS) == set(Tick)


class TestEquipment:
    async def test_each_check_is_shown_with_figure_verdict_and_advice(self, front, opened):
        body = self_test(level=-120, blur=4.25) | {}
        body["figures"].pop("sweep")
        await front.ask("POST", f"{opened}/self-test", "v1", json=body)
        shown = (await view(front, opened, "prison-sup"))["sides"]["visitor"]["equipment"]
        assert (shown["by"], shown["passed"], shown["fresh"]) == ("terminal", False, False)
        checks = {check["code"]: check for check in shown["checks"]}
        assert {code: check["verdict"] for code, check in checks.items()} == shown["parts"]
        assert [code for code, check in checks.items() if check["verdict"] == "failed"] == ["blurred", "microphone"]
        assert checks["speaker"]["verdict"] == "not_checked"
        assert (checks["blurred"]["measured"], checks["blurred"]["zh"]) == ("4.2 px", "擦拭镜头并调焦")
        assert checks["camera"]["zh"] == checks["camera"]["en"] == ""

    async def test_a_room_is_shown_its_own_checks_and_no_others(self, front, opened):
        await front.ask("POST", f"{opened}/self-test", "v1", json=self_test(**BAD["hum"]))
        own = (await view(front, opened, "v1"))["sides"]["visitor"]["equipment"]
        assert (own["by"], own["parts"]["hum"], own["passed"]) == ("", "failed", False)
        assert (await view(front, opened, "p1"))["sides"]["visitor"]["equipment"] is None

    def test_every_check_has_advice_and_every_figure_a_unit(self):
        assert set(ADVICE) == set(CHECKS)
        assert set(FIGURE_UNITS) == FIGURES <= set(Figures.model_fields)

    async def test_staffs_own_check_is_shown_to_both_sides_with_its_reason(self, front, opened):
        body = {"side": "visitor", "passed": True, "reason": "手工检查"}
        await front.ask("POST", f"{opened}/equipment", "visitor-sup", json=body)
        shown = (await view(front, opened, "prison-sup"))["sides"]["visitor"]["equipment"]
        assert shown["reason"] == "手工检查"
        assert (await view(front, opened, "v1"))["sides"]["visitor"]["equipment"]["reason"] == ""
        assert (shown["by"], shown["passed"], shown["fresh"], shown["parts"]) == ("staff", True, True, {})
        front.clock.forward(timedelta(minutes=46))
        assert not (await view(front, opened))["sides"]["visitor"]["equipment"]["fresh"]


class TestInterpreter:
    async def test_a_missing_one_is_shown(self, front):
        slot = ten_slot(language="bo", people=(*ten_slot().people, INTERPRETER))
        path = f"{SESSIONS}/{await front.broker.add_slot(slot, 'test')}"
        front.at(timedelta(minutes=-10))
        data = await view(front, path)
        assert data["language"] == {
            "tag": "bo",
            "zh": "藏语",
            "en": "Tibetan",
            "interpreter": "missing",
            "reason": "",
        }
        assert "翻译人员未到场核验" in missing(data, "interpreter")[0]["zh"]
        for which in data["sides"]["visitor"]["people"][1]["required"]:
            await tick(front, path, which, {"side": "visitor", "person": "int-1"})
        data = await view(front, path)
        assert data["language"]["interpreter"] == "here" and not missing(data, "interpreter")

    @pytest.mark.parametrize(
        ("tag", "zh"),
        [
            ("zh", "普通话"),
            ("zh-Hans-CN", "普通话"),
            ("zh-yue", "粤语"),
            ("zh-HK", "汉语方言（zh-HK）"),
            ("bo-CN", "藏语"),
            ("hak", "客家话"),
            ("csl", "手语"),
            ("xx", "xx"),
        ],
    )
    def test_languages_have_names(self, tag, zh):
        assert language_name(tag).zh == zh

    async def test_a_list_without_one_has_its_own_text(self, front):
        session = await front.visit()
        live = front.broker.live(session)  # booked by a version that did not refuse it
        live.session = replace(live.session, slot=replace(live.session.slot, language="ii"))
        front.at(timedelta(minutes=-10))
        data = await view(front, f"{SESSIONS}/{session}")
        assert data["language"]["interpreter"] == "not_listed"
        assert "名单中没有翻译人员" in missing(data, "interpreter")[0]["zh"]


class TestSignLanguage:
    async def test_a_spoken_visit_says_nothing_of_it(self, front, opened):
        assert (await view(front, opened, "v1"))["signed"] is None

    async def test_terminals_learn_what_the_picture_needs_and_flash_until_a_warning_is_acknowledged(self, front):
        slot = ten_slot(language="csl", people=(*ten_slot().people, INTERPRETER))
        path = f"{SESSIONS}/{await front.broker.add_slot(slot, 'test')}"
        front.at(timedelta(minutes=-10))
        assert (await view(front, path, "v1"))["signed"] == {"frames": 25, "kbits": 300, "flash": False}
        order = {"sides": ["visitor"], "article": "YN-16-2", "text": "请用约定的手语"}
        assert (await front.ask("POST", f"{path}/warn", "visitor-sup", json=order)).status < 300
        shown = await view(front, path, "v1")
        assert shown["signed"]["flash"]
        assert not (await view(front, path, "p1"))["signed"]["flash"]
        assert not (await view(front, path))["signed"]["flash"]
        body = {"warning": shown["warnings"][0]["id"]}
        assert (await front.ask("POST", f"{path}/acknowledge", "v1", json=body)).status < 300
        assert not (await view(front, path, "v1"))["signed"]["flash"]


class TestLate:
    """Guangdong 23: neither a room nor a page is told by a machine that visitors had no reason, or what they lose."""

    async def test_page_and_room_show_that_the_visitors_have_not_arrived(self, front, opened):
        front.at(timedelta(minutes=15))
        words = "入场核验时限已到，会见人一方未到场"
        for caller, text in (("visitor-sup", words), ("v1", f"{words}；请与工作人员联系")):
            reason = (await view(front, opened, caller))["reason"]
            assert (reason["code"], reason["article"], reason["zh"]) == ("no_show", "云南 第十条", text)

    @pytest.mark.parametrize("present", [(INMATE,), (MOTHER, CHILD), ()])
    def test_no_text_speaks_of_fault_or_loss(self, present):
        visit = Visit(at(-20), policy=GUANGDONG)
        visit.tell(*here(*present))
        visit.wait_until(15)
        reason = reason_view(SessionMoment(visit.session, None, GUANGDONG, visit.now))
        assert reason is not None and "未到场" in reason.zh
        assert not any(word in reason.zh + reason.en for word in ("无故", "放弃", "当月", "given up", "this month"))

    def test_rooms_of_two_prisons_are_told_no_more_than_staff_as_the_visit_is_booked_again(self):
        people = (SLOT.people[0], replace(SLOT.people[1], detained=True))
        slot = replace(SLOT, people=people, second_approved_by="第二监狱", second_article="云南 第七条")
        visit = Visit(at(-20), slot=slot, policy=GUANGDONG)
        visit.tell(ev.PersonCheckedIn(Side.PRISON, people[0].id, "p-1"))
        visit.wait(35 * 60)
        moment = SessionMoment(visit.session, None, GUANGDONG, visit.now)
        for reader in (None, Side.PRISON, Side.VISITOR):
            reason = reason_view(moment, reader)
            assert reason is not None and reason.zh == "另一方监所未按时将人员带到"


class TestPostedSlots:
    async def test_roles_first_visits_and_reasons_go_in_and_come_out(self, front):
        order = {
            "prison_room": "p1",
            "visitor_room": "v1",
            "starts_at": "2026-03-02T10:00:00+08:00",
            "ends_at": "2026-03-02T10:40:00+08:00",
            "minutes": 30,
            "people": [
                {"id": "in-1", "side": "prison", "name": "甲"},
                {"id": "kin-1", "side": "visitor", "name": "乙", "relation": "母亲"}
                | {"first_visit": True, "dialect_reason": "年老"},
                {"id": "int-1", "side": "visitor", "name": "丙", "role": "interpreter"},
            ],
            "approved_by": "审批科",
            "article": "云南 第八条",
            "language": "zh-yue",
            "external_id": "X-1",
        }
        made = (await front.ask("POST", "/api/v1/slots", "booking", json=order)).data
        people = (await front.ask("GET", f"/api/v1/slots/{made['slot']}", "booking")).data["people"]
        assert [(one["role"], one["first_visit"]) for one in people] == [
            ("party", False),
            ("party", True),
            ("interpreter", False),
        ]
        assert people[1]["dialect_reason"] == "年老"
        assert (await front.ask("POST", "/api/v1/slots", "booking", json=order)).data == made
        order["people"][2]["role"] = "friend"
        await front.refused("bad_request", "POST", "/api/v1/slots", "booking", json=order)


class TestRooms:
    """A room that was there and whose line broke is worded as lost, another one as not there yet."""

    async def test_that_never_came_is_not_there_yet(self, front, opened):
        front.broker.tell(opened.rsplit("/", 1)[1], ev.RelayReady())
        data = await view(front, opened)
        assert [one["zh"] for one in missing(data, "prison_media")] == ["监所一方会见室未到（终端尚未接入）"]
        assert (data["sides"]["prison"]["lost"], data["sides"]["prison"]["lost_at"]) == (False, None)

    async def test_whose_line_broke_is_lost_since_then_for_officers_and_for_rooms(self, front, opened):
        session = opened.rsplit("/", 1)[1]
        for flowing in (True, False):
            front.broker.tell(session, ev.RoomMedia(Side.PRISON, flowing))
        front.at(timedelta(minutes=-5))
        for caller in ("visitor-sup", "v1"):
            data = await view(front, opened, caller)
            (lack,) = missing(data, "prison_media")
            assert lack["zh"] == "监所一方会见室线路中断（09:50 起）"
            assert lack["en"] == "Prison side: the line of the room is broken since 09:50"
            assert data["sides"]["prison"]["lost"] and not data["sides"]["visitor"]["lost"]
        front.broker.tell(session, ev.RoomMedia(Side.PRISON, True))
        assert missing(await view(front, opened), "prison_media") == []
