"""A terminal tests its line (Yunnan 12): it publishes noise into a test of its own and receives the same noise back.

No slot is needed, and no words can be carried: the test belongs to the terminal that opened it, the only one that may
publish into it and the only one that may subscribe, once each. No officer and no other terminal gets any of it, it is
not recorded, and it ends after some seconds (`broker/relay/line_tests/loop.py`)."""

from datetime import datetime, timedelta

from aiohttp import web

from broker.control.capacity.line_tests import SECONDS
from broker.ipc.relay_messages import Publish, Subscribe
from broker.kernel.errors import Busy, Forbidden, RelayUnavailable
from broker.kernel.ids import SessionId, Side
from signaling.api.messages.equipment import LineTestView
from signaling.auth.scope import Role, Terminal, author
from signaling.identity.admission import check_media
from signaling.media import offer_answer
from signaling.media.resources import Kind
from signaling.server.routes import Call, Table

table = Table("line_tests")
PUBLISH, SUBSCRIBE = "/line-tests/{session}/whip", "/line-tests/{session}/whep"
ROLES = (Role.TERMINAL,)
SIDE = Side.PRISON
"""The one side of the relay's session that a test uses; it has nothing to do with the terminal's room."""
PROBLEMS = (*offer_answer.OFFER_PROBLEMS, Forbidden)


@table.add(
    "POST",
    "/api/v1/line-tests",
    roles=ROLES,
    zh="终端开始线路检测",
    en="A terminal begins a test of its line",
    status=201,
    problems=(Busy, RelayUnavailable),
    refused="LineTestRefused",
)
async def begin(call: Call) -> LineTestView:
    """Open a test of the caller's line; the one that it had open ends."""
    terminal = _terminal(call)
    call.context.line_tests.take(author(terminal), call.context.mono())
    test = await call.context.broker.line_tests.open(terminal.id)
    paths = {name: path.format(session=test) for name, path in (("publish", PUBLISH), ("subscribe", SUBSCRIBE))}
    return LineTestView(id=test, seconds=SECONDS, **paths)


@offer_answer.post(table, PUBLISH, ROLES, "线路检测：发送", "A line test: send", "WhipRefused", PROBLEMS)
async def publish(call: Call, body: str) -> web.Response:
    """Take the offer of the test's own terminal and return the answer."""
    test = _admitted(call, "whip")
    offer = Publish(session=test, side=SIDE, sdp=offer_answer.checked(body))
    return await offer_answer.negotiate(call, "whip", SIDE, offer, _ends_at(call))


@offer_answer.post(table, SUBSCRIBE, ROLES, "线路检测：接收", "A line test: receive", "WhepRefused", PROBLEMS)
async def subscribe(call: Call, body: str) -> web.Response:
    """Take the offer of the test's own terminal and return the answer."""
    test, name = _admitted(call, "whep"), author(call.caller)
    offer = Subscribe(session=test, side=SIDE, subscriber=name, gated=False, sdp=offer_answer.checked(body))
    return await offer_answer.negotiate(call, "whep", SIDE, offer, _ends_at(call))


def _terminal(call: Call) -> Terminal:
    assert isinstance(call.caller, Terminal)  # the row admits no other role
    return call.caller


def _admitted(call: Call, kind: Kind) -> SessionId:
    """Return the test in the path. Raises NotFound where it is not the caller's, and what a visit's media would."""
    terminal, context = _terminal(call), call.context
    check_media(context, terminal)
    test = SessionId(call.id("session"))
    context.broker.line_tests.check(test, terminal.id)
    context.resources.admit(kind, test, SIDE, terminal, context.mono())
    return test


def _ends_at(call: Call) -> datetime:
    return call.context.now().wall + timedelta(seconds=SECONDS)


offer_answer.add_resource(
    table,
    offer_answer.Place(
        "whip", PUBLISH, frozenset(ROLES), "testing_up", "停止线路检测的发送", "Stop sending in a line test"
    ),
)
offer_answer.add_resource(
    table,
    offer_answer.Place(
        "whep", SUBSCRIBE, frozenset(ROLES), "testing_down", "停止线路检测的接收", "Stop receiving in a line test"
    ),
)
