"""`huijian demo`: a whole visit on this machine, from the approved slot to the verified archive, with real media.

It starts the same processes as `huijian serve`, two kiosks, and four supervisors who really receive both sides. The
report at the end comes from the journal and from the receivers, not from what was intended.
"""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console

from broker.control.journal.journal import Journal
from broker.control.journal.reader import entries
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from config.logs import configure
from config.pack_loader import load_pack
from config.settings import ADDRESS_FILE, Settings
from huijian.demo.folder import demo_settings, take_folder
from huijian.demo.officers import OfficerClient, post_slot
from huijian.demo.setup import PLACES, POLICY, Credentials, revoke, set_up
from huijian.demo.story import Story, follow
from huijian.demo.visit_report import NOTHING, VisitReport, report_visit, table
from huijian.instance_lock import only_one
from huijian.options import Options
from huijian.serve import check, children
from huijian.supervisor import ProcessSupervisor
from kiosk_agent.identity import identity_file
from kiosk_agent.webrtc.receiver import ReceiverStats
from recorder.evidence.verify import verify

BROKEN = 4  # exit code when an invariant did not hold
SLOT = timedelta(minutes=3)  # length of the approved slot
STARTING, LONGEST = 30.0, 170.0  # seconds to wait for the processes, and for the whole visit


def demo(
    ctx: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Go on serving after the visit, until Ctrl-C.")] = False,
) -> None:
    """Show a whole visit on this machine, from check-in to verified archive. 演示

    Two made-up sites, two kiosks, four supervisors, a 20-second limit. Ends with the path and hash of the archived
    recording; exit code 4 if anything was not as it must be. Everything is in ./demo-data, or in the --data-dir that
    you name, which must be new, empty or of an earlier demonstration.
    """
    configure("error")
    settings = demo_settings(ctx.obj or Options())
    asyncio.run(take_folder(settings))
    port = settings.http_port if _free(settings.http_host, settings.http_port) else 0
    chosen = settings.model_copy(update={"demo": True, "http_port": port, "log_level": "error"})
    chosen.prepare()
    with only_one(chosen.data_dir) as lock:
        raise typer.Exit(asyncio.run(_demo(chosen, keep, lock)))


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def _demo(settings: Settings, keep: bool, lock: int) -> int:
    console = Console(highlight=False, soft_wrap=True)
    await check(settings)
    processes = ProcessSupervisor(lock)
    try:
        async with Store(settings.database_url, SystemClock()) as store:
            async with Journal(store.engine, SystemClock()) as journal:
                credentials = await set_up(store, journal)
            (settings.run_dir / ADDRESS_FILE).unlink(missing_ok=True)
            for child in children(settings):
                processes.start(child)
            server = await address(settings.run_dir / ADDRESS_FILE)
            report = await _visit(console, server, credentials, store, settings)
            async with Journal(store.engine, SystemClock()) as journal:
                await revoke(store, journal, credentials)
        console.print(table(report))
        for problem in report.problems:
            console.print(f"[red]✗ {problem}[/red]")
        if keep:
            await _keep(console, server)
        if report.path != NOTHING:
            console.print(f"ARCHIVED {report.path} sha256={report.sha256}")
        return BROKEN if report.problems else 0
    finally:
        await processes.stop()


async def _keep(console: Console, server: str) -> None:
    """Go on serving until Ctrl-C or SIGTERM, neither of which is a failure."""
    console.print(f"监督页面 / monitor page: {server}/monitor  (Ctrl-C)")
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()


async def address(file: Path, within: float = STARTING) -> str:
    """Wait so many seconds for the control process; return its base URL."""
    async with asyncio.timeout(within):
        while not file.exists():
            await asyncio.sleep(0.05)
    return file.read_text(encoding="ascii").strip()


