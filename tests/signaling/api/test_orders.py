"""The table of orders: each row is reached by REST and by WebSocket with the same outcome, and is documented."""

import pytest

from signaling.api import orders
from signaling.api.messages.orders import ORDERS, GoOn, Hush
from signaling.api.messages.socket import CLIENT, MESSAGES
from signaling.auth.scope import Role
from signaling.server.app import ROUTES
from tests.support.figures import self_test
from tests.support.signaling.talk import talking

SESSIONS = "/api/v1/sessions"
ARTICLE = {"article": "YN-16-2"}
KIN = {"side": "visitor", "person": "kin-1"}
SAMPLES = {
    "self_test": self_test(),
    "check_in": KIN | {"identity": True, "security": True, "rules": True},
    "tick": KIN | {"tick": "phone", "on": True},
    "seat": {"side": "visitor", "ready": True},
    "absent": KIN,
    "equipment": {"side": "visitor", "passed": True, "reason": "手工检查"},
    "acknowledge_rules": {"language": "zh", "manner": "touch"},
    "override_drill": {"reason": "现场复测正常"},
    "hold": ARTICLE,
    "resume": {"note": "done"},
    "end": ARTICLE,
    "finished": {"on": True},
    "go_on": {},
    "warn": ARTICLE | {"sides": ["visitor"], "text": "请一个一个说话"},
    "acknowledge": {"warning": "wrn_none"},
    "mute": ARTICLE | {"side": "visitor", "on": True},
    "remark": {"text": "安静"},
    "speak": ARTICLE | {"sides": ["visitor"]},
    "hush": {},
    "request_extension": {"request": "ext_1", "seconds": 300, "article": "YN-14-FAMILY", "reason": "家中变故"},
    "decline_extension": {"request": "ext_1", "reason": "不予延长"},
    "take_alert": {"alert": "alt_9"},
    "finish_alert": {"alert": "alt_9"},
}
"""A valid body of each order. What it meets in a visit during check-in is accepted or refused, the same both ways."""
CALLERS = {Role.SUPERVISOR: "visitor-sup", Role.TERMINAL: "v1", Role.APPROVER: "approver"}
BY_REST = [row for row in orders.ROWS if row.by_rest]


def name(row):
    return row.name


def path_of(row):
    return f"{SESSIONS}/{{session}}/{row.name.replace('_', '-')}"


def content(fact):
    """A fact without the ids that are made anew for each."""
    return type(fact), {key: value for key, value in vars_of(fact).items() if key != "id"}


def vars_of(fact):
    return {field: getattr(fact, field) for field in fact.__dataclass_fields__}


class TestTheTable:
    def test_has_one_row_for_each_order(self):
        assert {row.order for row in orders.ROWS} == set(ORDERS) == set(MESSAGES)
        assert len(orders.ROWS) == len({row.name for row in orders.ROWS}) == len(SAMPLES)

    def test_only_speaking_needs_a_socket(self):
        assert {row.name for row in orders.ROWS if not row.by_rest} == {"speak"}

    @pytest.mark.parametrize("row", orders.ROWS, ids=name)
    def test_a_message_is_the_order_itself_with_an_id_and_a_session(self, row):
        body = SAMPLES[row.name]
        message = CLIENT.validate_python({"type": row.name, "id": 1, "session": "ses_a", **body}, strict=False)
        assert isinstance(message, row.order) and orders.row_of(message) is row
        assert row.order.model_validate(body, strict=False).model_dump() == message.model_dump(
            exclude={"type", "id", "session", "order"}
        )


class TestEachRow:
    @pytest.mark.asyncio(loop_scope="module")
    @pytest.mark.parametrize("row", BY_REST, ids=name)
    async def test_is_an_address_of_the_server_and_of_the_document(self, row, shared_front):
        (route,) = [route for route in ROUTES if route.path == path_of(row)]
        assert (route.method, route.roles, route.refused) == ("POST", {row.role}, "OrderRefused")
        document = (await shared_front.ask("GET", "/api/v1/openapi.json")).data
        operation = document["paths"][path_of(row)]["post"]
        assert operation["summary"] == f"{row.zh} · {row.en}" and operation["x-roles"] == [row.role]
        assert ("requestBody" in operation) is (row.order not in (Hush, GoOn))

    @pytest.mark.parametrize("row", BY_REST, ids=name)
    async def test_has_the_same_outcome_by_rest_and_by_socket(self, row, front):
        session, body, caller = await front.live_visit(), SAMPLES[row.name], CALLERS[row.role]
        kept = front.broker.lives[session].session
        answer = await front.ask("POST", path_of(row).format(session=session), caller, json=body)
        by_rest = front.broker.facts[-1]
        front.broker.lives[session].session = kept
        async with talking(front, caller) as talk:
            await talk.send(type=row.name, id=7, session=session, **body)
            reply = await talk.receive("ack" if answer.status == 200 else "error")
        assert reply.re == 7
        if answer.status == 200:
            assert content(by_rest) == content(front.broker.facts[-1])
        else:
            assert reply.problem.model_dump() == answer.data
            assert front.broker.facts[-1] is by_rest, "a refused order tells the session nothing"
            noted = await front.noted("OrderRefused")
            assert {entry.author.partition(":")[0] for entry in noted} == {
                "terminal" if row.role is Role.TERMINAL else "user"
            }

    @pytest.mark.parametrize("row", orders.ROWS, ids=name)
    async def test_is_forbidden_for_other_roles_on_the_socket_too(self, row, front):
        session = await front.live_visit()
        before = list(front.broker.facts)
        other = "auditor" if row.role is Role.TERMINAL else "v1"
        async with talking(front, other) as talk:
            await talk.send(type=row.name, id=1, session=session, **SAMPLES[row.name])
            refusal = await talk.receive("error")
        assert refusal.problem.code == "forbidden"
        assert refusal.problem.detail_en == (row.forbidden[0] or "Not allowed for this role")
        assert front.broker.facts == before
