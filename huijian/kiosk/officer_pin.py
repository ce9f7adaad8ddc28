"""`huijian kiosk pin`: sets the PIN of the officer's screen of this terminal. It is typed twice, or read from a file;
never an option, which a list of processes would show."""

from pathlib import Path
from typing import Annotated

import typer

from config import private_files
from huijian.kiosk.configuration import ConfigOption
from huijian.output import Json, say
from huijian.streams import decoded, took_effect
from kiosk_agent.officer import pin as officer_pin
from kiosk_agent.officer.pin import WeakPin
from kiosk_agent.settings import KioskSettings


def pin(
    pin_file: Annotated[
        Path | None, typer.Option(help="File for the hash of the PIN, mode 0600; default as in kiosk.toml.")
    ] = None,
    from_file: Annotated[Path | None, typer.Option(help="File with the new PIN; without it, it is asked for.")] = None,
    file: ConfigOption = None,
    json: Json = False,
) -> None:
    """Set the PIN of the officer's screen of this terminal. 设置管理员口令

    Six to twelve digits; the hash alone is kept. A new PIN takes effect at once.
    """
    place = pin_file or KioskSettings.load(file).pin
    if place is None:
        raise typer.BadParameter("name it here or in kiosk.toml. 请在此或 kiosk.toml 中写明。", param_hint="--pin-file")
    new = _read(from_file) if from_file else str(typer.prompt("PIN 口令", hide_input=True, confirmation_prompt=True))
    try:
        officer_pin.write(place, new)
    except WeakPin as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        why = f"{place} cannot be written: {error.strerror}. 无法写入 {place}。"
        raise typer.BadParameter(why, param_hint="--pin-file") from error
    took_effect()
    say({"file": str(place)}, json)


def _read(file: Path) -> str:
    try:
        return decoded(private_files.read(file)).strip()
    except private_files.NotPrivate as error:
        raise typer.BadParameter(str(error), param_hint="--from-file") from error
