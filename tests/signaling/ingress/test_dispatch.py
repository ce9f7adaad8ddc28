"""Where a connection goes: with a valid credential to control, and otherwise nowhere near it."""

import asyncio
import json
from datetime import timedelta

import pytest

from broker.kernel.errors import StorageUnavailable
from signaling.ingress import control_link
from signaling.ingress.admission import Limits
from signaling.server.context import Context
from tests.support.patience import PATIENCE
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.ingress import request, running_entrance

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: huijian.v1",
)
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture
async def entrance(tmp_path, clock, made):
    """A front door for this test alone."""
    async with running_entrance(tmp_path, clock, made) as running:
        yield running


def sign_in_body(user="prison-sup", password=PASSWORD):
    return json.dumps({"user": user, "password": password}).encode()


class TestKnownSenders:
    async def test_a_valid_token_is_served_by_control_on_a_connection_that_stays(self, entrance):
        line = await entrance.connect()
        for _ in range(3):
            line.send(request("GET", "/api/v1/me", token=entrance.tokens["prison-sup"]))
            answer = await line.answer()
            assert answer.status == 200 and answer.data["who"]["id"] == "prison-sup"
            assert answer.headers.get("connection") != "close"
        assert entrance.counts["handed_over"] == 1 and len(entrance.handed_over) == 1

    async def test_the_address_is_that_of_the_client(self, entrance, monkeypatch):
        seen = []
        monkeypatch.setattr(Context, "note_refusal", lambda self, kind, request, *rest: seen.append(request.remote))
        line = await entrance.connect(source="127.0.0.9")
        line.send(request("POST", "/whip/ses_x", token=entrance.tokens["prison-sup"]))
        await line.answer()
        assert seen == ["127.0.0.9"]

    async def test_a_cookie_is_a_credential_too(self, entrance):
        answer = await entrance.ask("GET", "/api/v1/me", f"Cookie: a=b; huijian={entrance.tokens['auditor']}")
        assert answer.data["who"]["id"] == "auditor"
        assert entrance.counts["handed_over"] == 1

    async def test_the_next_request_of_a_connection_may_be_another_persons(self, entrance):
        line = await entrance.connect()
        for caller in ("prison-sup", "auditor", "prison-sup"):
            line.send(request("GET", "/api/v1/me", token=entrance.tokens[caller]))
            assert (await line.answer()).data["who"]["id"] == caller

    async def test_pipelined_requests_are_answered_in_order(self, entrance):
        line = await entrance.connect()
        tokens = [entrance.tokens[caller] for caller in ("prison-sup", "auditor", "admin")]
        line.send(b"".join(request("GET", "/api/v1/me", token=token) for token in tokens))
        assert [(await line.answer()).data["who"]["id"] for _ in tokens] == ["prison-sup", "auditor", "admin"]

    async def test_a_request_in_many_pieces_is_one_request(self, entrance):
        line = await entrance.connect()
        for piece in request("GET", "/api/v1/me", token=entrance.tokens["admin"]).partition(b"Authorization"):
            line.send(piece)
            await asyncio.sleep(0.02)
        assert (await line.answer()).data["who"]["id"] == "admin"

    async def test_a_body_longer_than_one_read_goes_over_whole(self, entrance):
        body = json.dumps({"x": "y" * 200_000}).encode()
        line = await entrance.connect()
        kind = "Content-Type: application/json"
        line.send(request("POST", "/api/v1/slots", kind, body=body, token=entrance.tokens["booking"]))
        answer = await line.answer()
        assert answer.status == 400 and answer.data["code"] == "bad_request"
        assert {"where": "x", "what": "extra_forbidden"} in answer.data["errors"]

    async def test_a_chunked_body_and_an_expectation_are_controls_work(self, entrance):
        line = await entrance.connect()
        headers = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Expect: 100-continue")
        line.send(request("POST", "/api/v1/slots", *headers, token=entrance.tokens["booking"]))
        assert (await line.answer()).status == 100
        line.send(b"2\r\n{}\r\n0\r\n\r\n")
        assert (await line.answer()).status == 400

    async def test_http_1_0_head_and_absolute_targets(self, entrance):
        token = entrance.tokens["admin"]
        answer = await entrance.ask("GET", "/api/v1/me", token=token, version="1.0")
        assert (answer.status, answer.version) == (200, "HTTP/1.0")
        assert (await entrance.ask("GET", "http://127.0.0.1/api/v1/me", token=token)).status == 200
        assert (await entrance.ask("HEAD", "/monitor", token=token)).status == 200

    async def test_a_token_issued_a_moment_ago_is_valid_at_once(self, entrance):
        token = await entrance.store.issue_user_token("clerk", timedelta(hours=1))
        assert (await entrance.ask("GET", "/api/v1/me", token=token)).status == 200

    async def test_a_token_revoked_a_moment_ago_opens_nothing_and_ends_the_connection(self, entrance):
        await entrance.store.revoke_user_token(entrance.tokens["clerk"])
        answer = await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["clerk"])
        assert answer.status == 401 and answer.headers["connection"] == "close"

    async def test_the_connections_of_one_author_have_a_cap(self, tmp_path, clock, made):
        limits = Limits(terminal_connections=2)
        async with running_entrance(tmp_path, clock, made, limits) as entrance:
            token = entrance.tokens["p1"]
            lines = [await entrance.connect() for _ in range(3)]
            answers = []
            for line in lines:
                line.send(request("GET", "/api/v1/me", token=token))
                answers.append(await line.answer())
            assert [answer.status for answer in answers] == [200, 200, 429]
            assert answers[2].headers["content-type"].startswith("application/problem+json")
            assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["p2"])).status == 200
            lines[0].close()
            await entrance.until(lambda: len(entrance.handed_over) < 2)
            await entrance.until(lambda: entrance.door.dispatch._admission.open < 2)
            assert (await entrance.ask("GET", "/api/v1/me", token=token)).status == 200


