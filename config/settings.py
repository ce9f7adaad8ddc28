"""Settings of an installation: one typed object from a TOML file, the environment and defaults.

The environment (HUIJIAN_DATA_DIR, ...) beats the file, the file beats the defaults. Secrets are not
settings. Paths are made absolute, so that every process of an installation means the same place.
"""

import hashlib
import os
import re
import sys
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
from sqlalchemy.engine import URL, make_url

from config import network, private_files
from config.access.sign_in import SignInRules

DEFAULT_FILE = Path("huijian.toml")
DEFAULT_DATA = Path("data")
DEMO_MARK = "huijian.demo"
"""A file of this name is in each data folder that the demonstration has made, from the first moment on."""
ADDRESS_FILE = "http.url"
"""File in `run_dir` that holds the URL of the server while it listens, as programs of this machine ask for it."""
TLS_ADDRESS_FILE = "https.url"
"""File in `run_dir` that holds the URL of the server where TLS is built in, while it listens."""
_SOCKET_PATH_LIMIT = 107  # sockaddr_un of Linux holds 108 bytes with the closing zero
_LONGEST_SOCKET_NAME = "/recorder-999.sock"
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class SettingsError(ValueError):
    """Error of settings that cannot be used; the text is one line that names them and the reason."""

    for_operators = True


