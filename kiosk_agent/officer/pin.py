"""The officer's PIN of a terminal: six to twelve digits, of which only the argon2id hash is kept, in a file of its own
that is closed to other users."""

import os
import secrets
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from config import private_files

SHORTEST, LONGEST = 6, 12
_HASHER = PasswordHasher()


class WeakPin(ValueError):
    """A text that is no PIN, or one that is guessed first; the text says what to do."""

    for_operators = True


def check(pin: str) -> None:
    """Check that a new PIN has the right length and is none of those that people try first. Raises WeakPin."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST <= len(pin) <= LONGEST):
        raise WeakPin(f"a PIN has {SHORTEST} to {LONGEST} digits. 口令为 {SHORTEST} 至 {LONGEST} 位数字。")
    steps = {(int(later) - int(earlier)) % 10 for earlier, later in pairwise(pin)}
    if steps <= {0} or steps == {1} or steps == {9}:
        raise WeakPin("choose a PIN that is no row of digits. 请勿使用重复或连续的数字。")


def write(path: Path, pin: str) -> None:
    """Write the hash of a new PIN, in place of an older one. Raises WeakPin or OSError.

    The file goes to the owner of its folder, so that root may set the PIN of the terminal's user."""
    check(pin)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    private_files.create(fresh, _HASHER.hash(pin).encode() + b"\n")
    folder = path.parent.stat()
    if folder.st_uid != os.geteuid() == 0:
        os.chown(fresh, folder.st_uid, folder.st_gid, follow_symlinks=False)
    fresh.replace(path)


def fits(path: Path, pin: str) -> bool:
    """Whether this is the PIN; it takes a tenth of a second of one core. Raises NotPrivate or OSError where there is no
    file that may be believed."""
    kept = private_files.read(path).decode("ascii", "replace").strip()
    try:
        return _HASHER.verify(kept, pin)
    except (VerificationError, InvalidHashError):
        return False
