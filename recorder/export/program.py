"""The program of the process that makes one package: the order on standard input, progress and result as JSON lines on
standard output, a failure as one code that both languages have words for."""

import errno
import sys
from typing import NamedTuple

import av
import msgspec

from recorder.archive.room import NoRoom
from recorder.evidence.signing import KeyProblem
from recorder.evidence.site_chain import BrokenSiteChain
from recorder.export.build import NoRecording, build
from recorder.export.contents import Order, Packed
from recorder.export.cover_sheet import NoFont

FULL = (errno.ENOSPC, errno.EDQUOT)
INTERRUPTED, HUNG, NO_ROOM, FAULT = "interrupted", "hung", "no_room", "fault"
FAILURES: dict[str, tuple[str, str]] = {
    "no_font": (
        "服务器没有中文字体，无法生成封面：请系统管理员安装 fonts-noto-cjk 后重试。",
        "The server has no Chinese font for the cover sheet: have fonts-noto-cjk installed and build it again.",
    ),
    NO_ROOM: (
        "磁盘空间不足，请系统管理员处理后重试。",
        "The disk has too little room; have some made and build it again.",
    ),
    "no_recording": ("录像文件缺失或清单无法读取。", "The recording is missing, or its manifest cannot be read."),
    "key": ("签名密钥无法读取，请系统管理员处理。", "The signing key cannot be read; tell the administrator."),
    "film": ("录像无法解码，合成副本未生成。", "The film cannot be decoded, and no view copy was made."),
    "disk": ("读写磁盘出错，请系统管理员处理后重试。", "The disk failed; tell the administrator and build it again."),
    HUNG: ("长时间没有进展，已中止制作，请重试。", "Building made no progress and was ended; build it again."),
    INTERRUPTED: ("制作过程中断，请重试。", "Building was interrupted; build it again."),
    FAULT: (
        "制作失败，请系统管理员查看服务日志。",
        "Building failed; the administrator finds more in the service's log.",
    ),
}
"""What a failure's code means, in Chinese and English, and what to do."""


class Line(msgspec.Struct, omit_defaults=True):
    """One line of output: the share that is done, the package, or the code of a failure."""

    done: float = 0.0
    packed: Packed | None = None
    failed: str = ""


class _Cause(NamedTuple):
    kinds: tuple[type[Exception], ...]
    code: str


_CAUSES = (
    _Cause((NoFont,), "no_font"),
    _Cause((NoRoom,), NO_ROOM),
    _Cause((NoRecording,), "no_recording"),
    _Cause((KeyProblem, BrokenSiteChain), "key"),
    _Cause((av.FFmpegError,), "film"),  # before OSError: some of its kinds are both
    _Cause((OSError,), "disk"),
)


def main() -> int:
    """Make the package of the order on standard input and return the exit code."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    percent = 0

    def report(share: float) -> None:
        nonlocal percent
        if int(share * 100) > percent:
            percent = int(share * 100)
            _say(Line(done=share))

    try:
        _say(Line(packed=build(order, report)))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        _say(Line(failed=code_of(error)))
        return 1
    return 0


def code_of(error: Exception) -> str:
    """Return the code of a failure; a disk that is full has one, whichever library it stopped."""
    if getattr(error, "errno", None) in FULL:
        return NO_ROOM
    return next((cause.code for cause in _CAUSES if isinstance(error, cause.kinds)), FAULT)


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
