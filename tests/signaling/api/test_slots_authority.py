"""The table of acts on a slot holds over HTTP: every identity of a province with two prisons and two
bureaus against every act."""

from datetime import timedelta

import pytest

from broker.authority.slot_acts import SlotAct, may, relation
from signaling.auth.scope import Role
from tests.support.signaling.front import PASSWORD, ten_slot

SLOTS = "/api/v1/slots"
SITES = {"prison": "first-prison", "visitor": "panlong", "other": "second-prison", "far": "other-bureau"}
OFFICERS = {
    f"{role}-{place}": (role, site)
    for role in (Role.SUPERVISOR, Role.CLERK, Role.APPROVER, Role.AUDITOR, Role.ADMIN)
    for place, site in SITES.items()
}
PROGRAMS = ("p1", "v1", "w1", "booking", "observer", "auditor", "admin")
EVERYONE = (*OFFICERS, *PROGRAMS)
ORDER = {
    "prison_room": "p1",
    "visitor_room": "v1",
    "starts_at": "2026-03-02T10:00:00+08:00",
    "ends_at": "2026-03-02T10:40:00+08:00",
    "minutes": 30,
    "people": [
        {"id": "inmate-1", "side": "prison", "name": "刘某甲"},
        {"id": "kin-1", "side": "visitor", "name": "欧阳某乙", "relation": "母亲"},
    ],
    "approved_by": "监狱审批科",
    "article": "云南 第八条",
}
WHY = {"article": "YN-18", "reason": "司法局停电"}


@pytest.fixture
async def office(front):
    """The front with an officer of every role at every site."""
    for user, (role, site) in OFFICERS.items():
        await front.store.add_user(user, user, role, PASSWORD, site)
    await front.add_user("last", "last", Role.AUDITOR, PASSWORD)  # which lets all of them grow old
    for user in OFFICERS:
        front.tokens = front.tokens | {user: await front.store.issue_user_token(user, timedelta(hours=1))}
    return front


def allowed(act, caller):
    """Whether the table allows it, for the slot of the first prison and Panlong."""
    kinds = {"booking": "integrator", "observer": "observer", "auditor": "auditor", "admin": "admin"}
    if caller in kinds:
        return may(act, kinds[caller], relation(None, "first-prison", "panlong"))
    if caller not in OFFICERS:
        return False
    role, site = OFFICERS[caller]
    return may(act, str(role), relation(site, "first-prison", "panlong"))


class TestEveryIdentity:
    async def test_books_only_where_the_table_says(self, office):
        for number, caller in enumerate(EVERYONE):
            day = {f"{name}s_at": f"2026-04-{number + 1:02d}T{time}:00+08:00" for name, time in
                   (("start", "10:00"), ("end", "10:40"))}  # fmt: skip
            answer = await office.ask("POST", SLOTS, caller, json=ORDER | day)
            assert (answer.status == 201) is allowed(SlotAct.BOOK, caller), (caller, answer.status)
            assert answer.status in (201, 403, 404), (caller, answer.status)

    async def test_cancels_only_where_the_table_says(self, office):
        for caller in EVERYONE:
            for method, path, body in (("DELETE", "", None), ("POST", "/cancel", WHY)):
                session = await office.visit(**here())
                slot = office.broker.live(session).session.slot
                sent = {"json": body} if body else {}
                answer = await office.ask(method, f"{SLOTS}/{slot.id}{path}", caller, **sent)
                assert (answer.status == 204) is allowed(SlotAct.CANCEL, caller), (caller, answer.status)
                if answer.status != 204:
                    await office.broker.cancel_slot(slot.id, "test")

    async def test_withdraws_only_where_the_table_says(self, office):
        for caller in EVERYONE:
            session = await office.visit(**here())
            slot = office.broker.live(session).session.slot
            answer = await office.ask("POST", f"{SLOTS}/{slot.id}/withdraw", caller, json=WHY)
            assert (answer.status == 204) is allowed(SlotAct.WITHDRAW, caller), (caller, answer.status)
            if answer.status != 204:
                await office.broker.cancel_slot(slot.id, "test")

    async def test_sees_only_where_the_table_says(self, office):
        slot = office.broker.live(await office.visit()).session.slot
        for caller in EVERYONE:
            answer = await office.ask("GET", f"{SLOTS}/{slot.id}", caller)
            assert (answer.status == 200) is allowed(SlotAct.SEE, caller), (caller, answer.status)

    async def test_that_may_not_book_learns_of_no_room(self, office):
        """The answer is the same for a room that is there, one of another prison, and one that is nowhere."""
        for caller in OFFICERS:
            if allowed(SlotAct.BOOK, caller):
                continue
            answers = [
                await office.ask("POST", SLOTS, caller, json=ORDER | {"prison_room": room, "visitor_room": visitor})
                for room, visitor in (("p1", "v1"), ("p1", "nowhere"), ("nowhere", "v1"), ("v1", "p1"))
            ]
            assert len({(answer.status, await answer.text()) for answer in answers}) == 1, caller


def here():
    return {name: getattr(ten_slot(), name) for name in ("id", "session")}


class TestAPrisonsOwnApprover:
    async def test_brings_no_word_of_the_other_institution(self, office):
        """The other institution gives its second approval itself (Yunnan 7)."""
        people = [
            {"id": "inmate-1", "side": "prison", "name": "刘某甲"},
            {"id": "inmate-2", "side": "visitor", "name": "王某", "relation": "妻子"},
        ]
        second = {"approved_by": "第二监狱", "article": "云南 第七条"}
        order = ORDER | {"visitor_room": "q1", "people": people}
        await office.refused("forbidden", "POST", SLOTS, "approver-prison", json=order | {"second_approval": second})
        made = (await office.ask("POST", SLOTS, "approver-prison", json=order)).data
        assert made["waiting"] is True
        path = f"{SLOTS}/{made['slot']}/approve"
        await office.refused("forbidden", "POST", path, "approver-prison", json=second)
        assert (await office.ask("POST", path, "approver-other", json=second)).data["waiting"] is False

    async def test_learns_that_a_room_is_taken_and_not_by_which_slot(self, office):
        await office.visit()
        own = ORDER | {"prison_room": "q1"}
        answer = await office.refused("conflict", "POST", SLOTS, "approver-other", json=own)
        assert "slot" not in answer.data
        seen = await office.refused("conflict", "POST", SLOTS, "approver-prison", json=ORDER)
        assert seen.data["slot"].startswith("slt_")


class TestTheBureau:
    @pytest.mark.parametrize(
        "body", [{}, {"article": "YN-18"}, {"reason": "停电"}, {"article": "YN-18", "reason": " "}]
    )
    async def test_gives_a_code_and_a_reason(self, office, body):
        slot = office.broker.live(await office.visit()).session.slot
        refused = await office.ask("POST", f"{SLOTS}/{slot.id}/withdraw", "approver-visitor", json=body)
        assert refused.status == 400

    async def test_is_told_its_own_way_when_it_cancels(self, office):
        slot = office.broker.live(await office.visit()).session.slot
        refused = await office.refused("forbidden", "DELETE", f"{SLOTS}/{slot.id}", "admin-visitor")
        assert "withdraw" in refused.data["detail_en"] and "撤回" in refused.data["detail"]
