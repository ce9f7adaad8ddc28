"""Answers to strangers: in turns, a bounded number at once, and not kept for those who do not read them."""

import asyncio

import pytest

from signaling.ingress import anonymous_server
from signaling.ingress.admission import Limits
from tests.support.patience import PATIENCE
from tests.support.signaling.ingress import request, running_entrance

DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture
async def entrance(tmp_path, clock, made, monkeypatch):
    """A front door with one turn at a time, whose sockets send little by little."""
    monkeypatch.setattr(anonymous_server, "AT_ONCE", 1)
    monkeypatch.setattr(anonymous_server, "SEND_BUFFER", 4096)
    monkeypatch.setattr(anonymous_server, "UNREAD_SECONDS", 1.0)
    monkeypatch.setattr(anonymous_server, "READING", 8)
    async with running_entrance(tmp_path, clock, made) as running:
        yield running


class TestUnreadAnswers:
    async def test_they_hold_no_turn_and_are_given_up(self, entrance):
        silent = [await entrance.connect(source="127.0.0.9", buffer=4096) for _ in range(5)]
        for line in silent:
            line.socket.setblocking(False)
            line.writer.transport.pause_reading()
            line.send(request("GET", DOCUMENT))
        answer = await entrance.ask("GET", DOCUMENT)
        assert answer.status == 200 and len(answer.body) > 100_000
        await entrance.until(lambda: entrance.counts["refused_unread"] == 5)
        assert entrance.door.dispatch._strangers.reading == 0

    async def test_many_of_one_place_give_way_to_a_slow_reader_of_another(self, entrance, monkeypatch):
        monkeypatch.setattr(anonymous_server, "UNREAD_SECONDS", 60.0)
        slow = await entrance.connect(source="127.0.0.8", buffer=4096)
        slow.writer.transport.pause_reading()
        slow.send(request("GET", DOCUMENT))
        await entrance.until(lambda: entrance.counts["served"] == 1)
        for _ in range(20):
            line = await entrance.connect(source="127.0.0.9", buffer=4096)
            line.writer.transport.pause_reading()
            line.send(request("GET", DOCUMENT))
        await entrance.until(lambda: entrance.counts["served"] == 21)
        assert entrance.door.dispatch._strangers.reading <= 8
        slow.writer.transport.resume_reading()
        answer = await slow.answer()
        assert len(answer.body) == int(answer.headers["content-length"]) > 100_000


class TestTurns:
    async def test_a_queue_of_one_place_delays_another_by_one_turn(self, entrance, monkeypatch):
        order, server = [], entrance.door.dispatch._strangers
        began = server._run

        def noted(lane, each):
            order.append(each.place)
            began(lane, each)

        monkeypatch.setattr(server, "_run", noted)
        server.pages.at_once = 0  # until all of them wait
        flood = [await entrance.connect(source="127.0.0.9") for _ in range(30)]
        for line in flood:
            line.send(request("GET", "/nowhere"))
        await entrance.until(lambda: server.queued == 30)
        person = await entrance.connect(source="127.0.0.8")
        person.send(request("GET", "/nowhere"))
        await entrance.until(lambda: server.queued == 31)
        server.pages.at_once = 1
        assert (await person.answer()).status == 404
        assert order.index("127.0.0.8") == 1

    async def test_a_full_queue_is_503_with_a_time_to_come_again(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(anonymous_server, "QUEUE", 3)
        monkeypatch.setattr(anonymous_server, "AT_ONCE", 0)  # nothing gets a turn
        async with running_entrance(tmp_path, clock, made, Limits()) as entrance:
            lines = [await entrance.connect(source="127.0.0.9") for _ in range(5)]
            for line in lines:
                line.send(request("GET", "/nowhere"))
            await entrance.until(lambda: entrance.counts["refused_busy"] == 2)
            reading = [asyncio.create_task(line.answer()) for line in lines]
            done, waiting = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            answer = done.pop().result()
            assert answer.status == 503 and answer.data["code"] == "busy" and answer.headers["retry-after"] == "2"
            terminal = await entrance.ask("GET", "/api/v1/me", token=entrance.tokens["p1"])
            assert terminal.status == 200, "strangers' queue is not the way of known senders"

    async def test_sign_in_and_pages_do_not_wait_for_each_other(self, tmp_path, clock, made, monkeypatch):
        monkeypatch.setattr(anonymous_server, "AT_ONCE", 0)
        async with running_entrance(tmp_path, clock, made) as entrance:
            stuck = await entrance.connect()
            stuck.send(request("GET", "/monitor"))
            kind = "Content-Type: application/json"
            answer = await entrance.ask(
                "POST", "/api/v1/sign-in", kind, body=b'{"user": "x", "password": "yyyyyyyyyy"}'
            )
            assert answer.status == 401


class TestManners:
    async def test_a_body_that_was_not_needed_does_not_lose_the_answer(self, entrance):
        line = await entrance.connect()
        line.send(request("POST", "/whip/ses_x", "Content-Type: application/sdp", body=b"v=0\r\n" * 10_000))
        assert (await line.answer()).status == 401

    async def test_an_answer_in_the_old_version_and_to_head(self, entrance):
        answer = await entrance.ask("GET", "/monitor", version="1.0")
        assert (answer.status, answer.version, answer.headers["connection"]) == (200, "HTTP/1.0", "close")
        whole, head = await entrance.ask("GET", "/monitor"), await entrance.ask("HEAD", "/monitor")
        assert head.headers["content-length"] == whole.headers["content-length"] and head.body == b""

    async def test_over_ipv6(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made, host="::1") as entrance:
            line = await entrance.connect("::1")
            line.send(request("GET", "/api/v1/me", token=entrance.tokens["admin"]))
            assert (await line.answer()).status == 200
            stranger = await entrance.connect("::1")
            stranger.send(request("GET", "/nowhere"))
            assert (await stranger.answer()).status == 404

    async def test_what_runs_at_the_end_is_ended(self, tmp_path, clock, made):
        async with running_entrance(tmp_path, clock, made) as entrance:
            line = await entrance.connect()
            line.send(b"GET /")
            await entrance.until(lambda: len(entrance.door.dispatch.reader) == 1)
        assert await asyncio.wait_for(line.ended(), PATIENCE) == b""
