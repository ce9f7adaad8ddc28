"""The WebSocket: sign-in, orders, which client receives what, and clients that misbehave."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import WSMsgType
from msgspec.structs import replace

from broker.control.viewers import viewer_of
from broker.ipc.relay_messages import Subscription
from broker.kernel.ids import Side
from broker.session import events as ev
from signaling.api.messages import socket as msg
from signaling.auth.session_expiry import check_all
from signaling.budgets.allowance import BUDGETS
from signaling.live import client as clients
from signaling.live import hub as hubs
from signaling.live import socket
from tests.support.figures import self_test
from tests.support.patience import PATIENCE
from tests.support.signaling.talk import WS, talking


@pytest.fixture
async def session(front):
    """A visit in its check-in window."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return session


def hold(session, **changes):
    return {"type": "hold", "id": 1, "session": session, "article": "YN-16-2", **changes}


class TestSigningIn:
    async def test_by_header(self, front, session):
        async with talking(front, "prison-sup") as talk:
            assert (talk.welcome.who.kind, talk.welcome.who.role) == ("user", "supervisor")
            assert talk.welcome.server_time == front.clock.now().wall
            assert talk.ws.protocol == msg.SUBPROTOCOL
            (seen,) = talk.sessions.sessions
            assert (seen.id, seen.my_side) == (session, None)

    async def test_by_the_first_message(self, front, session):
        async with talking(front, greet=False) as talk:
            await talk.send(type="hello", token=front.tokens["v1"])
            caller = (await talk.receive("welcome")).who
            assert (caller.kind, caller.room, caller.site) == ("terminal", "v1", "panlong")
            (seen,) = (await talk.receive("sessions")).sessions
            assert seen.my_side is Side.VISITOR

    async def test_by_cookie_from_the_servers_own_page_only(self, front):
        own = str(front.client.make_url("/")).rstrip("/")
        front.client.session.cookie_jar.update_cookies({"huijian": front.tokens["prison-sup"]})
        async with talking(front, headers={"Origin": own}) as talk:
            assert talk.welcome.who.id == "prison-sup"
        async with talking(front, greet=False) as talk:
            assert await talk.closed() == 4003
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with talking(front, headers={"Origin": "https://evil.example"}):
                pass
        assert refused.value.status == 403

    async def test_by_cookie_behind_a_proxy_that_names_the_default_port(self, front):
        front.client.session.cookie_jar.update_cookies({"huijian": front.tokens["prison-sup"]})
        proxied = {"Origin": "https://huijian.example", "Host": "huijian.example:443", "X-Forwarded-Proto": "https"}
        async with talking(front, headers=proxied | {"Cookie": f"__Host-huijian={front.tokens['prison-sup']}"}) as talk:
            assert talk.welcome.who.id == "prison-sup"

    @pytest.mark.parametrize(
        "first",
        [
            '{"type":"hello"}',
            '{"type":"hello","token":"usr_wrong_wrong"}',
            '{"type":"ack","re":1}',
            "[]",
            "{",
            "\ud7ff",
        ],
    )
    async def test_a_wrong_first_message_closes(self, front, first):
        async with talking(front, greet=False) as talk:
            await talk.ws.send_str(first)
            assert await talk.closed() == 4001

    async def test_silence_closes(self, front, monkeypatch):
        monkeypatch.setattr(socket, "HELLO_SECONDS", 0.05)
        async with talking(front, greet=False) as talk:
            assert await talk.closed() == 4001

    async def test_a_wrong_header_closes(self, front):
        async with talking(front, "usr_wrong_wrong", greet=False) as talk:
            assert await talk.closed() == 4001

    @pytest.mark.parametrize("caller", ["booking", "clerk"])
    async def test_roles_without_a_socket(self, front, caller):
        async with talking(front, greet=False) as talk:
            await talk.send(type="hello", token=front.tokens[caller])
            assert await talk.closed() == 4003

    async def test_plain_http_and_other_protocols_are_refused(self, front):
        await front.refused("bad_request", "GET", WS, "prison-sup")
        for protocols in ((), ("huijian.v9",)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with front.client.ws_connect(WS, protocols=protocols):
                    pass
            assert refused.value.status == 400


class TestOrders:
    async def test_an_order_is_acknowledged_and_all_viewers_see_its_effect(self, front):
        session = await front.live_visit()
        async with talking(front, "prison-sup") as officer, talking(front, "v1") as room:
            await officer.send(**hold(session, id="o7"))
            assert (await officer.receive("ack")).re == "o7"
            seen = await room.receive("session")
            while seen.session.state != "held":
                seen = await room.receive("session")
            assert (seen.session.gate, seen.session.reason.article) == ("shut", "YN-16-2")
            assert seen.session.quorum.prison.have == []

    async def test_a_refused_order_carries_its_problem_and_is_journaled(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await talk.send(**hold(session))
            error = await talk.receive("error")
            assert (error.re, error.problem.code, error.problem.status) == (1, "conflict", 409)
            await talk.send(**hold("ses_none", id=2))
            assert (await talk.receive("error")).problem.code == "not_found"
        assert {one.author for one in await front.noted("OrderRefused")} == {"user:prison-sup"}

    async def test_each_kind_of_order_arrives(self, front, session):
        kin = {"session": session, "side": "visitor", "person": "kin-1"}
        async with talking(front, "visitor-sup") as staff, talking(front, "v1") as room:
            ticks = {"identity": True, "security": True, "rules": True}
            await staff.send(type="check_in", id=1, **kin, **ticks)
            await staff.send(type="absent", id=2, **kin)
            await staff.send(type="equipment", id=3, session=session, side="visitor", passed=False)
            for number in (1, 2, 3):
                assert (await staff.receive("ack")).re == number
            await room.send(type="self_test", id=4, session=session, **self_test())
            assert (await room.receive("ack")).re == 4
        kinds = [type(fact) for fact in front.broker.facts if not isinstance(fact, ev.TimePassed)]
        assert kinds == [ev.PersonCheckedIn, ev.PersonAbsent, ev.SelfTested, ev.SelfTested]

    async def test_a_room_may_not_give_officers_orders(self, front):
        session = await front.live_visit()
        async with talking(front, "p1") as talk:
            await talk.send(**hold(session))
            assert (await talk.receive("error")).problem.code == "forbidden"

    async def test_an_error_inside_is_an_incident_number_and_nothing_more(self, front, session):
        async with talking(front, "prison-sup") as talk:
            front.broker.error = RuntimeError("secret 刘某甲")
            await talk.send(**hold(session))
            problem = (await talk.receive("error")).problem
            assert problem.code == "internal" and "secret" not in problem.model_dump_json()

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[]",
            "null",
            '{"type":"end"}',
            '{"type":"shout","id":1}',
            '{"type":"resume","id":1,"session":"' + "x" * 99,
        ],
    )
    async def test_a_malformed_message_is_refused_and_the_socket_stays_open(self, front, text):
        async with talking(front, "prison-sup") as talk:
            await talk.ws.send_str(text)
            assert (await talk.receive("error")).problem.code == "bad_request"
            await talk.send(type="hello")
            await talk.send(type="resume", id=9, session="ses_none")
            assert (await talk.receive("error")).re == 9


