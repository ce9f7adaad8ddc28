"""Every message of the WebSocket from every role, of the visit's own sites and of others: what the table of orders does
not give to a role is forbidden, and for other sites the visit does not exist."""

import json

import pytest

from signaling.api.messages.socket import CLIENT, MESSAGES, Attentive, Observed, Presence
from signaling.api.messages.terminals import TerminalReport
from signaling.api.orders import ROWS
from signaling.auth.scope import SESSION_ROLES, Role
from tests.signaling.server.test_openapi import CALLERS
from tests.signaling.server.test_routes_existence import BODIES
from tests.support.signaling.talk import talking

OWN = {role: CALLERS[role] for role in Role if role in SESSION_ROLES}
"""An identity of each role with a socket, for which the visit exists."""
OTHERS = ("w1", "q1", "foreign-sup", "foreign-auditor", "prison-admin")
"""Identities of other sites, or rooms, than the visit's."""
ORDERS = [row for row in ROWS if row.name != "end"] + [row for row in ROWS if row.name == "end"]
"""Every order; the one that leaves nothing to order comes last."""
SPOKEN = {"speak": {"sides": ["prison"], "article": "YN-16-1"}}
"""Members of the order that needs a socket."""
REPORTS = {
    Presence: ({Role.SUPERVISOR}, {"page": "abcdefgh", "visible": True, "showing": [], "duty": []}),
    Attentive: ({Role.SUPERVISOR}, {"id": 1, "prompt": "prm_1"}),
    Observed: ({Role.TERMINAL}, {"black": False, "frozen": False, "silent": False}),
    TerminalReport: (
        {Role.TERMINAL},
        {"version": "1.0.0", "shows": "headless", "started_at": "2026-03-02T09:00:00+08:00", "devices": [], "done": []},
    ),
}
"""The roles that may send each message that is no order, and its members."""


def order(row, session):
    """An order of this row, as a terminal or an officer of the prison would send it."""
    body = SPOKEN.get(row.name) or BODIES.get(row.name.replace("_", "-"), {})
    return {"type": row.name, "id": row.name, "session": session, **body}


async def answer(talk, row, session):
    """Send an order; return the code of its refusal, or None where it is accepted."""
    await talk.send(**order(row, session))
    while True:
        message = await talk.receive()
        if message.type == "ack" and message.re == row.name:
            return None
        if message.type == "error" and message.re in (row.name, None):
            return message.problem.code


class TestOrders:
    async def test_every_order_of_this_test_is_one_that_the_server_reads(self):
        for row in ROWS:
            assert type(CLIENT.validate_json(json.dumps(order(row, "ses_1")))) is MESSAGES[row.order]

    @pytest.mark.parametrize("role", OWN)
    async def test_a_role_may_send_what_the_table_gives_it_and_nothing_else(self, front, role):
        session = await front.live_visit()
        async with talking(front, OWN[role]) as talk:
            found = {row.name: await answer(talk, row, session) for row in ORDERS}
        forbidden = {name for name, code in found.items() if code == "forbidden"}
        assert forbidden == {row.name for row in ROWS if row.role is not role}

    @pytest.mark.parametrize("caller", OTHERS)
    async def test_the_visit_does_not_exist_for_other_sites(self, front, caller):
        session = await front.live_visit()
        async with talking(front, caller) as talk:
            for row in ORDERS:
                assert await answer(talk, row, session) == "not_found", row.name
        assert front.broker.live(session).session.end is None


class TestReports:
    @pytest.mark.parametrize(
        ("kind", "role"), [(kind, role) for kind, (roles, _) in REPORTS.items() for role in OWN if role not in roles]
    )
    async def test_other_roles_may_not_report(self, front, kind, role):
        members = REPORTS[kind][1] | ({"session": await front.live_visit()} if kind is Observed else {})
        async with talking(front, OWN[role]) as talk:
            await talk.send(type=kind.model_fields["type"].default, **members)
            assert (await talk.receive("error")).problem.code == "forbidden"
