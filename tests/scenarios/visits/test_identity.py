"""Yunnan 27(1), through real processes: a terminal is enrolled by its command; one whose key was copied is found, both
are refused until an administrator decides, and the journal tells of it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.control.journal.reader import entries
from broker.control.store.records import TerminalState
from broker.kernel.errors import TerminalConflict
from broker.kernel.ids import Side
from kiosk_agent.agent import Kiosk
from kiosk_agent.identity.sign_in import TerminalCredential
from kiosk_agent.state.events import Phase
from tests.support.installation import Installation
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _journal(installation: Installation, kind: str, terminal: str) -> list[dict[str, Any]]:
    """Return the entries of a kind by a terminal once there is one: they are written in the background."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await entries(installation.store.engine, limit=100_000)
            mine = [json.loads(e.data) for e in found if e.kind == kind and e.author == f"terminal:{terminal}"]
            if mine:
                return mine
            await asyncio.sleep(0.05)


async def _reaches(kiosk: Kiosk, phase: Phase) -> None:
    async with asyncio.timeout(PATIENCE):
        while kiosk.terminal.phase is not phase:
            await asyncio.sleep(0.02)  # the state of a kiosk sets no event


async def _is(installation: Installation, terminal: str, state: TerminalState) -> None:
    async with asyncio.timeout(PATIENCE):
        while (found := await installation.store.terminal(terminal)) is None or found.state is not state:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _room(installation: Installation, name: str) -> AsyncIterator[str]:
    """Give a room of its own, which no other test uses."""
    await installation.answering()
    await installation.store.add_room(name, "demo-prison", name)
    yield name


class TestEnrolment:
    async def test_of_a_command_on_the_terminal_gives_an_identity_that_is_welcome(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        async with _room(installation, "enrolled-1") as room:
            opened = await installation.store.open_enrolment(room, timedelta(hours=1), "command:test")
            code, identity = tmp_path / "code", tmp_path / "terminal.json"
            code.touch(0o600)
            code.write_text(opened.code)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "huijian", "kiosk", "enrol", "--server", installation.server),
                *("--identity", str(identity), "--code-file", str(code), "--json"),
                stdout=asyncio.subprocess.PIPE,
                env=os.environ,
            )
            out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
            answer = json.loads(out)
            assert (answer["room"], answer["key"]) == (room, "file") and process.returncode == 0
            assert identity.stat().st_mode & 0o777 == 0o600
            (entry,) = await _journal(installation, "TerminalEnrolled", answer["terminal"])
            assert entry["room"] == room


class TestCopiedKeys:
    async def test_two_kiosks_with_one_key_are_both_refused_until_an_administrator_decides(
        self, installation: Installation
    ) -> None:
        await installation.answering()
        terminal = installation.credentials.terminals[Side.VISITOR].id
        async with installation.kiosk(Side.VISITOR) as first:
            await _reaches(first, Phase.WAITING)
            async with installation.kiosk(Side.VISITOR) as second:
                await _is(installation, terminal, TerminalState.CONFLICTED)
                await _reaches(first, Phase.OFFLINE)
                assert second.terminal.phase is Phase.OFFLINE
        (entry, *_) = await _journal(installation, "TerminalConflict", terminal)
        assert len(entry["instances"]) == 2
        identity = installation.credentials.terminals[Side.VISITOR].identity(installation.server)
        async with aiohttp.ClientSession() as http:
            with pytest.raises(TerminalConflict):
                await TerminalCredential(http, installation.server, identity).sign_in()
        await _journal(installation, "TerminalRefused", terminal)
        await installation.store.readmit_terminal(installation.credentials.terminals[Side.VISITOR].room)
        async with installation.kiosk(Side.VISITOR) as again:
            await _reaches(again, Phase.WAITING)


class TestNoFalseAlarm:
    async def test_restarts_of_kiosk_ingress_and_control_are_no_second_place(self, installation: Installation) -> None:
        await installation.answering()
        terminal = installation.credentials.terminals[Side.VISITOR].id
        for _ in range(3):
            async with installation.kiosk(Side.VISITOR) as kiosk:
                await _reaches(kiosk, Phase.WAITING)
        async with installation.kiosk(Side.VISITOR) as kiosk:
            await _reaches(kiosk, Phase.WAITING)
            installation.kill("control")
            await _reaches(kiosk, Phase.OFFLINE)
            await _reaches(kiosk, Phase.WAITING)
        found = await installation.store.terminal(terminal)
        assert found is not None and found.state is TerminalState.ACTIVE
