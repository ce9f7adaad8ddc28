"""Settings of one terminal: a typed object from `kiosk.toml`. Options of the command line beat the file; a member that
is unknown or of another type is refused, so that a slip of the pen does not look like a default."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from config.network import NoServer, server_url

DEFAULT_FILE = Path("/etc/huijian/kiosk.toml")
"""File that is read where the command line names none, if it is there."""


class KioskSettingsError(ValueError):
    """Error of a terminal's settings; the text is one line that says what to do."""

    for_operators = True


def _absolute(path: Path) -> Path:
    """Check that a path means the same for each start of the program."""
    if not path.is_absolute():
        raise PydanticCustomError("relative", "give the whole path, from / on. 请写绝对路径")
    return path


def _server(text: str) -> str:
    try:
        return server_url(text)
    except NoServer as error:
        raise PydanticCustomError("server", "{why}", {"why": str(error).rstrip("。.")}) from None


Place = Annotated[Path, AfterValidator(_absolute)]


class KioskSettings(BaseModel):
    """Settings of one terminal, made by `load` and then frozen. Places that are not named lie in `state_dir`; without
    one, nothing is kept beyond the end of the program."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    server: Annotated[str, AfterValidator(_server)] | None = None
    """Base URL of the server, for the enrolment; the identity file has it afterwards, and both must agree."""
    state_dir: Place | None = None
    identity: Place | None = None
    pin_file: Place | None = None
    """File with the hash of the officer's PIN, made by `huijian kiosk pin`."""
    log_dir: Place | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    headless: bool = False
    source: str = "device"
    speaker: str | None = None
    sweep: bool = True
    """Whether the page's equipment test plays a tone and listens for it; false where people use headphones."""
    chromium: str | None = None
    chromium_flags: tuple[str, ...] = ()
    language: Literal["zh", "en"] = "zh"
    """Language that the page begins each visit with."""
    large_text: bool = False
    volume: float = Field(default=0.8, ge=0.1, le=1.0)
    """Volume of the page's sound, until an officer chooses another; never so low that a room seems silent."""

    @classmethod
    def load(cls, file: Path | None = None, default: Path = DEFAULT_FILE) -> Self:
        """Return the settings in `file`; without one, those in the `default` file, where it is there. Raises
        KioskSettingsError."""
        path = file or default
        if file is None and not default.is_file():
            return cls()
        try:
            values = tomllib.loads(path.read_text("utf-8"))
            return cls.model_validate_json(json.dumps(values, default=str))
        except OSError as error:
            raise KioskSettingsError(f"{path} cannot be read: {error.strerror}. 无法读取 {path}。") from error
        except UnicodeDecodeError as error:
            raise KioskSettingsError(f"{path} is not UTF-8: save it so. {path} 不是 UTF-8，请以该编码保存。") from error
        except tomllib.TOMLDecodeError as error:
            raise KioskSettingsError(f"{path} is no TOML: {error}. {path} 不是 TOML 文件。") from error
        except ValidationError as error:
            raise KioskSettingsError(f"{path}: " + " ".join(map(_line, error.errors()))) from error

    def place(self, name: str) -> Path | None:
        """Return the path of a file or folder in `state_dir`; None without one."""
        return None if self.state_dir is None else self.state_dir / name

    @property
    def identity_file(self) -> Path | None:
        """File with the terminal's identity; None where none is named."""
        return self.identity or self.place("terminal.json")

    @property
    def pin(self) -> Path | None:
        """File with the hash of the officer's PIN; None where there is no place for one."""
        return self.pin_file or self.place("officer.pin")

    @property
    def logs(self) -> Path | None:
        """Folder of the log files; None for standard error alone."""
        return self.log_dir or self.place("logs")


_SAID = {
    "extra_forbidden": "there is no such setting: correct or remove it. 没有这一项，请改正或删除。",
    "bool_type": "give true or false. 请写 true 或 false。",
    "string_type": "give a text in quotes. 请写加引号的文字。",
    "path_type": "give a path in quotes. 请写加引号的路径。",
    "tuple_type": "give a list of texts in brackets. 请写方括号中的文字列表。",
    "float_type": "give a number. 请写数字。",
    "greater_than_equal": "give a number from 0.1 to 1. 请写 0.1 至 1 之间的数。",
    "less_than_equal": "give a number from 0.1 to 1. 请写 0.1 至 1 之间的数。",
}


def _line(error: ErrorDetails) -> str:
    """Return what is wrong with one setting, and what to do, in both languages."""
    where = ".".join(map(str, error["loc"]))
    context: dict[str, Any] = error.get("ctx", {})
    if error["type"] == "literal_error":
        return f"{where}: give {context['expected']}. 请写其中一个：{context['expected']}。"
    return f"{where}: {_SAID.get(error['type'], error['msg'] + '。')}"
