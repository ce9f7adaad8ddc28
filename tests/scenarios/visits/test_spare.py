"""Yunnan 27(1), through real processes and real media: a spare terminal takes a room over by an approver's word while
its visit checks in, the visit goes on with it, and the recording names both terminals."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import Role
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from huijian.demo.setup import PLACES, DemoTerminal
from kiosk_agent.agent import Kiosk
from kiosk_agent.identity.keys import FileKey
from kiosk_agent.room import words
from kiosk_agent.state.events import Phase
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from tests.support.visit import visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRISON = PLACES[Side.PRISON]
PASSWORD = "a word for spares"


async def _spare(installation: Installation) -> DemoTerminal:
    """Enrol a spare of the prison by its code."""
    opened = await installation.store.open_spare_enrolment(PRISON.site, timedelta(hours=1), "command:test")
    key = FileKey.new()
    enrolled = await installation.store.enrol_by_code(opened.code, PublicKey(key.public, key.kind))
    return DemoTerminal(enrolled.terminal.id, "", key)


async def _reaches(kiosk: Kiosk, room: str, *phases: Phase) -> None:
    async with asyncio.timeout(PATIENCE):
        while kiosk.terminal.room != room or kiosk.terminal.phase not in phases:
            await asyncio.sleep(0.05)  # the state of a kiosk sets no event


async def _order(officer: OfficerClient, path: str, body: dict[str, str]) -> None:
    url, headers = f"{officer.server}/api/v1/terminals/{path}", {"Authorization": f"Bearer {officer.token}"}
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


class TestASpare:
    async def test_takes_a_room_over_in_check_in_and_the_visit_goes_on(self, installation: Installation) -> None:
        await installation.answering()
        await installation.add_officer("spare-approver", "王", Role.APPROVER, PASSWORD, PRISON.site)
        approver = await OfficerClient.sign_in(installation.http, installation.server, "spare-approver", PASSWORD)
        spare, former = await _spare(installation), installation.credentials.terminals[Side.PRISON].id
        async with installation.kiosk(Side.PRISON, terminal=spare) as standing_by:
            await _reaches(standing_by, "", Phase.WAITING)
            assert standing_by.screen().title == words.SPARE
            async with visit(installation, watching=0, arrived=False) as here:
                reason = {"reason": "主机故障"}
                await _order(approver, f"{spare.id}/assign", {"room": PRISON.room, **reason})
                await _reaches(here.kiosks[Side.PRISON], "", Phase.WAITING)
                assert here.kiosks[Side.PRISON].screen().title == words.SPARE
                await _reaches(standing_by, PRISON.room, Phase.PUBLISHING)
                await here.until(lambda view: all(view["sides"]["prison"][what] for what in ("media", "self_test")))
                here.kiosks[Side.PRISON] = standing_by
                await here.check_in()
                await here.watch(here.officers)
                await here.live()
                assert all(await asyncio.gather(*(here.sees_far_room(side) for side in Side)))
                journal = await here.journal()
                (changed,) = [data for kind, data in journal if kind == "TerminalChanged"]
                assert (changed["terminal"], changed["former"], changed["side"]) == (spare.id, former, "prison")
                await here.end()
                archived = await here.archived()
        film = Path(installation.settings.archive_dir) / archived["path"]
        written = json.loads(film.with_name("manifest.json").read_text())
        assert written["terminals"]["prison"] == [former, spare.id]
        assert written["terminals"]["visitor"] == [installation.credentials.terminals[Side.VISITOR].id]
        await _order(approver, f"{spare.id}/release", reason)
        async with installation.kiosk(Side.PRISON) as own:
            await _reaches(own, PRISON.room, Phase.WAITING)
