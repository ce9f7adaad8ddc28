"""The journal as a workbook (XLSX), for readers: times in Asia/Shanghai, one entry a row. Every cell is a text and is
formatted as one, so that nothing that was written in a note becomes a formula or a link, also when a cell is edited;
rows go to the disk one by one. Blocks."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from xlsxwriter import Workbook

from broker.control.journal.entry import Entry
from broker.kernel.clock import in_shanghai
from config.words import is_hidden
from signaling.ledgers.workbook import LONGEST, OPTIONS, TEXT

SHEET = "日志"
COLUMNS: tuple[tuple[str, int], ...] = (
    *(("序号 No.", 8), ("时间 Time (Asia/Shanghai)", 26), ("会见 Visit", 30), ("事项 Kind", 24)),
    *(("操作人 Author", 24), ("内容 Data", 80), ("散列 Hash", 20)),
)
"""Titles and widths of the columns."""


class JournalWorkbook:
    """A workbook to which entries are added. `folder`: for the rows until the end. Raises OSError."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._book = Workbook(str(path), {**OPTIONS, "tmpdir": str(folder)})
        self._sheet, self._row = self._book.add_worksheet(SHEET), 0
        bold, self._text = self._book.add_format({"bold": True}), self._book.add_format(TEXT)
        for number, (name, width) in enumerate(COLUMNS):
            self._sheet.set_column(number, number, width)
            self._sheet.write_string(0, number, name, bold)
        self._sheet.freeze_panes(1, 0)

    def add(self, entry: Entry) -> None:
        """Add the row of an entry."""
        self._row += 1
        for number, text in enumerate(_cells(entry)):
            self._sheet.write_string(self._row, number, text[:LONGEST], self._text)

    def close(self) -> None:
        """Write the rows into the file. Raises OSError."""
        self._sheet.autofilter(0, 0, max(1, self._row), len(COLUMNS) - 1)
        self._book.close()


def _cells(entry: Entry) -> Iterable[str]:
    at = in_shanghai(datetime.fromisoformat(entry.at))
    yield from (str(entry.seq), f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3], entry.session or "", entry.kind, entry.author)
    yield from (_readable(entry.data), entry.hash)


def _readable(data: str) -> str:
    """Return the data of an entry as people read it; what cannot be seen stays an escape."""
    text = json.dumps(json.loads(data), ensure_ascii=False)
    return "".join(sign if sign.isprintable() and not is_hidden(sign) else f"\\u{ord(sign):04x}" for sign in text)
