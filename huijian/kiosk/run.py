"""Starts the terminal of `huijian kiosk`: the composition root of the kiosk. It finds the browser, and adds the
demonstration's generated room to the sources of a headless one."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import typer

from broker.kernel.ids import Side
from config.lines.rotation import RotatingFile
from config.logs import configure
from huijian.demo.synthetic.sources import generated_sources
from huijian.kiosk.enrolment import usable
from kiosk_agent.agent import KioskConfig, run_kiosk
from kiosk_agent.identity import identity_file
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.media.source import SourceError
from kiosk_agent.officer.choices import Choices
from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.room.chromium import NoBrowser, find_browser
from kiosk_agent.room.equipment_check import SoundTest
from kiosk_agent.room.policies import install_policies
from kiosk_agent.room.room import Browser
from kiosk_agent.settings import KioskSettings

LOG = "kiosk.log"
"""Name of the log file in its folder; older ones have a number behind it."""
GENERATED = "generated"
"""Name of the demonstration's source of picture and sound."""
RESTART = 75
"""Exit code after a restart that the server has ordered (EX_TEMPFAIL of sysexits.h): the service starts it again."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Options that only rooms of tests and drills have, as in KioskConfig."""

    stats_every: float | None = None
    side: Side = Side.PRISON
    confirms: bool = False
    acknowledges: bool = False


def run(settings: KioskSettings, file: Path, rehearsal: Rehearsal) -> None:
    """Run the terminal with the identity in `file` until it is told to end. Raises BadParameter with what to do where
    it cannot begin."""
    configure(settings.log_level, file=_log_file(settings.logs))
    config = kiosk_config(settings, usable(lambda: _identity(settings, file)), rehearsal)

    def work() -> None:
        with identity_file.in_use(file):
            if config.browser is not None:
                install_policies()
            if asyncio.run(run_kiosk(config)):
                raise typer.Exit(RESTART)

    try:
        usable(work)
    except SourceError as error:
        raise typer.BadParameter(str(error), param_hint="--source") from error


def _log_file(folder: Path | None) -> RotatingFile | None:
    """Return the log file in this folder, None for no folder. Raises BadParameter where it cannot be written."""
    try:
        return None if folder is None else RotatingFile(folder / LOG)
    except OSError as error:
        raise typer.BadParameter(
            f"{folder} cannot be written to: {error.strerror}. 无法写入日志文件夹 {folder}。", param_hint="log_dir"
        ) from error


def kiosk_config(settings: KioskSettings, mine: Identity, rehearsal: Rehearsal) -> KioskConfig:
    """Return the agent's configuration by the settings of this terminal. A generated room tests no line: nothing of
    it is real."""
    browser = None if settings.headless else _browser(settings)
    return KioskConfig(
        mine.server,
        mine,
        source=settings.source,
        extra_sources={GENERATED: generated_sources},
        headless=settings.headless,
        browser=browser,
        speaker=settings.speaker,
        stats_every=rehearsal.stats_every,
        side_hint=rehearsal.side,
        confirms=rehearsal.confirms,
        acknowledges=rehearsal.acknowledges,
        sound_test=SoundTest(listens=True, sweeps=settings.sweep),
        tests_line=not (settings.headless and settings.source == GENERATED),
        officer=_officer(settings, browser),
    )


def _officer(settings: KioskSettings, browser: Browser | None) -> OfficerPlaces:
    return OfficerPlaces(
        pin=settings.pin,
        state=settings.state_dir,
        logs=settings.logs,
        defaults=Choices(language=settings.language, large=settings.large_text, volume=settings.volume),
        browser=None if browser is None else browser.program,
    )


def _identity(settings: KioskSettings, file: Path) -> Identity:
    """Return the identity of this terminal. Raises IdentityError, also where it is that of another server."""
    mine = identity_file.read(file)
    if settings.server not in (None, mine.server):
        raise identity_file.IdentityError(
            f"{file} was enrolled at another server than kiosk.toml names: correct `server`, or enrol anew. "
            f"{file} 登记的服务器与 kiosk.toml 中的 server 不同：请改正，或重新登记。"
        )
    return mine


def _browser(settings: KioskSettings) -> Browser:
    """Return the room's browser by the terminal's settings. Raises BadParameter where there is none."""
    try:
        return Browser(find_browser(settings.chromium), settings.chromium_flags)
    except NoBrowser as error:
        raise typer.BadParameter(str(error), param_hint="--chromium") from error
