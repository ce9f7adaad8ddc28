"""What passes between the control process and the process that makes an export of the journal: the order, the answer,
the codes of failures; and the names of the files inside. No library of files is loaded for it."""

from datetime import date

import msgspec

from signaling.building.child_program import FAULT

KIND, VERSION = "journal-export", 1
MEDIA_TYPE = "application/zip"
MANIFEST, ENTRIES, CHECKPOINTS, WORKBOOK, README = (
    *("manifest.json", "journal.jsonl", "checkpoints.jsonl"),
    *("journal.xlsx", "README.txt"),
)
MOST_DAYS = 366
"""The longest time that one export is of."""
MOST_ENTRIES = 1_000_000
"""The most entries of one export: a sheet of a workbook has hardly more rows."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: the entries `first` to `last`, those of the days `since` to `until` in Asia/Shanghai, for the
    officer `by`, who says why. `made_at`: ISO 8601. `folder`: a private one, in which the file is made."""

    since: date
    until: date
    first: int
    last: int
    by: str
    reason: str
    made_at: str
    archive_dir: str
    keys_dir: str
    signing: str
    folder: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"journal-{self.since}_{self.until}.zip"


class Made(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An export that was made: its path, how many entries it has and the digest of its signed manifest; or the code of
    a failure."""

    path: str = ""
    entries: int = 0
    manifest: str = ""
    failed: str = ""


FAILURES: dict[str, tuple[str, str]] = {
    "key": (
        "The signing key cannot be read, and no export is made without a signature; tell the administrator.",
        "签名密钥无法读取，未签名的日志不予导出，请系统管理员处理。",
    ),
    "disk": ("The disk failed; tell the administrator.", "读写磁盘出错，请系统管理员处理后重试。"),
    FAULT: (
        "The export could not be made; the administrator finds more in the service's log.",
        "日志导出失败，请系统管理员查看服务日志。",
    ),
}
"""What a failure's code means, in English and Chinese, and what to do."""
