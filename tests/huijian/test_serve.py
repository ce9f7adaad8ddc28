"""Tests of the checks of `huijian serve` before it starts a process, and of a process that does not start."""

import asyncio
import socket
import sys

import pytest

from config.settings import Settings, SettingsError
from huijian import supervisor
from huijian.serve import check
from huijian.supervisor import Child, ProcessSupervisor


class TestCheck:
    def test_refuses_a_port_that_is_taken(self, huijian):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            answer = huijian("serve", "--port", str(port))
        assert answer.code == 1
        assert answer.err.strip() == f"huijian: 127.0.0.1 port {port} (TCP): Address already in use"

    async def test_refuses_a_relay_port_that_is_taken(self, place):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            settings = Settings.load(http_port=0, relay_port=taken.getsockname()[1])
            settings.prepare()
            with pytest.raises(OSError, match="in use"):
                await check(settings)

    async def test_refuses_a_site_of_the_demonstration_without_demo(self, place):
        settings = Settings.load(http_port=0)
        settings.prepare()
        await check(settings)
        add = ("-m", "huijian", "admin", "sites", "add", "a", "--kind", "prison", "--name", "n", "--policy", "demo")
        process = await asyncio.create_subprocess_exec(
            sys.executable, *add, "--demo", stdout=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
        with pytest.raises(SettingsError, match="--demo"):
            await check(settings)
        await check(settings.model_copy(update={"demo": True}))


class TestChildProcess:
    async def test_is_given_up_when_it_never_starts(self, monkeypatch):
        monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
        monkeypatch.setattr(supervisor, "TRIES", 3)
        processes = ProcessSupervisor()
        processes.start(Child("broken", ("no_such_module_here",), {}))
        try:
            async with asyncio.timeout(30):
                assert await processes.given_up() == "broken"
        finally:
            await processes.stop()