class TestStrangers:
    @pytest.mark.parametrize(
        ("method", "target", "status"),
        [
            ("GET", "/api/v1/me", 401),
            ("POST", "/whip/ses_x", 401),
            ("POST", "/api/v1/sessions/ses_x/self-test", 401),
            ("OPTIONS", "/whip/ses_x", 204),
            ("GET", "/nowhere", 404),
            ("DELETE", "/healthz", 405),
            ("GET", "/monitor", 200),
            ("GET", "/verify.html", 200),
            ("GET", "/web/app/main.js", 404),
            ("GET", "/api/v1/openapi.json", 200),
            ("GET", "/api/v1/ws", 400),
            ("GET", "/healthz", 200),
        ],
    )
    async def test_each_request_is_answered_without_control(self, entrance, method, target, status):
        line = await entrance.connect()
        line.send(request(method, target))
        answer = await line.answer()
        assert answer.status == status and answer.headers["connection"] == "close"
        assert await line.ended() == b""
        assert entrance.counts["handed_over"] == entrance.counts["handed_over_unknown"] == 0

    async def test_the_refusal_is_the_same_document_as_that_of_control(self, entrance):
        token = entrance.tokens["clerk"]
        await entrance.store.revoke_user_token(token)
        by_control = await entrance.ask("GET", "/api/v1/me", token=token)
        by_ingress = await entrance.ask("GET", "/api/v1/me")
        assert (by_control.status, by_control.data) == (by_ingress.status, by_ingress.data)

    async def test_only_the_first_of_pipelined_requests_is_answered(self, entrance):
        line = await entrance.connect()
        line.send(request("GET", "/healthz") * 20)
        assert (await line.answer()).status == 200
        assert b"HTTP/1.1" not in await line.ended()

    async def test_a_known_request_behind_a_strangers_is_not_answered(self, entrance):
        line = await entrance.connect()
        line.send(request("GET", "/nowhere") + request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        assert (await line.answer()).status == 404
        assert await line.ended() == b""

    async def test_a_document_is_encoded_once_and_not_sent_to_those_who_have_it(self, entrance):
        for target in ("/api/v1/openapi.json", "/monitor"):
            first = await entrance.ask("GET", target)
            again = await entrance.ask("GET", target, f"If-None-Match: {first.headers['etag']}")
            other = await entrance.ask("GET", target, 'If-None-Match: "other"')
            assert (again.status, again.body) == (304, b"") and other.body == first.body
            assert first.headers["cache-control"] == "no-cache"

    async def test_a_guessed_token_is_refused_and_costs_a_bounded_number_of_queries(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made, Limits(guesses_at_once=3)) as entrance:
            asked = []
            lookup = entrance.store.user_by_token

            async def counted(token):
                asked.append(token)
                return await lookup(token)

            entrance.store.user_by_token = counted
            answers = [await entrance.ask("GET", "/api/v1/me", token=f"usr_{'x' * 40}{n}") for n in range(8)]
            assert [answer.status for answer in answers] == [401] * 3 + [429] * 5
            assert len(asked) == 3
            assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["admin"])).status == 200

    async def test_a_socket_with_a_token_that_is_not_valid_is_closed_with_its_code(self, entrance):
        line = await entrance.connect()
        line.send(request("GET", "/api/v1/ws", *UPGRADE, KEY, token="usr_" + "x" * 43))
        assert (await line.answer()).status == 101
        frame = await line.reader.readexactly(4)
        assert frame[0] == 0x88 and int.from_bytes(frame[2:4]) == 4001
        assert entrance.counts["handed_over_unknown"] == 0


