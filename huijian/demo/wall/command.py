"""`huijian wall`: a service with visits that go on, to look at the supervisors' page and to try everything on it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from broker.control.journal.journal import Journal
from broker.control.store.records import Role
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.errors import VisitError
from broker.kernel.tasks import Tasks
from config.logs import configure
from config.settings import ADDRESS_FILE, Settings
from huijian.demo.demo import address
from huijian.demo.folder import demo_settings, take_folder
from huijian.demo.wall.cast import cast
from huijian.demo.wall.places import MOST, Account, easy_password, enter, leave, write_pack
from huijian.demo.wall.trouble import Trouble
from huijian.demo.wall.visits import EndlessVisits
from huijian.instance_lock import only_one
from huijian.options import Options
from huijian.serve import check, children
from huijian.supervisor import NotRunning, ProcessSupervisor

PORT = 8480
LENGTH = 30
"""Minutes of a visit, the pack's limit."""
STARTING = 120.0  # seconds in which the service has to start, also on a busy machine
BYTES = 40_000  # a second of a recording of these small pictures: what is set aside for one
PAGES = {
    Role.SUPERVISOR: ("monitor", "account"),
    Role.APPROVER: ("monitor", "terminals", "audit"),
    Role.CLERK: ("account",),  # whose work is done over the API
    Role.AUDITOR: ("audit",),
    Role.PROCURATOR: ("audit",),
    Role.ADMIN: ("admin", "terminals", "account"),
}
"""The pages that each role is shown."""
HELP = "room 3 · quorum 3 · warning 3 · alerts · calm · help"


class Mishap(StrEnum):
    """What goes wrong by itself once all visits are live."""

    ROOM = "room"
    QUORUM = "quorum"
    WARNING = "warning"
    ALERTS = "alerts"


def wall(
    ctx: typer.Context,
    visits: Annotated[int, typer.Option(min=1, max=MOST, help="How many visits go on at the same time.")] = 4,
    yours: Annotated[
        int, typer.Option(min=0, max=2, help="Visits that need you: the prison's second officer is left to you.")
    ] = 0,
    minutes: Annotated[int, typer.Option(min=1, max=LENGTH, help="Length of a visit.")] = LENGTH,
    trouble: Annotated[
        list[Mishap] | None, typer.Option(help="What goes wrong once all visits are live; may be repeated.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the pages; 0 is any free one.")] = PORT,
) -> None:
    """Show a wall of live visits that go on until Ctrl-C, to try the pages. 监看墙演示

    Made-up sites, rooms that send, and the other officers; one account of each role, with one easy password for all.
    While it runs, type what shall go wrong: room 3, quorum 3, warning 3, alerts, calm. Everything is in ./demo-data.
    """
    configure("error")
    settings = demo_settings(ctx.obj or Options())
    asyncio.run(take_folder(settings))
    small = {"view_jobs": 0, "session_bytes_per_second": BYTES}
    chosen = settings.model_copy(update={"demo": True, "http_port": port, "log_level": "error", **small})
    chosen.prepare()
    with only_one(chosen.data_dir) as lock:
        asyncio.run(_wall(chosen, lock, visits, yours, minutes, trouble or []))


async def _wall(
    settings: Settings, lock: int, visits: int, yours: int, minutes: int, trouble: Sequence[Mishap]
) -> None:
    await check(settings)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"准备 {visits} 场会见 / preparing {visits} visits …")
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    password = easy_password()
    pack = write_pack(settings.data_dir)
    async with Store(settings.database_url, SystemClock()) as store:
        async with Journal(store.engine, SystemClock()) as journal:
            entered = await enter(store, journal, pack, visits, password)
        try:
            async with _service(settings, lock) as server:
                console.print(_table(server, entered.people))
                async with cast(server, entered, yours, minutes) as held:
                    await _play(console, held, trouble, stopping)
        finally:
            async with Journal(store.engine, SystemClock()) as journal:
                await leave(store, journal, entered)


async def _listening(settings: Settings, processes: ProcessSupervisor) -> str:
    """Wait until the service listens, and return its base URL. Raises NotRunning where a part of it does not start."""
    found = asyncio.create_task(address(settings.run_dir / ADDRESS_FILE, STARTING))
    broken = asyncio.create_task(processes.given_up())
    await asyncio.wait((found, broken), return_when=asyncio.FIRST_COMPLETED)
    broken.cancel()
    if not found.done() or found.exception() is not None:
        found.cancel()
        raise NotRunning("the service does not start; try again later. 服务未能启动，请稍后再试。")
    return found.result()


@asynccontextmanager
async def _service(settings: Settings, lock: int) -> AsyncIterator[str]:
    """Run the processes of the service; yield its base URL."""
    processes = ProcessSupervisor(lock)
    (settings.run_dir / ADDRESS_FILE).unlink(missing_ok=True)
    try:
        for child in children(settings):
            processes.start(child)
        yield await _listening(settings, processes)
    finally:
        await processes.stop()


async def _play(
    console: Console, visits: list[EndlessVisits], mishaps: Sequence[Mishap], stopping: asyncio.Event
) -> None:
    """Let trouble come by itself and by what is typed, until the wall is stopped."""
    tasks, trouble = Tasks(), Trouble(visits)
    try:
        tasks.spawn(_go_wrong(console, visits, mishaps, trouble))
        with _typed(lambda line: tasks.spawn(_obey(console, trouble, line, len(visits)))):
            await stopping.wait()
    finally:
        await tasks.close()


async def _go_wrong(console: Console, visits: list[EndlessVisits], mishaps: Sequence[Mishap], trouble: Trouble) -> None:
    for visit in visits:
        await visit.until("live")
    are = "visit is" if len(visits) == 1 else "visits are"
    console.print(f"{len(visits)} 场会见正在进行 / {len(visits)} {are} live")
    for turn, mishap in enumerate(mishaps):
        await _obey(console, trouble, f"{mishap} {turn % len(visits) + 1}", len(visits))


async def _obey(console: Console, trouble: Trouble, line: str, visits: int) -> None:
    """Do what a typed line says, or say what can be typed."""
    word, _, number = line.strip().partition(" ")
    chosen = int(number) if number.isdecimal() else 1
    if word not in trouble.words or not 1 <= chosen <= visits:
        console.print(HELP)
        return
    try:
        await trouble.words[word](chosen)
    except VisitError as error:
        console.print(f"{error.detail_zh} {error.detail_en}")
    else:
        console.print(f"✓ {word}{f' {chosen}' if number else ''}")


@contextmanager
def _typed(take: Callable[[str], object]) -> Iterator[None]:
    """Have `take` get each line that is typed, where a person sits at a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()

    def read() -> None:
        line = sys.stdin.readline()
        if line:
            take(line)
        else:  # the terminal is gone
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, read)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


def _table(server: str, people: Sequence[Account]) -> Table:
    """Return who signs in where, with which password."""
    out = Table(title=f"密码 / password: [bold]{people[0].password}[/bold]", title_justify="left")
    for head in ("用户名 user", "是 is", "页面 page"):
        out.add_column(head)
    for account in people:
        pages = " ".join(f"{server}/{page}" for page in PAGES[account.role])
        out.add_row(account.id, f"{account.name} {account.role}", pages)
    out.caption = f"Ctrl-C 结束 / ends · {HELP}" if sys.stdin.isatty() else "Ctrl-C 结束 / ends"
    return out
