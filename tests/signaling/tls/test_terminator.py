"""The whole way over TLS: client, TLS process, ingress, control, and back."""

import asyncio
import json
import re
import ssl

import aiohttp
import pytest

from config.settings import Settings
from signaling.server.client_address import over_tls
from signaling.server.context import Context
from signaling.tls import terminator
from tests.support.patience import PATIENCE
from tests.support.signaling.front import PASSWORD
from tests.support.signaling.ingress import request, running_entrance
from tests.support.signaling.tls import running_tls, trusting, write_pair

DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture
async def entrance(tmp_path, clock, made):
    async with running_entrance(tmp_path, clock, made) as running:
        yield running


@pytest.fixture
async def tls(entrance, tmp_path):
    async with running_tls(entrance, tmp_path) as running:
        yield running


class TestRequests:
    async def test_a_known_sender_is_served_by_control_on_a_connection_that_stays(self, entrance, tls):
        line = await tls.connect()
        for _ in range(3):
            line.send(request("GET", "/api/v1/me", token=entrance.tokens["prison-sup"]))
            assert (await line.answer()).data["who"]["id"] == "prison-sup"
        assert entrance.counts["handed_over"] == 1 and tls.counts["done"] == 1

    async def test_a_stranger_is_answered_by_ingress_and_the_connection_ends(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", "/monitor"))
        answer = await line.answer()
        assert answer.status == 200 and b"<html" in answer.body
        assert await line.ended() == b""
        assert entrance.counts["served"] == 1

    async def test_control_knows_the_address_of_the_client_and_that_it_speaks_tls(self, entrance, tls, monkeypatch):
        seen = []
        monkeypatch.setattr(
            Context, "note_refusal", lambda self, kind, request, *rest: seen.append((request.remote, over_tls(request)))
        )
        line = await tls.connect(source="127.0.0.9")
        line.send(request("POST", "/whip/ses_x", token=entrance.tokens["prison-sup"]))
        await line.answer()
        assert seen == [("127.0.0.9", True)]

    async def test_a_sign_in_sets_a_cookie_for_tls_alone(self, tls):
        body = json.dumps({"user": "prison-sup", "password": PASSWORD}).encode()
        answer = await tls.ask("POST", "/api/v1/sign-in", "Content-Type: application/json", body=body)
        assert answer.status == 200
        assert answer.headers["set-cookie"].startswith("__Host-") and "Secure" in answer.headers["set-cookie"]

    async def test_a_large_body_comes_whole(self, entrance, tls):
        body = json.dumps({"x": "y" * 200_000}).encode()
        line = await tls.connect()
        line.send(
            request(
                "POST", "/api/v1/slots", "Content-Type: application/json", body=body, token=entrance.tokens["booking"]
            )
        )
        assert {"where": "x", "what": "extra_forbidden"} in (await line.answer()).data["errors"]

    async def test_a_websocket_works(self, entrance, tls):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(tls.files[0]))) as http:
            url = f"https://127.0.0.1:{tls.port}/api/v1/ws"
            async with http.ws_connect(url, protocols=("huijian.v1",)) as ws:
                await ws.send_json({"type": "hello", "token": entrance.tokens["prison-sup"]})
                message = await ws.receive(PATIENCE)
                assert message.type is aiohttp.WSMsgType.TEXT and "type" in message.json()

    async def test_a_client_that_says_nothing_more_gets_its_answer(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]))
        assert len((await line.answer()).body) > 100_000