class TestHealth:
    async def test_a_flood_of_questions_is_few_questions_to_control_and_delays_no_page(self, entrance, monkeypatch):
        asked = []
        check = entrance.handed_over._check_health

        async def counted():
            asked.append(1)
            await check()

        monkeypatch.setattr(entrance.handed_over, "_check_health", counted)
        monkeypatch.setattr(control_link, "HEALTH_SECONDS", PATIENCE)
        lines = [await entrance.connect(source=f"127.0.1.{number % 200 + 1}") for number in range(200)]
        for line in lines:
            line.send(request("GET", "/healthz"))
        assert (await entrance.ask("GET", "/monitor")).status == 200
        assert {answer.status for answer in await asyncio.gather(*(line.answer() for line in lines))} == {200}
        assert 1 <= len(asked) < len(lines) / 4

    async def test_a_control_process_that_hangs_is_not_healthy(self, entrance, monkeypatch):
        monkeypatch.setattr(control_link, "HEALTH_SECONDS", 0.2)
        monkeypatch.setattr(entrance.handed_over, "_check_health", asyncio.Event().wait)
        answer = await entrance.ask("GET", "/healthz")
        assert answer.status == 503 and answer.data["code"] == "control_unavailable"

    async def test_what_control_lacks_is_told(self, entrance, monkeypatch):
        async def lacking():
            raise StorageUnavailable(database=False, journal=True)

        monkeypatch.setattr(entrance.handed_over, "_check_health", lacking)
        answer = await entrance.ask("GET", "/healthz")
        assert (answer.status, answer.data["code"], answer.data["database"]) == (503, "storage_unavailable", False)


class TestSignIn:
    async def test_a_sign_in_is_never_controls_work(self, entrance):
        kind = "Content-Type: application/json"
        for token in (None, entrance.tokens["admin"]):
            answer = await entrance.ask("POST", "/api/v1/sign-in", kind, body=sign_in_body(), token=token)
            assert answer.status == 200 and answer.data["user"]["id"] == "prison-sup"
            me = await entrance.ask("GET", "/api/v1/me", token=answer.data["token"])
            assert me.status == 200
        assert entrance.counts["handed_over"] == 2

    async def test_its_second_step_and_an_invitation_are_no_work_of_controls_either(self, entrance):
        kind = "Content-Type: application/json"
        steps = {
            "/api/v1/sign-in/factor": b'{"ticket": "AAAAAAAAAAAAAAAA", "proof": {"code": "123456"}}',
            "/api/v1/sign-in/challenge": b'{"ticket": "AAAAAAAAAAAAAAAA"}',
            "/api/v1/invitations/redeem": b'{"token": "inv_AAAAAAAA", "password": "quiet mountain river"}',
        }
        statuses = [(await entrance.ask("POST", path, kind, body=body)).status for path, body in steps.items()]
        assert statuses == [401, 401, 403] and not entrance.counts["handed_over"]

    async def test_its_body_may_be_chunked_expected_and_late(self, entrance):
        line = await entrance.connect()
        headers = ("Content-Type: application/json", "Transfer-Encoding: chunked", "Expect: 100-continue")
        line.send(request("POST", "/api/v1/sign-in", *headers))
        assert (await line.answer()).status == 100
        body = sign_in_body()
        line.send(b"%x\r\n%s\r\n" % (len(body[:9]), body[:9]))
        await asyncio.sleep(0.05)
        line.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body[9:]), body[9:]))
        answer = await line.answer()
        assert answer.status == 200, "a second 100 was sent, or the body was not whole"

    async def test_its_body_is_small(self, entrance):
        answer = await entrance.ask("POST", "/api/v1/sign-in", "Content-Length: 300000")
        assert answer.status == 413 and answer.data["code"] == "too_large"


