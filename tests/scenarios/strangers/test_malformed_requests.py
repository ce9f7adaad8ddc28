"""A real service under malformed requests of strangers and of persons it knows: every answer is a refusal in the form
of all others, and what the service logs meanwhile holds none of it."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from config.settings import ADDRESS_FILE, Settings
from huijian.demo.setup import set_up
from signaling.server.pages import HEADERS
from tests.support.http import malformed
from tests.support.patience import PATIENCE
from tests.support.terminals import signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 50
MOST_LOG = 64 * 1024  # bytes for thousands of malformed requests; each had a kilobyte of traceback before
STATUSES = {400, 401, 403, 404, 405, 408, 413, 415, 417, 426, 429, 431, 501, 503}


@dataclass
class Service:
    """A running service: where it listens, what it logs, and the tokens of a person and a terminal."""

    port: int
    log: Path
    officer: str = ""
    terminal: str = ""

    async def ask(self, data, seconds=1.5):
        """Return the answers to these bytes."""
        return await malformed.ask("127.0.0.1", self.port, data, seconds)

    async def ask_all(self, requests, seconds=1.5):
        """Return each request with its answers, empty where none has come until then."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def turn(data):
            async with turns:
                return data, await self.ask(data, seconds)

        return await asyncio.gather(*map(turn, requests))


@asynccontextmanager
async def running(folder):
    """Run `huijian serve` with the places and people of the demonstration, its output in a file."""
    environ = {**os.environ, "HUIJIAN_RELAY_WORKERS": "1", "HUIJIAN_DISK_RESERVE_BYTES": "0"}
    settings = Settings.load(data_dir=folder / "data", http_port=0, demo=True)
    settings.prepare()
    await migrate(settings.database_url)
    async with Store(settings.database_url, SystemClock()) as store, Journal(store.engine, SystemClock()) as journal:
        people = await set_up(store, journal)
        terminal = await signed_in(store, people.terminals[Side.PRISON].id)
    command = ("-m", "huijian", "--data-dir", str(settings.data_dir), "serve", "--port", "0", "--demo")
    log = folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=output, stderr=output, env=environ
        )
    try:
        address = settings.run_dir / ADDRESS_FILE
        async with asyncio.timeout(PATIENCE):
            while not address.exists():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.1)  # another process sets no event in this one
        service = Service(int(address.read_text().strip().rpartition(":")[2]), log)
        service.terminal = terminal
        account = people.officers[0]
        async with aiohttp.ClientSession() as http:
            body = {"user": account.id, "password": account.password}
            async with http.post(f"http://127.0.0.1:{service.port}/api/v1/sign-in", json=body) as answer:
                service.officer = (await answer.json())["token"]
        yield service
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory):
    """The service for all tests of this module; what it has logged is looked at after the last of them."""
    folder = tmp_path_factory.mktemp("m")
    async with running(folder) as started:
        yield started
        secrets = (started.officer, started.terminal)
    check_log(started.log.read_bytes(), secrets)


def check_log(log, secrets):
    """Check that a log holds nothing of what was sent, no traceback, and not much."""
    text = log.decode("utf-8", "surrogateescape")
    found = [canary for canary in (*malformed.CANARIES, *secrets) if canary.lower() in text.lower()]
    assert found == [], text[-4000:]
    assert "Traceback" not in text and "HTTP/1" not in text
    assert all(line.startswith("timestamp='20") for line in text.splitlines()), text[-4000:]
    assert "event='incident'" not in text and "ended by an error" not in text, text[-4000:]
    assert len(log) < MOST_LOG, text[-4000:]


def from_elsewhere(requests):
    """Give each request an address of its own, as a proxy would: limits by address would refuse most of them unread."""
    for number, data in enumerate(requests):
        place = f"X-Forwarded-For: 198.{number // 256}.{number % 256}.1\r\n".encode()
        data = data.replace(f"X-Forwarded-For: {malformed.ADDRESS}\r\n".encode(), b"")
        yield data.replace(malformed.HOST, malformed.HOST + place, 1)


def parts(answer):
    """Return status, headers and body of an answer; an interim one before it is left out."""
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (header.partition(": ") for header in rest)}
    return int(line.split(" ")[1]), headers, body


