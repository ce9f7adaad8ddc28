"""Settings of an installation: one typed object from a TOML file, the environment and defaults.

The environment (HUIJIAN_DATA_DIR, ...) beats the file, the file beats the defaults. Secrets are not
settings. Paths are made absolute, so that every process of an installation means the same place.
"""

import hashlib
import os
import stat
import tempfile
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from config import network

DEFAULT_FILE = Path("huijian.toml")
_SOCKET_PATH_LIMIT = 107  # sockaddr_un of Linux holds 108 bytes with the closing zero
_LONGEST_SOCKET_NAME = "/recorder-999.sock"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class SettingsError(ValueError):
    """Error of settings that cannot be used; the text is one line that names them and the reason."""


class Settings(BaseSettings):
    """Settings of this installation, made by `Settings.load()` and then frozen."""

    model_config = SettingsConfigDict(env_prefix="HUIJIAN_", frozen=True, extra="forbid")

    data_dir: Path = Path("data")
    database_url: str = ""  # default: sqlite in data_dir
    archive_dir: Path = Path("data/archive")  # default: in data_dir
    run_dir: Path = Path("data/run")  # unix sockets; default: in data_dir, or a short one in /tmp
    http_host: str = "127.0.0.1"
    http_port: int = Field(8470, ge=0, le=65535)
    relay_host: str = "127.0.0.1"  # where the workers bind; several with commas; "::" is all of IPv6 and IPv4
    relay_public_addresses: tuple[str, ...] = ()  # what kiosks are told, best first; default: relay_host
    relay_port: int = Field(0, ge=0, le=65535)  # of the first worker, then upwards, UDP and TCP; 0: any free
    relay_workers: int = Field(default_factory=lambda: max(1, (os.cpu_count() or 2) - 1), ge=1)
    relay_worker_sessions: int = Field(40, ge=1)  # that a worker takes at most; it is measured for as many
    turn_urls: tuple[str, ...] = ()  # of a coturn, for networks that reach nothing directly: turn:host:port
    turn_secret_file: Path | None = None  # holds its static-auth-secret; handed out are credentials for one visit
    metrics_on_loopback: bool = True  # /metrics for programs on this machine without a key
    disk_reserve_bytes: int = Field(2 * 1024**3, ge=0)
    session_bytes_per_second: int = Field(400_000, ge=0)  # what a recording may need; room for it is set aside
    view_jobs: int = Field(1, ge=0, le=64)  # view copies made at once, at the lowest priority; 0: none
    archive_sm3: bool = False  # hash archived files by SM3 (GB/T 32905) too
    archive_signing: str = "Ed25519"  # the kind of key that signs the archive; others come as packages
    demo: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")  # whose X-Forwarded-For and -Proto count
    cookie_secure: bool = True  # default: off only where pages are served on loopback, and there when TLS is spoken

    @classmethod
    def load(cls, file: Path | None = None, **overrides: Any) -> Self:
        """Settings from `file` (default: huijian.toml here, if any), environment and overrides.

        Raises SettingsError where the file is missing or anything in it is wrong.
        """
        path = file or DEFAULT_FILE
        if file is not None and not path.is_file():
            raise SettingsError(f"there is no settings file {path}")
        try:
            settings: Self = _reading(cls, path)(**overrides)
            return settings
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: {error}") from error
        except ValidationError as error:
            raise SettingsError("; ".join(map(_one_line, error.errors()))) from error

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Add the defaults that follow from other values."""
        data = Path(values.get("data_dir") or "data").expanduser().resolve()
        filled = {
            "database_url": f"sqlite+aiosqlite:///{data / 'huijian.sqlite'}",
            "archive_dir": data / "archive",
            "run_dir": _short(data / "run"),
            "cookie_secure": values.get("http_host", "127.0.0.1") not in _LOOPBACK,
        }
        chosen = {key: value for key, value in values.items() if value not in (None, "")}
        return {**filled, **chosen, "data_dir": data}

    _list_hosts = field_validator("relay_host", mode="before")(network.listed)

    @model_validator(mode="after")
    def _check(self) -> Self:
        network.check_addresses(self.relay_host, self.relay_public_addresses)
        network.check_turn(self.turn_urls, self.turn_secret_file)
        for proxy in self.trusted_proxies:
            ip_network(proxy, strict=False)
        if self.http_host not in _LOOPBACK and network.unreachable(self.relay_host, self.relay_public_addresses):
            raise ValueError(
                "pages are served to other machines, but kiosks there are told the relay's loopback address: "
                "set relay_host, and relay_public_addresses where it differs"
            )
        if self.turn_secret_file is not None:
            object.__setattr__(self, "turn_secret_file", self.turn_secret_file.expanduser().resolve())
        if self.relay_port and self.relay_port + self.relay_workers > 65536:
            raise ValueError("relay_port leaves no room for so many workers")
        for name in ("archive_dir", "run_dir"):
            object.__setattr__(self, name, getattr(self, name).expanduser().resolve())
        if not _fits(self.run_dir):
            raise ValueError(f"run_dir {self.run_dir} is too long for unix sockets")
        return self

    @property
    def keys_dir(self) -> Path:
        """Folder of the private key that signs the archive."""
        return self.data_dir / "keys"

    def prepare(self) -> None:
        """Create the folders, closed to other users. Raises SettingsError where one is not ours, or a secret is not."""
        if self.turn_secret_file is not None:
            try:
                network.read_secret(self.turn_secret_file)
            except ValueError as error:
                raise SettingsError(str(error)) from error
        for path in (self.data_dir, self.archive_dir, self.run_dir):
            try:
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise SettingsError(f"cannot create {path}: {error.strerror}") from error
        for kept in self.data_dir.glob("huijian.sqlite*"):
            kept.chmod(0o600)  # names of inmates and kin; an older version may have left it open
        owner = self.run_dir.stat()
        if owner.st_uid != os.geteuid() or stat.S_IMODE(owner.st_mode) & 0o022:
            raise SettingsError(f"{self.run_dir} can be written by another user")


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) + len(_LONGEST_SOCKET_NAME) <= _SOCKET_PATH_LIMIT


def _short(path: Path) -> Path:
    """`path`, or one in the temporary folder named after it where sockets would not fit."""
    if _fits(path):
        return path
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"huijian-{os.geteuid()}-{mark}"


def _reading(cls: type[Settings], path: Path) -> Any:
    """Return the same class, reading `path` too (a missing file counts as an empty one)."""

    class FromFile(cls):  # type: ignore[valid-type, misc]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            **_others: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    FromFile.__name__ = cls.__name__
    return FromFile


def _one_line(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else str(error["msg"])