class TestSocketsThatSignInByTheirFirstMessage:
    async def greet(self, entrance, token):
        line = await entrance.connect()
        text = json.dumps({"type": "hello", "token": token}).encode()
        masked = bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2) + b"\0\0\0\0" + text
        line.send(request("GET", "/api/v1/ws", *UPGRADE, KEY) + masked)
        assert (await line.answer()).status == 101
        return line

    async def test_bytes_behind_the_head_go_over_with_it(self, entrance):
        line = await self.greet(entrance, entrance.tokens["p1"])
        frame = await line.reader.readexactly(2)
        assert frame[0] == 0x81
        assert entrance.counts["handed_over_unknown"] == 1

    async def test_they_count_as_their_authors_once_they_have_signed_in(self, entrance):
        await self.greet(entrance, entrance.tokens["prison-sup"])
        admission = entrance.door.dispatch._admission
        await entrance.until(lambda: admission.open_of("user:prison-sup") == 1)
        assert admission.open_of("127.0.0.1") == 0

    async def test_strangers_get_a_small_number_of_them(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made, Limits(unknown_open_of_place=2)) as entrance:
            statuses = []
            for number in range(4):
                line = await entrance.connect(source=f"127.0.0.{1 + number // 3}")
                line.send(request("GET", "/api/v1/ws", *UPGRADE, KEY))
                statuses.append((await line.answer()).status)
            assert statuses == [101, 101, 429, 101]

    async def test_another_protocol_is_refused_here(self, entrance):
        answer = await entrance.ask("GET", "/api/v1/ws", *UPGRADE[:3], KEY, "Sec-WebSocket-Protocol: chat")
        assert answer.status == 400 and entrance.counts["handed_over_unknown"] == 0


class TestMetrics:
    async def test_programs_of_this_machine_read_them_within_a_budget(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made, Limits(metrics_at_once=2)) as entrance:
            answers = [await entrance.ask("GET", "/metrics") for _ in range(4)]
            assert [answer.status for answer in answers] == [200, 200, 429, 429]
            assert (await entrance.ask("GET", "/metrics", token=entrance.tokens["observer"])).status == 200

    async def test_a_proxy_of_this_machine_and_other_names_are_not_this_machine(self, entrance):
        assert (await entrance.ask("GET", "/metrics", "X-Forwarded-For: 10.1.2.3")).status == 401
        assert (await entrance.ask("GET", "/metrics", version="1.0")).status == 401
        assert entrance.counts["handed_over_unknown"] == 0

    async def test_what_ingress_counts_is_in_them(self, entrance):
        await entrance.ask("GET", "/api/v1/me")
        line = await entrance.connect()
        line.send(b"\x16\x03\x01")
        await line.ended()
        await entrance.until(lambda: entrance.context.ingress.get("refused_malformed"))
        text = (await entrance.ask("GET", "/metrics")).body.decode()
        assert 'huijian_ingress_refused_total{reason="malformed"} 1.0' in text
        assert "huijian_ingress_served_total 1.0" in text
        assert 'huijian_ingress_connections{stage="open"}' in text