def check_refusal(data, answer):
    """Check one answer: a refusal in the form of all others, and nothing of the request in it."""
    status, headers, body = parts(answer)
    about = data[:200], answer[:300]
    assert "server" not in headers and b"aiohttp" not in answer.lower() and b"python" not in answer.lower(), about
    if status < 400:
        return status
    assert status in STATUSES, about
    assert headers["content-type"].startswith("application/problem+json"), about
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items(), about
    if body and not data.startswith(b"HEAD"):
        problem = json.loads(body)
        assert problem["status"] == status and problem["title"] and problem["title_en"], about
    assert not any(canary.encode().lower() in answer.lower() for canary in malformed.CANARIES), about
    return status


class TestStrangers:
    @pytest.mark.parametrize("secrets", [malformed.SECRETS, b""], ids=["with a token", "without"])
    async def test_get_a_refusal_for_each_malformed_request_and_never_a_500(self, service, secrets):
        answered = await service.ask_all(from_elsewhere(malformed.requests(secrets)))
        statuses = [check_refusal(data, answer) for data, answer in answered if answer]
        late = await service.ask_all([data for data, answer in answered if not answer], PATIENCE / 2)
        statuses += [check_refusal(data, answer) for data, answer in late if answer]
        silent = [data for data, answer in late if not answer]
        assert len(statuses) > 500 and statuses.count(400) > 200
        assert len(silent) < 15, silent  # what waits for the rest of a request

    async def test_get_a_refusal_also_for_what_a_proxy_does_not_say(self, service):
        for data, answer in await service.ask_all(list(malformed.requests())[::7]):
            if answer:
                check_refusal(data, answer)

    async def test_a_request_that_breaks_off_is_told_so_in_time(self, service):
        answer = await service.ask(b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{", PATIENCE)
        assert check_refusal(b"", answer) == 408

    async def test_broken_frames_close_the_socket(self, service):
        upgrade = b"GET /api/v1/ws HTTP/1.1\r\n" + malformed.HOST + malformed.WS + malformed.KEY + b"\r\n"
        await service.ask_all(from_elsewhere(upgrade + frame for frame in malformed.frames()))


class TestPersonsTheServiceKnows:
    """Their connections reach the process that renews leases."""

    async def test_get_a_refusal_as_the_first_answer(self, service):
        for token in (service.officer, service.terminal):
            headers = malformed.SECRETS.replace(malformed.TOKEN.encode(), token.encode())
            some = list(malformed.requests(headers))[:: 5 if token == service.officer else 40]
            for data, answer in await service.ask_all(some):
                if answer:
                    check_refusal(data, answer)

    async def test_get_a_refusal_as_a_later_answer(self, service):
        token = service.officer.encode()
        good = b"GET /api/v1/me HTTP/1.1\r\n" + malformed.HOST + b"Authorization: Bearer " + token + b"\r\n\r\n"
        headers = malformed.SECRETS.replace(malformed.TOKEN.encode(), token)
        checked = 0
        for data in list(malformed.requests(headers))[::5]:
            answer = await malformed.ask("127.0.0.1", service.port, data, 0.3, good)
            if answer:
                check_refusal(data, answer)
                checked += 1
        assert checked > 50

    async def test_broken_frames_close_the_socket(self, service):
        signed_in = b"Authorization: Bearer " + service.terminal.encode() + b"\r\n"
        upgrade = b"GET /api/v1/ws HTTP/1.1\r\n" + malformed.HOST + signed_in + malformed.WS + malformed.KEY + b"\r\n"
        closed = 0
        for frame in malformed.frames():
            answer = await service.ask(upgrade + frame, 0.5)
            closed += b"\x88" in answer.partition(b"\r\n\r\n")[2]
        assert closed > 20


class TestAfterIt:
    async def test_the_service_answers_as_before(self, service):
        async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE):
            headers = {"Authorization": f"Bearer {service.officer}"}
            while True:  # the person's own allowance may be used up for a moment
                async with http.get(f"http://127.0.0.1:{service.port}/api/v1/me", headers=headers) as answer:
                    if answer.status == 200:
                        return
                    assert answer.status == 429
                await asyncio.sleep(0.5)