class Settings(BaseSettings):
    """Settings of this installation, made by `Settings.load()` and then frozen."""

    model_config = SettingsConfigDict(env_prefix="HUIJIAN_", frozen=True, extra="forbid")

    data_dir: Path = DEFAULT_DATA
    database_url: str = ""  # default: sqlite in data_dir
    archive_dir: Path = Path("data/archive")  # default: in data_dir
    drills_dir: Path = Path("data/drills")  # recordings and results of drills, apart from visits; default: in data_dir
    drill_days: int = Field(90, ge=1, le=3650)  # drills are kept so long
    relisten_share: float = Field(0.05, ge=0, le=1)  # of the recordings, chosen by their ids, two people hear again
    relisten_days: int = Field(30, ge=1, le=366)  # after the visit, until the end of that day
    drill_time: str = ""  # when the rooms of today's first visits are tried, in Shanghai, as 07:30; default: never
    drill_blocks: bool = False  # a failed drill keeps the day's first visit from READY until an officer says why
    run_dir: Path = Path("data/run")  # unix sockets; default: in data_dir, or a short one in /tmp
    http_host: str = "127.0.0.1"
    http_port: int = Field(8470, ge=0, le=65535)
    tls_certificate: Path | None = None  # PEM, with its chain: TLS is spoken at http_port; a new file is taken at once
    tls_key: Path | None = None  # its key in PEM without a passphrase; readable by the service alone
    tls_proxy: bool = False  # a proxy on another machine speaks TLS before the service, and nothing else reaches it
    http_redirect_port: int = Field(0, ge=0, le=65535)  # with TLS: plain HTTP that only leads to it, as 80; 0: none
    local_port: int = Field(0, ge=0, le=65535)  # with TLS: plain HTTP for programs on this machine; 0: any free
    hsts_days: int = Field(365, ge=0, le=730)  # with TLS: browsers ask for this name by TLS alone for so long; 0: not
    relay_host: str = "127.0.0.1"  # where the workers bind; several with commas; "::" is all of IPv6 and IPv4
    relay_public_addresses: tuple[str, ...] = ()  # what kiosks are told, best first; default: relay_host
    relay_port: int = Field(0, ge=0, le=65535)  # of the first worker, then upwards, UDP and TCP; 0: any free
    relay_workers: int = Field(default_factory=lambda: max(1, (os.cpu_count() or 2) - 1), ge=1)
    relay_worker_sessions: int | None = Field(None, ge=1)  # a worker's upper limit; default: what its core carries
    turn_urls: tuple[str, ...] = ()  # of a coturn, for networks that reach nothing directly: turn:host:port
    turn_secret_file: Path | None = None  # holds its static-auth-secret; handed out are credentials for one visit
    metrics_on_loopback: bool = True  # /metrics for programs on this machine without a key
    disk_reserve_bytes: int = Field(2 * 1024**3, ge=0)
    session_bytes_per_second: int = Field(400_000, ge=0)  # what a recording may need; room for it is set aside
    view_jobs: int = Field(1, ge=0, le=64)  # view copies made at once, at the lowest priority; 0: none
    export_days: int = Field(7, ge=1, le=30)  # a package that was handed over can be downloaded for so long
    rules_audio_dir: Path | None = None  # recordings that read the rules aloud in the rooms, by the names in the packs
    archive_sm3: bool = False  # hash archived files by SM3 (GB/T 32905) too
    witness_time: str = "23:30"  # sites counter-sign each other's chains then, in Shanghai; "never": they do not
    archive_signing: str = "Ed25519"  # the kind of key that signs the archive; others come as packages
    journal_checkpoint_entries: int = Field(1000, ge=1)  # a signed checkpoint of the journal after so many entries
    journal_checkpoint_minutes: int = Field(10, ge=1)  # and after so many minutes, where there are new ones
    journal_accepted_checkpoint: int = Field(0, ge=0)  # up to it, what does not fit was looked into: no more alarms
    journal_months: int = Field(24, ge=6)  # the journal is kept for so long, and as long as any pack keeps recordings
    journal_copies: tuple[str, ...] = ()  # of checkpoints, elsewhere: /mnt/other/huijian.jsonl, syslog+tcp://host:601
    demo: bool = False
    second_person_hours: int = Field(72, ge=24, le=720)  # a password is so old before its officer gives permits
    break_glass_days: int = Field(7, ge=3, le=60)  # a change of an account waits so long without a second officer
    sign_in: SignInRules = SignInRules()  # second factors, hours of sign-ins, invitations
    enrolment_code_hours: int = Field(24, ge=1, le=168)  # a terminal's one-time code is good for so long
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")  # whose X-Forwarded-For and -Proto count
    terminal_connections: int = Field(16, ge=4)  # HTTP connections of one terminal at the same time
    user_connections: int = Field(48, ge=8)  # of one officer, on all machines together
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
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path} is not UTF-8, as TOML must be: save it in that encoding") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: {error}") from error
        except ValidationError as error:
            raise SettingsError("; ".join(map(_one_line, error.errors()))) from error

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Add the defaults that follow from other values."""
        data = _place(Path(values.get("data_dir") or DEFAULT_DATA), "data_dir")
        secure = bool(values.get("tls_certificate")) or values.get("http_host", "127.0.0.1") not in _LOOPBACK
        filled = {**places(data), "cookie_secure": secure}
        chosen = {key: value for key, value in values.items() if value not in (None, "")}
        return {**filled, **chosen, "data_dir": data}

    @field_validator("witness_time")
    @classmethod
    def _is_time_or_never(cls, value: str) -> str:
        if value != "never" and not _TIME.fullmatch(value):
            raise ValueError(f"witness_time {value!r} is no time of the day: write it as 23:30, or never")
        return value

    @field_validator("drill_time")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if value and not _TIME.fullmatch(value):
            raise ValueError(f"drill_time {value!r} is no time of the day: write it as 07:30")
        return value

    _list_hosts = field_validator("relay_host", mode="before")(network.listed)

    @model_validator(mode="after")
    def _check(self) -> Self:
        network.check_addresses(self.relay_host, self.relay_public_addresses)
        network.check_turn(self.turn_urls, self.turn_secret_file)
        network.check_tls(self.tls_certificate, self.tls_key, self.http_redirect_port, self.http_port, self.local_port)
        for proxy in self.trusted_proxies:
            ip_network(proxy, strict=False)
        for copy in self.journal_copies:
            network.copy_place(copy)
        if self.http_host not in _LOOPBACK and network.unreachable(self.relay_host, self.relay_public_addresses):
            raise ValueError(
                "pages are served to other machines, but kiosks there are told the relay's loopback address: "
                "set relay_host, and relay_public_addresses where it differs"
            )
        if not self.cookie_secure and (self.tls or self.http_host not in _LOOPBACK):
            raise ValueError(
                "cookie_secure = false would send officers' cookies in the clear to other machines: leave it out. "
                "cookie_secure = false 会使登录凭证以明文传输：请去掉"
            )
        if self.sign_in.second_factor == "offered" and not self.demo:
            raise ValueError(
                'sign_in.second_factor = "offered" is for demonstrations: leave it out, and officers of '
                f"{', '.join(self.sign_in.second_factor_roles)} set one up at their next sign-in. "
                "正式环境不得免除两步验证：请去掉此项，相关人员下次登录时设置"
            )
        for name in ("turn_secret_file", "tls_certificate", "tls_key"):  # a link is refused when a secret is read
            if (file := getattr(self, name)) is not None:
                object.__setattr__(self, name, _place(file.expanduser().parent, name) / file.name)
        if self.rules_audio_dir is not None:
            folder = _place(self.rules_audio_dir, "rules_audio_dir")
            if not folder.is_dir():
                raise ValueError(f"rules_audio_dir {folder} is no folder: make it, or leave the setting out")
            object.__setattr__(self, "rules_audio_dir", folder)
        if self.relay_port and self.relay_port + self.relay_workers > 65536:
            raise ValueError("relay_port leaves no room for so many workers")
        for name in ("archive_dir", "drills_dir", "run_dir"):
            object.__setattr__(self, name, _place(getattr(self, name), name))
        if self.drills_dir == self.archive_dir:
            raise ValueError("drills_dir must be another folder than archive_dir: drills are no recordings of visits")
        if not _fits(self.run_dir):
            raise ValueError(f"run_dir {self.run_dir} is too long for unix sockets")
        return self

    def needs_second_factor(self, role: str) -> bool:
        """Whether officers of this role can do nothing until they have set up a second factor."""
        required = self.sign_in.second_factor or ("offered" if self.demo else "required")
        return required == "required" and role in self.sign_in.second_factor_roles

    @property
    def tls(self) -> bool:
        """Whether the service speaks TLS itself."""
        return self.tls_certificate is not None

    @property
    def hsts_seconds(self) -> int:
        """Time for which browsers are told to ask for this name by TLS alone (RFC 6797), in seconds; 0 on this machine
        and in demonstrations, whose certificate no browser trusts."""
        applies = (self.tls or self.tls_proxy) and not self.demo and not self.on_loopback
        return self.hsts_days * 86_400 if applies else 0

    def check_reachable(self) -> None:
        """Check that nothing is sent in the clear to other machines. Raises SettingsError."""
        if not (self.on_loopback or self.tls or self.tls_proxy):
            raise SettingsError(
                f"http_host {self.http_host} would serve other machines without TLS: set tls_certificate and tls_key, "
                "or tls_proxy = true where a TLS proxy stands before the service and nothing else can reach it. "
                "不得以明文对外服务：请设置 tls_certificate 和 tls_key；前面已有 TLS 代理且别无通路的，"
                "设 tls_proxy = true"
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can ask for pages, or a proxy on it."""
        return self.http_host in _LOOPBACK

    @property
    def keys_dir(self) -> Path:
        """Folder of the private key that signs the archive."""
        return self.data_dir / "keys"

    @property
    def exports_dir(self) -> Path:
        """Folder of packages that wait to be downloaded; closed to other users."""
        return self.data_dir / "exports"

    def prepare(self) -> None:
        """Create the folders, closed to other users. Raises SettingsError where one is not ours, or a secret is not."""
        if self.turn_secret_file is not None:
            try:
                network.read_secret(self.turn_secret_file)
            except ValueError as error:
                raise SettingsError(str(error)) from error
        try:
            for path in (self.data_dir, self.run_dir, self.keys_dir):
                private_files.close_folder(path)
            self.archive_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # its owner may let a backup read it
            for number, path in enumerate(self._database_files()):  # names of inmates and kin
                private_files.close_file(path, make=number == 0)
        except private_files.NotPrivate as error:
            raise SettingsError(str(error)) from error
        except OSError as error:
            raise SettingsError(f"cannot create {error.filename}: {error.strerror}") from error
        if self.archive_dir.stat().st_mode & 0o002:
            raise SettingsError(f"{self.archive_dir} can be written by another user")

    def _database_files(self) -> list[Path]:
        """Return the files of a database that is one; SQLite gives those beside it the mode of the first."""
        url = make_url(self.database_url)
        if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
            return []
        return [Path(url.database + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def places(data: Path) -> dict[str, Any]:
    """Return the settings that name places, as they follow from a data folder."""
    database = URL.create("sqlite+aiosqlite", database=str(data / "huijian.sqlite"))
    return {
        "database_url": database.render_as_string(),
        "archive_dir": data / "archive",
        "drills_dir": data / "drills",
        "run_dir": _short(data / "run"),
    }


def _place(path: Path, name: str) -> Path:
    """Return the absolute path of a setting. Raises ValueError where it leads nowhere, or has no spelling that every
    process and the database share."""
    try:
        place = path.expanduser().resolve()
        str(place).encode()
    except (RuntimeError, OSError) as error:  # a home that is not there, a circle of links
        raise ValueError(f"{name} {path}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeEncodeError as error:
        encoding = sys.getfilesystemencoding()
        raise ValueError(f"{name} is not text in this locale's encoding ({encoding}): use another name") from error
    return place


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
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}" if where else text
