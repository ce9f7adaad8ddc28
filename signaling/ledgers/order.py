"""What passes between the control process and the process that makes a ledger: the order, the line before the file's
bytes, the codes of failures; and the names of files. Neither library of files is loaded for it."""

from typing import Literal, NamedTuple

import msgspec

from signaling.building.child_program import FAULT
from signaling.ledgers.entry import Head, Request

Format = Literal["xlsx", "pdf", "json", "zip"]
MEDIA_TYPES: dict[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
    "zip": "application/zip",
}
SINGLE: tuple[Format, ...] = ("xlsx", "pdf", "json")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process that makes a ledger is asked for. `folder`: a private one, for what does not fit into memory."""

    head: Head
    format: Format
    archive_dir: str
    keys_dir: str
    signing: str
    folder: str


class Made(NamedTuple):
    """A ledger's file, its name, and its signature as JSON; empty where the file has it inside."""

    name: str
    data: bytes
    signature: bytes
    visits: int


FAILURES: dict[str, tuple[str, str]] = {
    "no_font": (
        "The server has no Chinese font: have the administrator install fonts-noto-cjk, or ask for xlsx.",
        "服务器没有中文字体，无法生成 PDF：请系统管理员安装 fonts-noto-cjk，或改用 xlsx。",
    ),
    "key": (
        "The signing key cannot be read, and no ledger is made without a signature; tell the administrator.",
        "签名密钥无法读取，未签名的台账不予生成，请系统管理员处理。",
    ),
    "disk": ("The disk failed; tell the administrator.", "读写磁盘出错，请系统管理员处理后重试。"),
    FAULT: (
        "The ledger could not be made; the administrator finds more in the service's log.",
        "台账生成失败，请系统管理员查看服务日志。",
    ),
}
"""What a failure's code means, in English and Chinese, and what to do."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """The line before the bytes of a file, or the code of a failure."""

    name: str = ""
    signature: str = ""
    visits: int = 0
    failed: str = ""


def file_name(head: Head, format: str) -> str:
    """Return the name of a ledger's file in ASCII: site, days, and whether it is the public version."""
    request = head.request
    until = "" if request.since == request.until else f"_{request.until}"
    version = "-public" if request.public else ""
    return f"ledger-{request.site}-{request.since}{until}{version}.{format}"


def chinese_name(head: Head, format: str) -> str:
    """Return the name of a ledger's file for people: the site by its name."""
    site = "".join(sign if sign.isalnum() else "_" for sign in head.site_name)[:60]
    days = head.request
    until = "" if days.since == days.until else f"至{days.until}"
    return f"会见台账-{site}-{days.since}{until}{'-公示版' if days.public else ''}.{format}"


def journaled(request: Request, format: Format, visits: int) -> dict[str, object]:
    """Return what the journal says of a ledger that was made."""
    days = {"from": request.since.isoformat(), "to": request.until.isoformat()}
    return {"site": request.site, **days, "public": request.public, "format": format, "visits": visits}