class TestConnections:
    async def test_one_that_the_client_cuts_is_gone_everywhere(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        await line.answer()
        line.close()
        await entrance.until(lambda: len(entrance.handed_over) == 0 and len(tls.terminator) == 0)

    async def test_one_that_control_closes_ends_with_a_word(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", "/api/v1/me", token="usr_" + "x" * 43))
        assert (await line.answer()).status == 401
        assert await line.ended() == b""
        await entrance.until(lambda: len(tls.terminator) == 0)

    async def test_those_that_control_has_live_on_when_ingress_goes(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        await line.answer()
        entrance.door.intake.close()
        line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        assert (await line.answer()).status == 200

    async def test_without_ingress_new_ones_are_closed(self, entrance, tls):
        entrance.door.intake.close()
        line = await tls.connect()
        await line.ended()
        assert tls.counts["refused_ingress"] == 1 and len(tls.terminator) == 0

    async def test_a_damaged_record_ends_it(self, entrance, tls):
        line = await tls.connect()
        line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        await line.answer()
        line.socket._sock.send(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            await line.ended()
        await entrance.until(lambda: len(tls.terminator) == 0 and len(entrance.handed_over) == 0)


class TestSlowReaders:
    async def test_answers_that_are_not_read_are_given_up(self, entrance, tmp_path, monkeypatch):
        monkeypatch.setattr(terminator, "READING_SECONDS", 0.2)
        async with running_tls(entrance, tmp_path) as tls:
            line = await tls.connect(buffer=4096)
            line.writer.transport.pause_reading()
            line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]) * 30)
            await entrance.until(lambda: len(tls.terminator) == 0 and len(entrance.handed_over) == 0)

    async def test_one_that_reads_slowly_gets_all_of_them(self, entrance, tmp_path, monkeypatch):
        monkeypatch.setattr(terminator, "READING_SECONDS", 0.3)
        async with running_tls(entrance, tmp_path) as tls:
            line = await tls.connect(buffer=64 * 1024)
            line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]) * 10)
            for _ in range(10):
                await asyncio.sleep(0.2)  # two seconds in all, twice the patience
                assert len((await line.answer()).body) > 100_000

    async def test_no_more_is_kept_for_one_than_a_little(self, entrance, tls):
        line = await tls.connect(buffer=4096)
        line.writer.transport.pause_reading()
        line.send(request("GET", DOCUMENT, token=entrance.tokens["admin"]) * 30)
        await entrance.until(lambda: len(entrance.handed_over) == 1)
        await asyncio.sleep(0.3)
        (pump,) = tls.terminator._pumps
        assert pump._client.unsent < 512 * 1024


class TestRenewal:
    async def test_new_connections_get_the_new_certificate_and_old_ones_stay(
        self, entrance, tls, tmp_path, monkeypatch
    ):
        before = await tls.connect()
        before.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        await before.answer()
        old = before.writer.get_extra_info("ssl_object").getpeercert(True)
        write_pair(tmp_path)
        tls.watch.look()
        tls.watch.look()
        after = await tls.connect(trusting(tls.files[0]))
        assert after.writer.get_extra_info("ssl_object").getpeercert(True) != old
        before.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
        assert (await before.answer()).status == 200


class TestWhatIsTold:
    async def test_metrics_have_the_expiry_and_the_counts(self, entrance, tls):
        await tls.ask("GET", "/monitor")
        await entrance.until(lambda: entrance.context.ingress.get("tls_done", 0) >= 1)
        answer = await tls.ask("GET", "/metrics", token=entrance.tokens["observer"])
        text = answer.body.decode()
        (expires,) = re.findall(r"^huijian_tls_certificate_expires_seconds (\S+)$", text, re.MULTILINE)
        assert float(expires) == tls.watch.pair.expires.timestamp()
        assert "huijian_tls_certificate_refused 0.0" in text and 'huijian_tls_refused_total{reason="slow"} 0.0' in text

    async def test_health_warns_of_a_certificate_that_expires_soon_and_of_one_that_was_refused(
        self, entrance, tls, tmp_path
    ):
        assert (await tls.ask("GET", "/healthz")).data["warnings"] == []
        (tmp_path / "server.crt").write_bytes(b"")
        tls.watch.look()
        tls.watch.look()
        await entrance.until(lambda: entrance.context.ingress.get("tls_refused_pair") == 1)
        assert (await tls.ask("GET", "/healthz")).data["warnings"] == ["certificate_refused"]
        answer = await tls.ask("GET", "/healthz", token=entrance.tokens["observer"])
        assert answer.data["warnings"] == ["certificate_refused"]


class TestStrictTransport:
    """RFC 6797: browsers ask by TLS alone from the first answer on."""

    async def test_is_in_answers_over_tls_alone(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(Settings, "hsts_seconds", 86_400)
        async with running_entrance(tmp_path, clock, made) as entrance, running_tls(entrance, tmp_path) as tls:
            for target, token in (("/monitor", None), ("/api/v1/me", None), ("/api/v1/me", entrance.tokens["admin"])):
                answer = await tls.ask("GET", target, token=token)
                assert answer.headers["strict-transport-security"] == "max-age=86400"
                answer = await entrance.ask("GET", target, token=token)
                assert "strict-transport-security" not in answer.headers
