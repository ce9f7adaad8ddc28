"""The identity file of a terminal: the server, the terminal's id and its key, as JSON, closed to other users. One
program at a time runs with it, so that a second start by mistake is told here and is no alarm at the server."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import private_files
from config.network import server_url
from kiosk_agent.identity.keys import FileKey, KeyUnusable, TerminalKey
from kiosk_agent.identity.tpm import TpmKey

VERSION = 1
_KINDS: dict[str, Any] = {FileKey.kind: FileKey, TpmKey.kind: TpmKey}


class IdentityError(ValueError):
    """An identity file that cannot be used; the text says what to do."""

    for_operators = True


@dataclass(frozen=True, slots=True)
class Identity:
    """A terminal's identity: `server` is the base URL that it was enrolled at, `terminal` its id there."""

    server: str
    terminal: str
    key: TerminalKey


def write(path: Path, identity: Identity) -> None:
    """Make a new identity file of mode 0600. Raises IdentityError where there is one."""
    values = {
        "version": VERSION,
        "server": identity.server,
        "terminal": identity.terminal,
        "key": identity.key.to_json(),
    }
    try:
        private_files.create(path, json.dumps(values, indent=1).encode() + b"\n")
    except FileExistsError:
        raise IdentityError(f"{path} is there already: name a new file. {path} 已存在，请换一个文件名。") from None
    except OSError as error:
        raise IdentityError(f"{path} cannot be made: {error.strerror}. 无法创建 {path}。") from error


def check_free(path: Path) -> None:
    """Check that an identity file can be made here, before a code is used up. Raises IdentityError."""
    if os.path.lexists(path):
        raise IdentityError(f"{path} is there already: name a new file. {path} 已存在，请换一个文件名。")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise IdentityError(f"{path.parent} is no folder to write to. 无法写入 {path.parent}。")


def read(path: Path) -> Identity:
    """Return the identity in a file. Raises IdentityError; NotPrivate where other users can read it."""
    try:
        values = json.loads(private_files.read(path))
        kind = _KINDS[values["key"]["kind"]]
        if values["version"] != VERSION:
            raise ValueError
        return Identity(server_url(values["server"]), str(values["terminal"]), kind.from_json(values["key"]))
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}. 无法读取 {path}。") from error
    except (KeyUnusable, private_files.NotPrivate):
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise IdentityError(
            f"{path} is no identity of a terminal: make one by `huijian kiosk enrol`. "
            f"{path} 不是终端身份文件，请执行 huijian kiosk enrol。"
        ) from error


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Keep the identity for this program until the block ends. Raises IdentityError where another program has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise IdentityError(
            f"another program runs with {path}: end that one first. 另一程序正在使用 {path}，请先结束它。"
        ) from None
    finally:
        os.close(descriptor)
