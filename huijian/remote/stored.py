"""The file of a user's sign-ins at servers: one token for each server, in the user's own configuration folder, readable
for no other user."""

import json
import os
from pathlib import Path
from typing import Any

from config import private_files

NAME = "sign-ins.json"


def file() -> Path:
    """Return the path of the file (XDG Base Directory)."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "huijian" / NAME


def token_at(server: str) -> str:
    """Return the token of the sign-in at a server, "" where there is none. Raises NotPrivate, OSError."""
    return str(_read().get(server, {}).get("token", ""))


def ca_file_at(server: str) -> str:
    """Return the file with the CA by which a server is believed, "" for the system's. Raises NotPrivate, OSError."""
    return str(_read().get(server, {}).get("ca_file", ""))


def keep(server: str, user: str, token: str, ca_file: str = "") -> None:
    """Keep the token of a sign-in in place of an earlier one, with the CA of the server where that is not the system's.
    Raises NotPrivate, OSError."""
    _write(_read() | {server: {"user": user, "token": token} | ({"ca_file": ca_file} if ca_file else {})})


def forget(server: str) -> bool:
    """Forget the sign-in at a server, and return whether there was one. Raises NotPrivate, OSError."""
    kept = _read()
    found = kept.pop(server, None) is not None
    if found:
        _write(kept)
    return found


def _read() -> dict[str, dict[str, Any]]:
    try:
        value = json.loads(private_files.read(file()))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        if isinstance(error, private_files.NotPrivate):
            raise
        return {}  # a torn file holds no sign-in that could be used
    return value if isinstance(value, dict) else {}


def _write(value: dict[str, dict[str, Any]]) -> None:
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{NAME}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    private_files.create(fresh, json.dumps(value, indent=1, sort_keys=True).encode() + b"\n")
    fresh.replace(path)
