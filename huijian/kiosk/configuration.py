"""`huijian kiosk config`: the settings of a terminal as they apply, and a check of all that they name. The options of
the other commands are laid over the same file."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from config import private_files
from huijian.errors import FOUND
from huijian.output import Json, say, say_all
from kiosk_agent.identity import identity_file
from kiosk_agent.identity.identity_file import IdentityError
from kiosk_agent.identity.keys import KeyUnusable
from kiosk_agent.room.chromium import NoBrowser, find_browser
from kiosk_agent.settings import DEFAULT_FILE, KioskSettings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help=f"Settings of this terminal; default {DEFAULT_FILE}, where it is there.")
]


def chosen(file: Path | None, options: Mapping[str, Any]) -> KioskSettings:
    """Return the settings in the file with the options over them, where they were given. Raises KioskSettingsError."""
    settings = KioskSettings.load(file)
    return settings.model_copy(update={name: value for name, value in options.items() if value is not None})


class Finding(NamedTuple):
    """Result of one check: what was looked at, whether it is good, and what to do where it is not."""

    what: str
    good: bool
    todo: str = ""


def config(
    file: Annotated[Path | None, typer.Argument(help=f"The file; default {DEFAULT_FILE}.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Look whether all that it names is there and usable.")] = False,
    json: Json = False,
) -> None:
    """Show the settings of this terminal, or check them. 查看或检查终端设置

    With --check the exit code is 4 where something is missing; nothing is changed.
    """
    settings = KioskSettings.load(file)
    if not check:
        say(settings.model_dump(mode="json"), json)
        return
    found = list(findings(settings))
    say_all([finding._asdict() for finding in found], json)
    if not all(finding.good for finding in found):
        raise typer.Exit(FOUND)


def findings(settings: KioskSettings) -> Iterator[Finding]:
    """Yield what is good and what is missing of what the settings name."""
    yield _identity(settings)
    if not settings.headless:
        yield _browser(settings.chromium)
    for name, folder in (("state_dir", settings.state_dir), ("log_dir", settings.logs)):
        if folder is not None:
            yield _folder(name, folder)
    if settings.pin is not None and not settings.headless:
        there = settings.pin.is_file()
        yield Finding("pin_file", there, "" if there else "set one by `huijian kiosk pin`. 请执行 huijian kiosk pin。")


def _identity(settings: KioskSettings) -> Finding:
    file = settings.identity_file
    if file is None:
        return Finding("identity", False, "name it, or a state_dir. 请写明 identity 或 state_dir。")
    try:
        mine = identity_file.read(file)
    except (IdentityError, KeyUnusable, private_files.NotPrivate) as error:
        return Finding("identity", False, str(error))
    same = settings.server in (None, mine.server)
    return Finding(
        "identity", same, "" if same else "`server` is another than it was enrolled at. 与登记的服务器不同。"
    )


def _browser(program: str | None) -> Finding:
    try:
        find_browser(program)
    except NoBrowser as error:
        return Finding("chromium", False, str(error))
    return Finding("chromium", True)


def _folder(name: str, folder: Path) -> Finding:
    """Return whether the folder can be written to, or be made where it is not there yet."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    good = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    todo = f"{nearest} cannot be written to by this user: chown it. 当前用户无法写入 {nearest}，请更改属主。"
    return Finding(name, good, "" if good else todo)
