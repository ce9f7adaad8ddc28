"""The people of posted slots: identities, relations, interpreters, places, and the two approvals of visits between
prisons. Each refusal names its article and says what to send (F11)."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from broker.control.store.records import SiteKind
from broker.control.store.tables import rooms as rooms_table
from broker.kernel.database import writing
from broker.session import events as ev
from broker.session.state import State
from tests.signaling.api.test_slots import ORDER, SLOTS, order
from tests.support.control.fixtures import TEN
from tests.support.signaling.front import PASSWORD

INMATE, KIN = ORDER["people"]
NUMBER = "11010519491231002X"
SESSIONS = "/api/v1/sessions"


def people(*changes):
    """The people of the order, each with its changes."""
    return [{**person, **change} for person, change in zip((INMATE, KIN), changes, strict=True)]


async def post(front, **changes):
    return await front.ask("POST", SLOTS, "booking", json=order(**changes))


async def refused(front, code="policy_violation", **changes):
    """Return the articles of the refusal."""
    problem = (await front.refused(code, "POST", SLOTS, "booking", json=order(**changes))).data
    assert problem["detail"] and problem["detail_en"]
    assert front.broker.sessions() == []
    return problem.get("articles")


class TestIdentities:
    async def test_a_person_without_any_is_refused_with_what_to_send(self, front):
        for missing in ({"id": None}, {"id": None, "relation": "母亲"}):
            problem = await front.refused(
                "policy_violation", "POST", SLOTS, "booking", json=order(people=people({}, missing))
            )
            assert problem.data["articles"] == ["云南 第八条第一项、第十一条"]
            assert "id_number" in problem.data["detail"] and "id_number" in problem.data["detail_en"]
        await refused(front, people=people({"id": None}, {}))

    async def test_a_number_stands_in_for_an_id_and_is_neither_kept_nor_shown(self, front):
        made = (await post(front, people=people({}, {"id": None, "id_number": NUMBER.lower()}))).data
        shown = (await front.ask("GET", f"{SLOTS}/{made['slot']}", "admin")).data
        assert NUMBER not in str(shown) and NUMBER.lower() not in str(shown)
        stored = (await front.store.slot(made["slot"])).people[1]
        assert NUMBER not in repr(stored) and len(stored.identity) == 64
        again = await post(front, people=people({}, {"id": None, "id_number": f" {NUMBER} "}))
        assert again.data["slot"] == made["slot"], "the same order again"

    async def test_a_wrong_number_is_refused_and_not_repeated(self, front):
        wrong = "110105194912310021"
        problem = await front.refused(
            "bad_request", "POST", SLOTS, "booking", json=order(people=people({}, {"id_number": wrong}))
        )
        assert wrong not in str(problem.data)
        assert wrong not in str([entry.data for entry in await front.noted("SlotRefused")])

    @pytest.mark.parametrize("id", ["KIN-1", " kin-1", "kin-1 ", "ｋｉｎ-1", "kin\u200b-1"])
    async def test_ids_that_only_look_different_are_one_person(self, front, id):
        made = (await post(front, people=people({}, {"id": id}))).data
        assert (await front.store.slot(made["slot"])).people[1].id == "kin-1"

    @pytest.mark.parametrize("id", ["", " ", "\u200b", "李某", "-1"])
    async def test_what_is_no_id_is_refused(self, front, id):
        code = "bad_request" if id else "policy_violation"
        await refused(front, code, people=people({}, {"id": id}))

    async def test_one_person_is_not_both_sides_nor_two(self, front):
        for twice in (
            people({}, {"id": "INMATE-1"}),
            people({"id_number": NUMBER}, {"id_number": NUMBER}),
            [INMATE, {**KIN, "id_number": NUMBER}, {**KIN, "id": "kin-2", "id_number": NUMBER}],
        ):
            await refused(front, "bad_request", people=twice)


class TestRelations:
    @pytest.mark.parametrize("relation", ["律师", "律 師", "ｌａｗｙｅｒ", "辩护人", "其律师"])
    async def test_a_lawyer_is_refused_with_the_reason(self, front, relation):
        (article,) = await refused(front, people=people({}, {"relation": relation}))
        assert "司发通〔2017〕124号" in article

    async def test_an_official_an_unknown_and_a_missing_one_are_refused(self, front):
        assert await refused(front, people=people({}, {"relation": "公证员"})) == ["云南 第三十四条"]
        for relation in ("朋友", "", " "):
            assert await refused(front, people=people({}, {"relation": relation})) == ["云南 第三十五条至第三十七条"]

    async def test_an_unknown_one_passes_by_an_officers_decision(self, front):
        decision = {"by": "审批科", "reason": "自幼抚养"}
        made = (await post(front, people=people({}, {"relation": "叔叔", "relation_decision": decision}))).data
        shown = (await front.ask("GET", f"{SLOTS}/{made['slot']}", "admin")).data
        assert shown["people"][1]["relation_decision"] == decision


class TestLanguages:
    async def test_interpreters_come_only_where_they_are_needed(self, front):
        helpers = [{"id": f"int-{n}", "side": "visitor", "name": "丙", "role": "interpreter"} for n in (1, 2)]
        for some in (helpers, helpers[:1]):
            assert await refused(front, people=[INMATE, KIN, *some]) == ["云南 第二十三条"]
        assert await refused(front, language="bo") == ["云南 第二十三条"]
        assert await refused(front, "bad_request", language="xx") == ["云南 第二十三条"]
        assert (await post(front, people=[INMATE, KIN, *helpers], language="bo")).status == 201


class TestPlaces:
    """Yunnan 2, 3, 13; Guangdong 2, 38: only a prison and a bureau, an office or a second prison are sides."""

    @pytest.fixture
    async def rooms(self, front):
        """A room of every kind of site under each pack, by pack and kind; those of cities and provinces as former
        versions stored them."""
        found = {}
        for pack in ("yunnan", "guangdong"):
            for kind in SiteKind:
                site = f"{pack[:2]}-{kind}"
                await front.store.add_site(site, kind, site, pack)
                async with writing(front.store.engine) as db:
                    await db.execute(insert(rooms_table).values(id=f"{site}-1", site=site, name="一室"))
                found[pack, kind] = f"{site}-1"
        return found

    async def test_every_pair_of_kinds_under_every_pair_of_packs(self, front, rooms):
        """The pairing matrix of F22: twelve kinds of sites on each side."""
        inmates = {"yunnan": {"prison"}, "guangdong": {"prison", "rehab"}}
        for day, ((pack, kind), room) in enumerate(rooms.items()):
            for hour, ((other_pack, other_kind), other) in enumerate(rooms.items()):
                if room == other:
                    continue
                starts = TEN + timedelta(days=day, hours=hour)
                body = order(
                    external_id="",
                    people=people({"id": f"in-{day}-{hour}"}, {"id": f"kin-{day}-{hour}"}),
                    prison_room=room,
                    visitor_room=other,
                    starts_at=starts.isoformat(),
                    ends_at=(starts + timedelta(minutes=40)).isoformat(),
                )
                answer = await front.ask("POST", SLOTS, "booking", json=body)
                right = kind in inmates[pack] and pack == other_pack
                right = right and other_kind in inmates[pack] | {"bureau", "office"}
                assert (answer.status == 201) == right, (pack, kind, other_pack, other_kind, answer.data)
                if right:
                    assert answer.data["waiting"] == (other_kind in inmates[pack])
                else:
                    assert answer.data["articles"] and answer.status in (400, 422)


APPROVAL = {"approved_by": "第二监狱", "article": "云南 第七条"}


class TestBetweenPrisons:
    """Yunnan 7, Guangdong 16: one inmate a side, and two approvals."""

    async def test_waits_for_the_second_institution(self, front):
        made = (await post(front, visitor_room="q1")).data
        assert made["waiting"]
        session = front.broker.live(made["session_id"])
        front.at(timedelta(minutes=-20))
        assert session.session.state is State.SCHEDULED
        data = (await front.ask("GET", f"{SESSIONS}/{made['session_id']}", "prison-sup")).data
        assert "second_approval" in {each["code"] for each in data["missing"]}
        path = f"{SLOTS}/{made['slot']}/approve"
        await front.refused("forbidden", "POST", path, "approver", json=APPROVAL)  # the first prison's
        await front.add_user("second", "二", "approver", PASSWORD, "second-prison")
        front.tokens["second"] = await front.store.issue_user_token("second", timedelta(hours=1))
        shown = (await front.ask("POST", path, "second", json=APPROVAL)).data
        assert shown["second_approval"] == APPROVAL and not shown["waiting"]
        assert (await front.ask("POST", path, "second", json=APPROVAL)).status == 200, "the same again"
        assert front.broker.live(made["session_id"]).session.state is State.CHECK_IN

    async def test_both_approvals_may_come_at_once_and_the_same_order_again(self, front):
        body = {"visitor_room": "q1", "second_approval": APPROVAL}
        made = (await post(front, **body)).data
        assert not made["waiting"]
        assert (await post(front, **body)).data == made

    async def test_an_order_sent_again_after_the_second_approval_is_the_same(self, front):
        made = (await post(front, visitor_room="q1")).data
        await front.ask("POST", f"{SLOTS}/{made['slot']}/approve", "booking", json=APPROVAL)
        assert (await post(front, visitor_room="q1")).data["slot"] == made["slot"]

    async def test_a_family_visit_takes_no_second_approval(self, front):
        assert await refused(front, "bad_request", second_approval=APPROVAL) == ["云南 第七条"]
        made = (await post(front)).data
        await front.refused("conflict", "POST", f"{SLOTS}/{made['slot']}/approve", "booking", json=APPROVAL)

    async def test_one_inmate_a_side(self, front):
        second = {**KIN, "id": "kin-2"}
        assert await refused(front, visitor_room="q1", people=[INMATE, KIN, second]) == ["云南 第七条"]
        assert await refused(front, people=[INMATE, {**INMATE, "id": "in-2"}, KIN]) == ["云南 第二条"]

    async def test_an_inmate_is_no_visitor_elsewhere(self, front):
        assert (await post(front, visitor_room="q1")).status == 201
        later = {"starts_at": "2026-03-03T10:00:00+08:00", "ends_at": "2026-03-03T10:40:00+08:00"}
        body = order(external_id="other", people=people({"id": "in-9"}, {"id": INMATE["id"]}), **later)
        problem = await front.refused("policy_violation", "POST", SLOTS, "booking", json=body)
        assert problem.data["articles"] == ["云南 第七条"]


class TestSuspendedPeople:
    """A suspension binds a person on either side and under any id, and visits that were booked before it (F12)."""

    async def suspend(self, front, session, person):
        front.broker.tell(session, ev.EndOrdered("prison-sup", "first-prison", "YN-17-8"))
        body = {"id": "sus_1", "person": person, "months": 2, "code": "YN-17-8", "reason": "谈论案情"}
        made = await front.ask("POST", f"{SESSIONS}/{session}/suspensions", "prison-sup", json=body)
        assert made.status == 200, made.data
        home = (await front.store.suspension("sus_1")).home
        if home != "first-prison":
            await front.add_user("second", "二", "approver", PASSWORD, home)
            front.tokens["second"] = await front.store.issue_user_token("second", timedelta(hours=1))
        caller = "approver" if home == "first-prison" else "second"
        answer = await front.ask("POST", "/api/v1/suspensions/sus_1/decide", caller, json={"decision": "approve"})
        assert answer.status == 200

    def later(self, **changes):
        starts = TEN + timedelta(days=3)
        when = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(minutes=40)).isoformat()}
        return order(**{"external_id": "later", "prison_room": "p2", **when, **changes})

    @pytest.mark.parametrize("id", ["inmate-1", "INMATE-1", "inmate-99"])
    async def test_are_refused_under_any_id(self, front, id):
        session = await front.live_visit(
            people=(await self.stored(front, people=people({"id_number": NUMBER}, {}))).people
        )
        await self.suspend(front, session, "inmate-1")
        body = self.later(people=people({"id": id, "id_number": NUMBER}, {}))
        problem = await front.refused("suspended", "POST", SLOTS, "booking", json=body)
        assert (problem.data["until"], problem.data["articles"]) == ("2026-05-02", ["云南 第十七条"])

    async def stored(self, front, **changes):
        """The slot of an order, taken back again."""
        made = (await post(front, external_id="first", **changes)).data
        slot = await front.store.slot(made["slot"])
        await front.broker.cancel_slot(made["slot"], "test")
        return slot

    async def test_on_the_visitor_side_of_two_prisons_are_refused_too(self, front):
        slot = await self.stored(front, visitor_room="q1")
        session = await front.live_visit(
            visitor=slot.visitor, people=slot.people, second_approved_by="二监", second_article="云南 第七条"
        )
        await self.suspend(front, session, "kin-1")
        await front.refused("suspended", "POST", SLOTS, "booking", json=self.later(visitor_room="q1"))
        # and as the inmate of the prison's side, in a family visit
        family = people({"id": "kin-1"}, {"id": "kin-7"})
        body = self.later(prison_room="q1", visitor_room="v2", people=family)
        await front.refused("suspended", "POST", SLOTS, "booking", json=body)

    async def test_block_the_opening_of_a_visit_that_was_booked_before(self, front):
        body = self.later(visitor_room="v2")
        booked = (await front.ask("POST", SLOTS, "booking", json=body)).data["session_id"]
        session = await front.live_visit(people=(await self.stored(front)).people)
        await self.suspend(front, session, "inmate-1")
        front.at(timedelta(days=3, minutes=-20))
        live = front.broker.live(booked).session
        assert live.state is State.CHECK_IN and live.bars
        front.tokens["days later"] = await front.store.issue_user_token("prison-sup", timedelta(hours=12))
        shown = (await front.ask("GET", f"{SESSIONS}/{booked}", "days later")).data["missing"]
        (bar,) = [each for each in shown if each["code"] == "eligibility"]
        assert (bar["until"], bar["articles"], bar["person"]) == ("2026-05-02", ["云南 第十七条"], "inmate-1")
        assert "刘某甲" in bar["zh"] and "2026-05-02" in bar["en"]
        room = (await front.ask("GET", f"{SESSIONS}/{booked}", "v2")).data["missing"]
        assert not [each for each in room if each["code"] == "eligibility"] and "刘" not in str(room), (
            "no person for rooms"
        )
        front.at(timedelta(days=3, minutes=15))
        end = front.broker.live(booked).session.end
        assert end is not None and (end.reason, end.article) == ("refused", "云南 第十七条")


class TestWordsBetweenPrisons:
    async def test_speak_of_a_second_prison_and_of_no_family(self, front):
        made = (await post(front, visitor_room="q1", second_approval=APPROVAL)).data
        path = f"{SESSIONS}/{made['session_id']}"
        front.at(timedelta(minutes=-20))
        for caller in ("prison-sup", "p1", "q1"):
            shown = (await front.ask("GET", path, caller)).data
            assert "sides" in shown, shown
            assert "会见人" not in str(shown) and "family" not in str(shown)
        shown = (await front.ask("GET", path, "prison-sup")).data
        (inmate,) = shown["sides"]["visitor"]["people"]
        assert inmate["inmate"] and "phone" not in inmate["required"], "a prisoner has no telephone to hand in"
        front.at(timedelta(minutes=15))
        assert "另一方监所" in (await front.ask("GET", path, "prison-sup")).data["reason"]["zh"]
