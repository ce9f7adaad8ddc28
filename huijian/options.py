"""Options before the name of every command, and the settings that they lead to.

It needs pydantic, so that `main.py` imports it when a command runs: `--help` does not wait for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.logs import configure
from config.settings import Settings, SettingsError
from huijian.remote.here_alone import command_of, refusal


@dataclass(frozen=True, slots=True)
class Options:
    """`--config`, `--data-dir` and `--server`, None where absent."""

    config: Path | None = None
    data_dir: Path | None = None
    server: str | None = None


HERE_ALWAYS = ("serve", "demo", "kiosk", "drill", "sessions", "terminals", "visits")
"""Commands whose settings are this machine's own, also where a server is named."""


def settings_of(ctx: Any, **overrides: Any) -> Settings:
    """Return the settings for a command's context; `overrides` that are None do not count.

    Raises SettingsError, and BadRequest where a server is named and the command works here alone."""
    configure("warning")  # what a command logs goes to standard error, in the form of all logs
    options: Options = ctx.obj or Options()
    if options.server and ctx.find_root().invoked_subcommand not in HERE_ALWAYS:
        raise refusal(command_of(ctx))
    wanted = {"data_dir": options.data_dir, **overrides}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    settings = Settings.load(options.config, **chosen)
    if settings.demo and not overrides.get("demo"):
        raise SettingsError("the demonstration's rules are allowed by --demo alone, not by file or environment")
    return settings