class TestRecipients:
    async def test_another_site_receives_nothing(self, front, session):
        async with talking(front, "foreign-sup") as far, talking(front, "p2") as other, talking(front, "admin") as seen:
            assert far.sessions.sessions == other.sessions.sessions == []
            front.broker.tell(session, ev.RelayReady())
            assert (await seen.receive("session")).session.id == session
            for talk in (far, other):
                with pytest.raises(TimeoutError):
                    await talk.ws.receive(timeout=0.1)

    async def test_a_new_slot_reaches_connected_clients(self, front):
        async with talking(front, "v1") as talk:
            session = await front.visit()
            assert (await talk.receive("session")).session.id == session

    async def test_a_change_during_the_greeting_is_sent_after_it(self, front, session, monkeypatch):
        asked, answered, name_of = asyncio.Event(), asyncio.Event(), front.store.room

        async def slow(room):
            asked.set()
            await answered.wait()
            return await name_of(room)

        monkeypatch.setattr(front.store, "room", slow)
        async with talking(front, "prison-sup", greet=False) as talk:
            await asked.wait()
            front.broker.tell(session, ev.RelayReady())
            answered.set()
            kinds = [(await talk.receive()).type for _ in range(3)]
            assert kinds == ["welcome", "sessions", "session"]

    async def test_quality_is_for_officers(self, front, session):
        tracks = {"video": {"bitrate": 1.2e6, "loss": 0.0}, "audio": {"bitrate": 32000, "loss": 0}}
        async with talking(front, "prison-sup") as officer, talking(front, "p1") as room:
            front.broker.bus.emit("quality", session, {"prison": tracks, "visitor": tracks})
            assert (await officer.receive("quality")).sides.prison.video.bitrate == 1.2e6
            front.broker.tell(session, ev.RelayReady())
            assert (await room.receive()).type == "session"

    async def test_officers_see_the_viewers_of_their_own_site_and_rooms_see_none(self, front, session):
        ours = Subscription(
            resource="r",
            side=Side.VISITOR,
            subscriber="li@first-prison",
            gated=False,
            on=True,
            consent=True,
            reports=True,
            consent_age=0.2,
            report_age=0.1,
            loss=0.25,
            jitter=0.005,
            round_trip=0.03,
        )
        theirs = replace(ours, subscriber="ma@panlong", on=False, reports=False, report_age=None, round_trip=None)
        room = replace(ours, subscriber="trm_1", gated=True)
        front.broker.live(session).viewers = {n: viewer_of(one) for n, one in enumerate((ours, theirs, room))}
        async with (
            talking(front, "prison-sup") as prison,
            talking(front, "visitor-sup") as visitor,
            talking(front, "auditor") as province,
            talking(front, "p1") as terminal,
        ):
            front.broker.bus.emit("quality", session, {"prison": {}, "visitor": {}})
            seen = [(await page.receive("quality")).viewers for page in (prison, visitor, province)]
            assert [[one.user for one in told] for told in seen] == [["li", None], ["ma", None], ["li", "ma", None]]
            (mine, _), (other, _) = seen[:2]
            assert (mine.receiving, mine.loss, mine.jitter_ms, mine.round_trip_ms) == (True, 0.25, 5, 30)
            assert (other.receiving, other.consent, other.reports, other.report_ms) == (False, True, False, None)
            front.broker.tell(session, ev.RelayReady())
            assert (await terminal.receive()).type == "session"

    async def test_impossible_numbers_are_dropped(self, front, session):
        async with talking(front, "prison-sup") as talk:
            for sides in ({}, {"prison": 1}, {"prison": {"video": {"bitrate": -1, "loss": 7}}, "visitor": {}}):
                front.broker.bus.emit("quality", session, sides)
            front.broker.bus.emit("quality", "ses_none", {})
            front.broker.bus.emit("session", "ses_none")
            front.broker.tell(session, ev.RelayReady())
            assert (await talk.receive()).type == "session"


