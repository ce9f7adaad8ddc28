"""systemd hears that the terminal works only while it does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk_agent.deploy import watchdog
from kiosk_agent.deploy.watchdog import ALIVE, READY, STOPPING, Watchdog
from tests.support.patience import PATIENCE


class Systemd:
    """The socket of systemd, and the words that came; `works` is what the terminal says of itself."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))
        self.works = False
        self.looks = 0
        self._looked = asyncio.Event()

    def alive(self) -> bool:
        """Count a look, and return what the test has set."""
        self.looks += 1
        self._looked.set()
        return self.works

    async def word(self) -> str:
        """Return the next word that came."""
        async with asyncio.timeout(PATIENCE):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 100)).decode()

    async def looked(self, times: int) -> None:
        """Wait for so many further looks."""
        wanted = self.looks + times
        async with asyncio.timeout(PATIENCE):
            while self.looks < wanted:
                self._looked.clear()
                await self._looked.wait()

    def nothing(self) -> bool:
        """Whether no word is waiting."""
        try:
            self.socket.recv(100, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
async def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Systemd]:
    """A systemd that listens; looks come often."""
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.01)
    made = Systemd(tmp_path / "notify")
    yield made
    made.socket.close()


async def test_it_hears_of_a_terminal_that_works_and_nothing_of_one_that_does_not(
    systemd: Systemd, tmp_path: Path
) -> None:
    running = asyncio.create_task(Watchdog({"NOTIFY_SOCKET": str(tmp_path / "notify")}, systemd.alive).run())
    await systemd.looked(3)
    assert systemd.nothing()
    systemd.works = True
    assert [await systemd.word() for _ in range(3)] == [READY, ALIVE, ALIVE]
    systemd.works = False
    await systemd.looked(2)
    while not systemd.nothing():
        assert await systemd.word() == ALIVE
    await systemd.looked(5)
    assert systemd.nothing()
    systemd.works = True
    assert await systemd.word() == ALIVE
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    words = [await systemd.word()]
    while words[-1] == ALIVE:
        words.append(await systemd.word())
    assert words[-1] == STOPPING


async def test_without_systemd_nothing_is_sent_and_the_terminal_runs() -> None:
    await Watchdog({}, lambda: True).run()


async def test_a_socket_that_is_gone_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.01)
    looks, looked = 0, asyncio.Event()

    def alive() -> bool:
        nonlocal looks
        looks += 1
        if looks >= 5:
            looked.set()
        return True

    running = asyncio.create_task(Watchdog({"NOTIFY_SOCKET": str(tmp_path / "none")}, alive).run())
    await asyncio.wait_for(looked.wait(), PATIENCE)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