async def _visit(
    console: Console, server: str, credentials: Credentials, store: Store, settings: Settings
) -> VisitReport:
    """Hold one visit and return its report."""
    async with aiohttp.ClientSession() as http:
        session = await post_slot(http, server, credentials.key, _slot())
        _introduce(console, server, credentials, session)
        officers = [
            await OfficerClient.sign_in(http, server, officer.id, officer.password) for officer in credentials.officers
        ]
        files = {side: _identity(settings, server, credentials, side) for side in Side}
        async with (
            _kiosk(files[Side.PRISON], Side.PRISON) as prison,
            _kiosk(files[Side.VISITOR], Side.VISITOR) as visitor,
        ):
            story = Story(console)
            following = asyncio.create_task(follow(http, server, officers[0].token, session, story))
            stats: list[ReceiverStats] = []
            try:
                async with asyncio.timeout(LONGEST):
                    await _act(officers, session, story, (following, prison.ended, visitor.ended))
            except (Interrupted, TimeoutError) as error:
                story.print(f"[red]演示中断 / broken off: {str(error) or 'it took too long'}[/red]")
            finally:
                for officer in officers:
                    stats += await officer.leave()
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            kiosks = {Side.PRISON: await prison.stop(), Side.VISITOR: await visitor.stop()}
    written = await entries(store.engine, session)
    verified = await asyncio.to_thread(verify, session, settings.archive_dir)
    return report_visit(written, kiosks, stats, verified, settings.archive_dir, load_pack(POLICY))


def _slot() -> dict[str, Any]:
    now = SystemClock().now().wall
    return {
        "prison_room": PLACES[Side.PRISON].room,
        "visitor_room": PLACES[Side.VISITOR].room,
        "starts_at": now.isoformat(),
        "ends_at": (now + SLOT).isoformat(),
        "minutes": 1,
        "people": [
            {"id": "demo-inmate", "side": "prison", "name": "演示服刑人员", "relation": "本人"},
            {"id": "demo-kin", "side": "visitor", "name": "演示会见人", "relation": "母亲"},
        ],
        "approved_by": "演示监狱长",
        "article": "云南 第十四条",
    }


def _introduce(console: Console, server: str, credentials: Credentials, session: str) -> None:
    officer = credentials.officers[0]
    console.print("[bold]会见演示 Huijian demo[/bold]: 真实媒体，限时 20 秒 / real media, 20-second limit")
    console.print(f"监督页面 / monitor page: [bold]{server}/monitor[/bold]  {officer.id} / {officer.password}")
    console.print(f"时段已批准 / slot approved, session {session}")


class Interrupted(Exception):
    """The visit cannot go on as the demonstration needs it; the text says why."""


async def _act(
    officers: list[OfficerClient], session: str, story: Story, required: tuple["asyncio.Task[None]", ...]
) -> None:
    """Do the officers' part, from the rooms' self-tests to the archived recording. Raises Interrupted, also when one of
    the `required` tasks has ended."""

    async def reach(event: asyncio.Event, unless: asyncio.Event | None) -> None:
        waiting = [asyncio.create_task(each.wait()) for each in (event, unless) if each is not None]
        try:
            await asyncio.wait([*waiting, *required], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if not event.is_set():
            over = unless is not None and unless.is_set()
            raise Interrupted("the visit is over" if over else "a kiosk or the server went away")

    await reach(story.both_tested, story.ended)
    await _check_in(officers, session)
    await reach(story.both_rooms, story.ended)
    for officer in officers[:3]:
        await officer.watch(session)
    await reach(story.three_watch, story.ended)
    story.print("三名管理员在看：不足两方各两名，不放行 / three supervisors watch: nothing crosses")
    await asyncio.sleep(1.0)  # time in which something could wrongly cross; the kiosks' counts would show it
    await officers[3].watch(session)
    await reach(story.ended, None)
    await reach(story.archived, story.failed)


async def _check_in(officers: list[OfficerClient], session: str) -> None:
    """Have one officer of each side check in the listed people."""
    for officer, side in ((officers[0], Side.PRISON), (officers[2], Side.VISITOR)):
        await officer.check_in(session, side)


class _Kiosk:
    """Process of one kiosk and the last line of statistics that it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.last: dict[str, Any] = {}
        self.ended = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.last = json.loads(line)

    async def stop(self) -> dict[str, Any]:
        """End the process in order; return its last statistics."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        await self.ended
        return self.last


def _identity(settings: Settings, server: str, credentials: Credentials, side: Side) -> Path:
    """Write the identity of a side's terminal into the folder of the run, in the place of that of the run before."""
    file = settings.run_dir / f"terminal-{side}.json"
    file.unlink(missing_ok=True)
    identity_file.write(file, credentials.terminals[side].identity(server))
    return file


@asynccontextmanager
async def _kiosk(identity: Path, side: Side) -> AsyncIterator[_Kiosk]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "huijian", "kiosk", "--identity", str(identity), "--source", "generated"),
        *("--headless", "--acknowledge-rules", "--stats-every", "1", "--side", side, "--log-level", "error"),
        stdout=asyncio.subprocess.PIPE,
    )
    kiosk = _Kiosk(process)
    try:
        yield kiosk
    finally:
        await kiosk.stop()