class TestConnections:
    async def test_the_newer_socket_of_a_terminal_wins(self, front):
        async with talking(front, "p1") as old, talking(front, "p1") as new:
            assert await old.closed() == 4009
            await new.send(type="resume", id=1, session="ses_none")
            assert (await new.receive()).type == "error"

    async def test_an_officer_has_a_limited_number_of_pages(self, front, monkeypatch):
        monkeypatch.setattr(hubs, "PER_USER", 2)
        two = talking(front, "prison-sup"), talking(front, "prison-sup")
        async with two[0], two[1], talking(front, "prison-sup", greet=False) as third:
            assert await third.closed() == 4029

    async def test_sockets_without_sign_in_are_limited(self, front, monkeypatch):
        monkeypatch.setattr(hubs, "WITHOUT_HELLO_PER_ADDRESS", 1)
        async with talking(front, greet=False) as first:
            async with talking(front, greet=False) as second:
                assert await second.closed() == 4029
            await first.send(type="hello", token=front.tokens["p1"])
            assert (await first.receive()).type == "welcome"
        async with talking(front, greet=False) as third:
            await third.send(type="hello", token=front.tokens["p1"])
            assert (await third.receive()).type == "welcome"

    async def test_signing_out_closes_the_socket_at_once(self, front):
        token = await front.store.issue_user_token("prison-sup", timedelta(hours=1))
        async with talking(front, token) as talk:
            await front.ask("POST", "/api/v1/sign-out", token)
            assert await talk.closed() == 4001

    async def test_a_barred_users_socket_closes_at_the_next_check(self, front):
        async with talking(front, "prison-sup") as talk, talking(front, "visitor-sup") as other:
            await front.store.disable_user("prison-sup")
            await check_all(front.context)
            assert await talk.closed() == 4001
            assert not other.ws.closed

    async def test_all_sockets_close_when_the_server_stops(self, front):
        async with talking(front, "prison-sup") as talk, talking(front, "p1") as room:
            going = asyncio.create_task(front.client.app.shutdown())
            assert await talk.closed() == await room.closed() == 1001
            await going


