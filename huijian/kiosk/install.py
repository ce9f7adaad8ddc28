"""`huijian kiosk install`: writes the files that make this machine a terminal. Without --apply it only says what it
would write; what is there and right is left alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from broker.kernel.errors import Forbidden
from huijian.output import Json, say_all, warn
from huijian.streams import took_effect
from kiosk_agent.deploy.installation import AFTERWARDS, PROGRAMS, apply, plan

NEXT = """Next, as root. 接下来以 root 执行：
  1. edit /etc/huijian/kiosk.toml (server) 填写服务器地址
  2. install -d -o huijian-kiosk -g huijian-kiosk -m 0700 /var/lib/huijian-kiosk
  3. runuser -u huijian-kiosk -- {program} kiosk enrol
  4. runuser -u huijian-kiosk -- {program} kiosk pin
  5. runuser -u huijian-kiosk -- {program} kiosk config --check
  6. systemctl enable --now huijian-kiosk"""


def install(
    apply_now: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Write the files; without it, only say which.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Folder that stands for /, e.g. of an image.")] = Path("/"),
    json: Json = False,
) -> None:
    """Make this machine the terminal of a room: unit, user, policies, sample settings. 安装终端

    A kiosk.toml that is there is never changed. --apply into / needs root.
    """
    program = _program()
    planned = plan(root, program)
    if apply_now:
        if root == Path("/") and os.geteuid() != 0:
            raise Forbidden("Only root writes to /: use sudo, or --root.", "只有 root 可写入 /：请用 sudo 或 --root。")
        apply(planned)
        took_effect()
    rows = [(str(file.path), file.step.value, apply_now and file.writes) for file in planned]
    say_all([dict(zip(("file", "step", "written"), row, strict=True)) for row in rows], json)
    if apply_now and root == Path("/"):
        _run(AFTERWARDS)
        _look_for(PROGRAMS)
    if not json:
        print(NEXT.format(program=program))


def _program() -> str:
    """Return the path of `huijian` as it was started, for the unit."""
    found = shutil.which(sys.argv[0]) or shutil.which("huijian")
    beside = Path(sys.executable).with_name("huijian")
    return str(beside if beside.exists() else Path(found or beside).resolve())


def _look_for(programs: Mapping[str, str]) -> None:
    """Name the packages of programs that are missing."""
    missing = " ".join(package for program, package in programs.items() if shutil.which(program) is None)
    if missing:
        warn(f"missing on this machine: apt-get install {missing}. 本机缺少软件，请安装。")


def _run(commands: Sequence[Sequence[str]]) -> None:
    """Run the commands that there are here; one that fails is told and the others go on."""
    for command in commands:
        if shutil.which(command[0]) is None:
            warn(f"{' '.join(command)}: not on this machine; run it there. 本机没有该命令。")
        elif subprocess.run(command, check=False).returncode:
            warn(f"{' '.join(command)} failed: run it again. 执行失败，请重试。")
