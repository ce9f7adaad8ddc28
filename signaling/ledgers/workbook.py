"""The ledger as a workbook (XLSX). Every text is written as a text, in a cell that is formatted as one, so that no name
becomes a formula or a link, neither when the file is opened nor when the cell is edited; rows go to the disk one
by one, so that a month needs no more memory than a day. Blocks."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from recorder.witness.newest import Witnessed
from signaling.ledgers.columns import Cell, cells_of, columns_of, total_lines
from signaling.ledgers.entry import Entry, Head, Totals
from signaling.ledgers.facts import WITNESS_TITLES, days, facts, title, witness_cells, witness_note

SHEET, SUMMARY, WITNESSES = "台账", "合计与校验", "互证"
FIRST_ROW = 3
"""Index of the first row with a visit, below title, days and the titles of the columns."""
TEXT: Mapping[str, Any] = {"num_format": "@"}
"""The format of a cell whose content stays a text when it is edited."""
LONGEST = 32_767
"""Characters that a cell of a workbook can have."""
OPTIONS: Mapping[str, Any] = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def workbook(
    head: Head, entries: Iterable[Entry], key: str, witnessed: Sequence[Witnessed], folder: Path
) -> tuple[bytes, Totals]:
    """Return the workbook and what its rows add up to. `folder`: for the rows until the end. Raises OSError."""
    target, totals = BytesIO(), Totals()
    book = Workbook(target, {**OPTIONS, "tmpdir": str(folder)})
    book.set_properties({"title": title(head), "author": "huijian", "created": head.made_at.replace(tzinfo=None)})
    sheet = book.add_worksheet(SHEET)
    _write_rows(book, sheet, head, entries, totals)
    _write_summary(book, book.add_worksheet(SUMMARY), head, totals, key)
    _write_witnesses(book, book.add_worksheet(WITNESSES), head, witnessed)
    book.close()
    return target.getvalue(), totals


def _write_rows(book: Workbook, sheet: Worksheet, head: Head, entries: Iterable[Entry], totals: Totals) -> None:
    columns = columns_of(head.request.public)
    bordered = {"text_wrap": True, "valign": "top", "border": 1}
    formats = book.add_format(bordered), book.add_format({**bordered, **TEXT})
    named = book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1, "bg_color": "#E7E6E6"})
    _print_setup(sheet, head)
    sheet.set_column(0, 0, 6)
    for number, column in enumerate(columns, 1):
        sheet.set_column(number, number, column.width * 1.6)
    sheet.write_string(0, 0, title(head), book.add_format({**TEXT, "bold": True, "font_size": 16}))
    sheet.write_string(1, 0, days(head), book.add_format(TEXT))
    for number, text in enumerate(("序号", *(column.title.zh for column in columns))):
        sheet.write_string(FIRST_ROW - 1, number, text, named)
    for entry in entries:
        totals.add(entry)
        _write_row(sheet, FIRST_ROW - 1 + totals.visits, [totals.visits, *cells_of(columns, entry)], *formats)
    sheet.autofilter(FIRST_ROW - 1, 0, FIRST_ROW - 1 + totals.visits, len(columns))


def _write_row(sheet: Worksheet, row: int, cells: Iterable[Cell], plain: Format, text: Format) -> None:
    for number, cell in enumerate(cells):
        if isinstance(cell, int):
            sheet.write_number(row, number, cell, plain)
        elif not cell:
            sheet.write_blank(row, number, None, text)
        else:
            sheet.write_string(row, number, cell[:LONGEST], text)


def _print_setup(sheet: Worksheet, head: Head) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(FIRST_ROW - 1)
    sheet.freeze_panes(FIRST_ROW, 0)
    name = f"{title(head)} {days(head)}".replace("&", "&&")  # & begins a code there
    sheet.set_footer(f"&L{name[:180]}&R第 &P 页 / 共 &N 页")


def _write_summary(book: Workbook, sheet: Worksheet, head: Head, totals: Totals, key: str) -> None:
    bold, plain = book.add_format({"bold": True}), book.add_format(TEXT)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 90)
    row = 0
    for label, number in total_lines(totals, head.request.public):
        sheet.write_string(row, 0, label, bold)
        sheet.write_number(row, 1, number)
        row += 1
    for label, text in facts(head, key):
        sheet.write_string(row, 0, label, bold)
        sheet.write_string(row, 1, text, plain)
        row += 1


def _write_witnesses(book: Workbook, sheet: Worksheet, head: Head, witnessed: Sequence[Witnessed]) -> None:
    bold, plain = book.add_format({"bold": True}), book.add_format(TEXT)
    sheet.set_column(0, 3, 22)
    sheet.set_column(4, 6, 60)
    sheet.write_string(0, 0, witness_note(len(witnessed)))
    for number, text in enumerate(WITNESS_TITLES if witnessed else ()):
        sheet.write_string(1, number, text, bold)
    for row, each in enumerate(witnessed, 2):
        for number, text in enumerate(witness_cells(head, each)):
            sheet.write_string(row, number, text, plain)