class TestMisbehaviour:
    async def test_a_frame_that_is_too_large(self, front):
        async with talking(front, "prison-sup") as talk:
            await talk.ws.send_str("x" * (msg.MAX_FRAME + 1))
            assert await talk.closed() == 1009

    async def test_a_binary_frame(self, front):
        async with talking(front, "prison-sup") as talk:
            await talk.ws.send_bytes(b"{}")
            assert await talk.closed() == 1003

    async def test_a_flood(self, front):
        front.context.allowance.budgets = BUDGETS
        async with talking(front, "p1") as talk:
            with suppress(ConnectionError):
                for _ in range(700):
                    await talk.ws.send_json({"type": "hello"})
            assert await talk.closed() == 4029

    async def test_a_flood_of_pings(self, front):
        front.context.allowance.budgets = BUDGETS
        async with talking(front, "p1", autoping=False) as talk:
            await talk.ws.ping(b"1")
            assert (await talk.ws.receive()).type is WSMsgType.PONG
            with suppress(ConnectionError):
                for _ in range(700):
                    await talk.ws.ping()
            assert await talk.closed() == 4029

    @pytest.mark.parametrize("caller", ["p1", None], ids=["over its budget", "unknown"])
    async def test_a_client_that_goes_on_sending_after_the_close_frame_is_read_no_further(
        self, front, monkeypatch, caller
    ):
        monkeypatch.setattr(clients, "CLOSE_SECONDS", 2 * PATIENCE)  # it is not time that ends this
        front.context.allowance.budgets = BUDGETS
        async with talking(front, caller, greet=False, autoclose=False) as talk:
            async with asyncio.timeout(PATIENCE):
                with suppress(ConnectionError):
                    while True:
                        await talk.ws.send_json({"type": "presence"})
                        await asyncio.sleep(0)

    async def test_a_client_that_closes_gets_our_close_frame(self, front):
        async with talking(front, "p1") as talk:
            await talk.ws.close(code=1001)
            assert talk.ws.close_code == 1000

    async def test_a_client_that_does_not_read_is_cut_and_delays_no_other(self, front, session, monkeypatch):
        monkeypatch.setattr(clients, "SEND_SECONDS", 0.2)
        monkeypatch.setattr(clients, "CLOSE_SECONDS", 0.2)
        async with talking(front, "prison-sup") as reader, talking(front, "visitor-sup") as sleeper:
            sleeper.ws._conn.protocol.pause_reading()
            (slow,) = [client for client in front.context.hub._clients if client.caller.id == "visitor-sup"]
            text = json.dumps({"filler": "x" * 60_000})
            for number in range(200):
                slow.send_text(text, f"filler {number}")
            front.broker.tell(session, ev.RelayReady())
            assert (await reader.receive("session")).session.id == session
            async with asyncio.timeout(PATIENCE):
                await slow.closed.wait()
            assert slow._reason.close_code == 4008
            assert slow._request.transport is None
            sleeper.ws._conn.protocol.resume_reading()

    async def test_a_full_queue_closes_the_socket(self, front, monkeypatch):
        monkeypatch.setattr(clients, "QUEUE", 3)
        async with talking(front, "prison-sup") as talk:
            (client,) = front.context.hub._clients
            for number in range(4):
                client.send_text("{}", f"k{number}")
            assert await talk.closed() == 4008

    async def test_views_that_wait_are_replaced_by_newer_ones(self, front):
        async with talking(front, "prison-sup") as talk:
            (client,) = front.context.hub._clients
            for number in range(1000):
                client.send(msg.Ack(re=number), "session x")
            assert (await talk.receive()).re == 999