class TestProxies:
    """Loopback is a trusted proxy by default (`trusted_proxies`)."""

    async def test_a_connection_of_a_proxy_is_served_for_one_request(self, entrance):
        line = await entrance.connect()
        line.send(request("GET", "/api/v1/me", "X-Forwarded-For: 10.1.2.3", token=entrance.tokens["admin"]))
        answer = await line.answer()
        assert answer.status == 200 and answer.headers["connection"] == "close"

    async def test_a_page_of_eighty_files_at_once_is_no_flood(self, tmp_path, clock, made):
        limits = Limits(user_connections=4, user_handovers_at_once=5, user_handovers_per_minute=1)
        async with running_entrance(tmp_path, clock, made, limits) as entrance:
            headers = ("X-Forwarded-For: 10.1.2.3", f"Cookie: __Host-huijian={entrance.tokens['admin']}")
            lines = [await entrance.connect() for _ in range(80)]
            for line in lines:
                line.send(request("GET", "/monitor", *headers))
            answers = await asyncio.gather(*(line.answer() for line in lines))
            assert {answer.status for answer in answers} == {200}
            assert entrance.counts["handed_over"] == 0
            assert (await entrance.ask("GET", "/api/v1/me", *headers)).status == 200

    async def test_a_socket_through_a_proxy_stays(self, entrance):
        line = await entrance.connect()
        forwarded = "X-Forwarded-For: 10.1.2.3"
        line.send(request("GET", "/api/v1/ws", *UPGRADE, KEY, forwarded, token=entrance.tokens["prison-sup"]))
        assert (await line.answer()).status == 101
        assert (await line.reader.readexactly(1)) == b"\x81"

    @pytest.mark.parametrize("header", ["X-Forwarded-For: {}", "Forwarded: for={}"])
    async def test_budgets_go_by_the_client_behind_it(self, tmp_path, clock, made, header):
        limits = Limits(arrivals_at_once=2, arrivals_per_minute=1)
        async with running_entrance(tmp_path, clock, made, limits) as entrance:
            clients = ["10.1.2.3", "10.1.2.4", "10.1.2.5", "10.9.9.9"]
            answers = [await entrance.ask("GET", "/nowhere", header.format(client)) for client in clients]
            assert [answer.status for answer in answers] == [404, 404, 429, 404]
            terminal = await entrance.ask(
                "GET", "/api/v1/me", header.format("10.1.2.6"), token=entrance.tokens["admin"]
            )
            assert terminal.status == 200, "a known sender is not behind the strangers of the same place"

    async def test_headers_of_a_client_that_is_no_proxy_do_not_count(self, tmp_path, clock, made):
        limits = Limits(arrivals_at_once=2, arrivals_per_minute=1)
        async with running_entrance(tmp_path, clock, made, limits, trusted_proxies=("10.0.0.1",)) as entrance:
            for number in range(2):
                assert (await entrance.ask("GET", "/nowhere", f"X-Forwarded-For: 10.{number}.0.1")).status == 404
            line = await entrance.connect()
            line.send(request("GET", "/nowhere", "X-Forwarded-For: 10.7.0.1"))
            assert await line.ended() == b""
            assert entrance.counts["refused_too_often"] == 1


class TestControlGoesAndComes:
    async def test_without_control_it_is_503_with_a_time_to_come_again(self, entrance):
        await entrance.stop_control()
        await entrance.until(lambda: not entrance.door.link.ready)
        answer = await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["admin"])
        assert answer.status == 503 and answer.data["code"] == "control_unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert (await entrance.ask("GET", "/healthz")).status == 503
        assert (await entrance.ask("GET", "/monitor")).status == 200
        await entrance.start_control()
        assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["admin"])).status == 200
        assert (await entrance.ask("GET", "/healthz")).status == 200

    async def test_knocking_while_control_is_away_costs_no_budget(self, tmp_path, clock, made):
        limits = Limits(terminal_handovers_at_once=2, terminal_handovers_per_minute=1)
        async with running_entrance(tmp_path, clock, made, limits) as entrance:
            await entrance.stop_control()
            await entrance.until(lambda: not entrance.door.link.ready)
            for _ in range(10):
                assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["p1"])).status == 503
            await entrance.start_control()
            assert (await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["p1"])).status == 200

    async def test_what_control_had_counts_again_for_a_new_ingress(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await entrance.connect()
            line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
            await line.answer()
            link, admission = entrance.door.link, entrance.door.dispatch._admission
            link._packets.close()  # as the end of the process does
            assert admission.open == 0
            await link.until_ready()
            await entrance.until(lambda: admission.open_of("user:admin") == 1)
            line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
            assert (await line.answer()).status == 200, "a connection did not outlive ingress"
            line.close()
            await entrance.until(lambda: admission.open == 0)
