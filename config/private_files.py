"""Files with a secret in them: made so that there is no moment at which another user could read them, and refused where
another user can. Neither depends on the umask of the process, and links are not followed: in a folder that others can
write to, a link of theirs would choose what is read, written or opened up."""

import os
import secrets
import stat
from pathlib import Path

OTHERS, GROUP_AND_OTHERS = 0o007, 0o077
_FOLLOW_NOTHING = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class NotPrivate(ValueError):
    """Error of a file or folder that other users can read or replace; the text says what to do."""

    for_operators = True


def read(path: Path, closed_to: int = GROUP_AND_OTHERS) -> bytes:
    """Return what is in a file with a secret. Raises NotPrivate, or OSError where it cannot be read.

    It belongs to this user or to root; a file of root may be readable for the group that root has given it.
    """
    descriptor = _open(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate(f"{path} is no regular file. {path} 不是普通文件。")
        if found.st_uid not in (os.geteuid(), 0):
            raise NotPrivate(f"{path} belongs to another user: chown it. {path} 属于其他用户，请更改属主。")
        if found.st_mode & (OTHERS if found.st_uid == 0 != os.geteuid() else closed_to):
            raise NotPrivate(
                f"{path} can be read or changed by other users: chmod 600 {path}. "
                f"{path} 可被其他用户读取或更改，请执行 chmod 600 {path}。"
            )
        return file.read()


def create(path: Path, data: bytes) -> None:
    """Make a new file with a secret, whole or not at all, and durable. Raises FileExistsError where there is one, link
    or file, or another OSError."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FOLLOW_NOTHING, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.link(fresh, path)
    finally:
        fresh.unlink()
    _sync(path.parent)


def close_file(path: Path, make: bool = False) -> None:
    """Take the rights of other users from a file; with `make`, make an empty one where there is none. Raises NotPrivate
    where it is a link or another user's, or OSError."""
    try:
        descriptor = _open(path, os.O_RDWR | (os.O_CREAT if make else 0))
    except FileNotFoundError:
        return
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & GROUP_AND_OTHERS:
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~GROUP_AND_OTHERS)
        elif found.st_mode & GROUP_AND_OTHERS:
            raise NotPrivate(f"{path} is another user's and open: chown it. {path} 属于其他用户，请更改属主。")
    finally:
        os.close(descriptor)


def close_folder(path: Path) -> None:
    """Make a folder that only this user may enter, or take the right to read from others where it is there. Raises
    NotPrivate where it is a link or another user's, or others may have put something into it, or OSError."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = _open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise NotPrivate(f"{path} belongs to another user: chown it. {path} 属于其他用户，请更改属主。")
        if found.st_mode & 0o022:
            raise NotPrivate(
                f"{path} can be written by another user: look into it, then chmod 700 {path}. "
                f"{path} 可被其他用户写入，请检查后执行 chmod 700 {path}。"
            )
        if found.st_mode & GROUP_AND_OTHERS:
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & ~GROUP_AND_OTHERS)
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | _FOLLOW_NOTHING, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a link: name the file itself. {path} 是链接，请写明文件本身。") from error
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
