"""What every command shares: the options before its name, and the settings they lead to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pydantic is not needed for --help
    from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """`--config` and `--data-dir`, where given."""

    config: Path | None = None
    data_dir: Path | None = None


def settings_of(ctx: Any, **overrides: Any) -> "Settings":
    """The settings for a command's context; `overrides` that are None do not count.

    Raises SettingsError.
    """
    from config.settings import Settings, SettingsError

    options: Options = ctx.obj or Options()
    given = {"data_dir": options.data_dir, **overrides}
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = Settings.load(options.config, **chosen)
    if settings.demo and not overrides.get("demo"):
        raise SettingsError("the demonstration's rules are allowed by --demo alone, not by file or environment")
    return settings
