"""The process that listens dies, and the one behind it, and crowds come: what was open lives on, and known senders get
in."""

import asyncio
import os
import socket
from urllib.parse import urlsplit

import aiohttp
import pytest

from broker.kernel.ids import Side
from tests.support.installation import Installation
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

CROWD = 3000


async def _socket(installation: Installation, token: str) -> aiohttp.ClientWebSocketResponse:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{installation.server}/api/v1/ws"
    socket = await installation.http.ws_connect(url, headers=headers, protocols=["huijian.v1"])
    assert (await asyncio.wait_for(socket.receive_json(), PATIENCE))["type"] == "welcome"
    return socket


async def _me(installation: Installation, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    async with installation.http.get(f"{installation.server}/api/v1/me", headers=headers) as answer:
        return answer.status


async def _restarted(installation: Installation, name: str) -> None:
    before = installation.pid(name)
    installation.kill(name)
    async with asyncio.timeout(PATIENCE):
        while installation.processes.pids().get(name, before) == before:
            await asyncio.sleep(0.02)


class TestRestarts:
    async def test_a_socket_outlives_the_ingress_process(self, installation: Installation) -> None:
        await installation.answering()
        token = await installation.terminal_token(Side.PRISON)
        socket = await _socket(installation, token)
        (installation.settings.run_dir / "http.url").unlink()
        await _restarted(installation, "ingress")
        await installation.answering()
        assert await _me(installation, token) == 200
        await socket.ping()
        await socket.send_str("{}")  # no message of the protocol: control answers that
        async with asyncio.timeout(PATIENCE):
            while (await socket.receive_json())["type"] != "error":
                continue
        await socket.close()

    async def test_while_control_is_away_strangers_are_answered_and_known_senders_told_to_wait(
        self, installation: Installation
    ) -> None:
        await installation.answering()
        token = await installation.terminal_token(Side.PRISON)
        server, pid = installation.server, installation.pid("ingress")
        await _restarted(installation, "control")
        statuses = set()
        async with asyncio.timeout(PATIENCE):
            while 200 not in statuses:
                statuses.add(await _me(installation, token))
                async with installation.http.get(f"{server}/monitor") as page:
                    assert page.status == 200
        assert statuses == {200, 503}
        assert (installation.server, installation.pid("ingress")) == (server, pid)


class TestCrowds:
    async def test_thousands_of_silent_connections_keep_no_kiosk_out(self, installation: Installation) -> None:
        await installation.answering()
        token = await installation.terminal_token(Side.PRISON)
        address = urlsplit(installation.server)
        crowd: list[socket.socket] = []
        try:
            for number in range(CROWD):
                silent = socket.socket()
                crowd.append(silent)
                silent.setblocking(False)
                silent.connect_ex((address.hostname or "", address.port or 0))
                if number % 100 == 0:
                    await asyncio.sleep(0.01)
            for _ in range(5):
                assert await _me(installation, token) == 200
            kiosk = await _socket(installation, token)
            descriptors = len(os.listdir(f"/proc/{installation.pid('ingress')}/fd"))
            assert descriptors < 1500, "the ingress process keeps them all"
            assert len(os.listdir(f"/proc/{installation.pid('control')}/fd")) < 200
            await kiosk.close()
        finally:
            for silent in crowd:
                silent.close()
