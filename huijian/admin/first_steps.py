"""What to do next on an empty store, for the person who has just started the service for the first time."""

import shlex
import sys
from pathlib import Path

from broker.control.store.store import Store
from config.settings import Settings

STEPS = """\
这里还没有单位和账号。请另开一个终端，依次执行：
Nothing is entered here yet. In another terminal, run one after another:

  alias h="{huijian}"
  h admin sites add first-prison --kind prison --name 第一监狱 --policy {policy}{demo}
  h admin sites add first-bureau --kind bureau --name 县司法局 --policy {policy}{demo}
  h admin rooms add first-prison-1 --site first-prison --name 一号会见室
  h admin rooms add first-bureau-1 --site first-bureau --name 视频会见室
  h admin users add gao --name 高 --role admin --generate            # 首名系统管理员 the first administrator
  h admin users add li --name 李 --role supervisor --site first-prison --generate
  h admin terminals enrol first-prison-1                           # 终端的登记码 a terminal's code

然后打开 then open: {url}/monitor (li), {url}/terminals (gao)
想先看它怎样工作 to see it at work first: make wall
"""
"""The commands that make a store of use: two sites, a room of each, the first administrator, a supervisor, and the code
by which a terminal is enrolled. Each is accepted as it stands; a demonstration's sites need the rules and the option of
demonstrations."""


async def first_steps(settings: Settings) -> str:
    """Return what to do next, in both languages; empty where sites or accounts have been entered."""
    async with Store(settings.database_url) as store:
        if await store.sites() or await store.users():
            return ""
    command = f"{_program()} --data-dir {shlex.quote(str(settings.data_dir))}"
    policy, demo = ("demo", " --demo") if settings.demo else ("yunnan", "")
    return STEPS.format(huijian=command, policy=policy, demo=demo, url=_pages(settings))


def _program() -> str:
    """Return the command as it was typed."""
    typed = Path(sys.argv[0])
    return "python -m huijian" if typed.name == "__main__.py" else shlex.quote(sys.argv[0])


def _pages(settings: Settings) -> str:
    """Return the address of the pages on this machine."""
    host = settings.http_host if settings.on_loopback else "127.0.0.1"
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
