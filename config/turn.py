"""TURN server (coturn) for sites whose networks cannot reach the relay directly: its address, and the secret shared
with it."""

import re
from collections.abc import Iterable
from pathlib import Path

_URL = re.compile(
    r"^turns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?\Z"
)  # RFC 7065


def check(urls: Iterable[str], secret_file: Path | None) -> None:
    """Check that both are set, or neither. Raises ValueError that names what is wrong."""
    urls = tuple(urls)
    for url in urls:
        if not _URL.match(url):
            raise ValueError(f"turn_urls: {url!r} is no TURN address such as turn:turn.example:3478?transport=tcp")
    if bool(urls) != bool(secret_file):
        raise ValueError("turn_urls and turn_secret_file belong together")


def read_secret(file: Path) -> bytes:
    """Return the `static-auth-secret` of coturn. Raises ValueError, which never quotes it, where the file is not
    fit."""
    try:
        if file.stat().st_mode & 0o007:
            raise ValueError(f"turn_secret_file {file} is open to other users: chmod o= it")
        secret = file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"turn_secret_file {file}: {error.strerror}") from error
    if not 16 <= len(secret) <= 1024:
        raise ValueError(f"turn_secret_file {file} should hold 16 bytes or more")
    return secret
