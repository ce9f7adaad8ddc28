"""Tests of the checks of `huijian serve` before it starts a process, and of a process that does not start."""

import asyncio
import shlex
import socket
import sys

import pytest

from broker.control.capacity.machine_cost import kept
from config.settings import Settings, SettingsError
from huijian import supervisor
from huijian.admin.first_steps import first_steps
from huijian.serve import _prepare, check, children
from huijian.supervisor import Child, ProcessSupervisor
from signaling.tls.certificate import CertificateProblem
from tests.support.patience import PATIENCE


class TestCheck:
    def test_refuses_a_port_that_is_taken(self, huijian):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            answer = huijian("serve", "--port", str(port))
        assert answer.code == 1
        assert (
            answer.err.strip() == f"huijian: 地址或端口已被占用。 127.0.0.1 port {port} (TCP): Address already in use"
        )

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

    def test_refuses_to_serve_other_machines_in_the_clear(self, huijian, monkeypatch):
        monkeypatch.setenv("HUIJIAN_RELAY_HOST", "127.0.0.2,127.0.0.3")
        monkeypatch.setenv("HUIJIAN_RELAY_PUBLIC_ADDRESSES", '["10.0.0.1"]')
        answer = huijian("serve", "--host", "0.0.0.0", "--port", "0")
        assert answer.code == 2 and "tls_certificate" in answer.err and "明文" in answer.err

    async def test_refuses_a_certificate_that_cannot_be_used(self, place):
        settings = Settings.load(http_port=0, tls_certificate=place / "none.crt", tls_key=place / "none.key")
        settings.prepare()
        with pytest.raises(CertificateProblem, match=r"none\.crt"):
            await check(settings)

    def test_makes_no_certificate_outside_a_demonstration(self, huijian):
        answer = huijian("serve", "--tls", "--port", "0")
        assert answer.code == 2 and "--tls" in answer.err


class TestAnEmptyStore:
    """The person who has just started the service is told what to do next."""

    async def test_gets_the_first_steps_with_its_own_folder(self, place):
        settings = Settings.load(data_dir=place / "a folder", http_port=8470)
        settings.prepare()
        await check(settings)
        steps = await first_steps(settings)
        assert f"--data-dir '{place}/a folder'" in steps and "--policy yunnan" in steps
        assert "http://127.0.0.1:8470/monitor" in steps and "首名系统管理员" in steps

    async def test_each_step_is_accepted_as_it_stands(self, huijian, place):
        settings = Settings.load(demo=True, http_port=8470)
        settings.prepare()
        await check(settings)
        steps = [line.split("  #")[0] for line in (await first_steps(settings)).splitlines() if line.startswith("  h ")]
        assert len(steps) == 7
        for step in steps:
            answer = await asyncio.to_thread(huijian, *shlex.split(step)[1:])
            assert answer.code == 0, f"{step}: {answer.err}"

    async def test_is_told_nothing_once_a_site_is_there(self, sites, place):
        assert await first_steps(Settings.load(http_port=8470)) == ""


class TestTheCostOfASession:
    """It is measured before anything runs, and delays no start that cannot be."""

    async def test_is_there_before_the_first_process_starts(self, place):
        settings = Settings.load(http_port=0)
        settings.prepare()
        await _prepare(settings)
        found = kept(settings.data_dir)
        assert found is not None and found.cores > 0

    async def test_is_not_waited_for_where_the_service_cannot_start(self, place, monkeypatch):
        ended = asyncio.Event()

        async def measure(folder):
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        monkeypatch.setattr("huijian.serve.measure_once", measure)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            settings = Settings.load(http_port=0, relay_port=taken.getsockname()[1])
            settings.prepare()
            with pytest.raises(OSError, match="in use"):
                await _prepare(settings)
        assert ended.is_set()


class TestChildren:
    """What other users of the machine, and strangers' datagrams, may come to see of a process."""

    def test_have_no_secret_among_their_arguments(self, place):
        settings = Settings.load(database_url="postgresql+asyncpg://huijian:SECRET@127.0.0.1/huijian")
        for child in children(settings):
            assert "SECRET" not in " ".join(child.arguments)

    def test_of_the_relay_have_no_address_of_the_database(self, place):
        settings = Settings.load(database_url="postgresql+asyncpg://huijian:SECRET@127.0.0.1/huijian", relay_workers=2)
        relays = [child for child in children(settings) if child.name.startswith("relay")]
        assert len(relays) == 2 and not any("SECRET" in str(child.environment) for child in relays)

    def test_of_tls_have_no_address_of_the_database_and_come_last(self, place):
        settings = Settings.load(
            database_url="postgresql+asyncpg://huijian:SECRET@127.0.0.1/huijian",
            tls_certificate=place / "a.crt",
            tls_key=place / "a.key",
        )
        last = children(settings)[-1]
        assert last.name == "tls" and "SECRET" not in str(last)

    async def test_inherit_no_settings_of_their_parent(self, place, monkeypatch, capfd):
        monkeypatch.setenv("HUIJIAN_DATABASE_URL", "SECRET")
        monkeypatch.setenv("HUIJIAN_KEY", "SECRET")
        (place / "told.py").write_text("import os; open('told', 'w').write(repr(dict(os.environ)))")
        monkeypatch.setattr(supervisor, "TRIES", 1)
        monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
        processes = ProcessSupervisor()
        processes.start(Child("told", ("told",), {"HUIJIAN_LOG_LEVEL": "error"}))
        try:
            async with asyncio.timeout(PATIENCE):
                await processes.given_up()
        finally:
            await processes.stop()
        environment = (place / "told").read_text()
        assert "HUIJIAN_LOG_LEVEL" in environment and "SECRET" not in environment


class TestChildProcess:
    async def test_is_given_up_when_it_never_starts(self, monkeypatch):
        monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
        monkeypatch.setattr(supervisor, "TRIES", 3)
        processes = ProcessSupervisor()
        processes.start(Child("broken", ("no_such_module_here",), {}))
        try:
            async with asyncio.timeout(PATIENCE):
                assert await processes.given_up() == "broken"
        finally:
            await processes.stop()
