"""Reads the files of ledgers with other libraries than those that wrote them."""

from io import BytesIO

from openpyxl import load_workbook
from pypdfium2 import PdfDocument

FIRST_ROW = 4


def sheets(data):
    """Return the workbook of the bytes of a file."""
    return load_workbook(BytesIO(data))


def rows_in(data):
    """Return the rows of a workbook as dictionaries by the titles of the columns."""
    sheet = sheets(data)["台账"]
    titles = [cell.value for cell in sheet[FIRST_ROW - 1]]
    rows = sheet.iter_rows(min_row=FIRST_ROW, values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows if row[0] is not None]


def summary_in(data):
    """Return the lines of a workbook's second sheet."""
    return {label: value for label, value in sheets(data)["合计与校验"].iter_rows(values_only=True) if label}


def text_in(data):
    """Return the text of all pages of a PDF without blanks, which readers of PDF put between cells as they like."""
    pages = PdfDocument(data)
    return "".join("".join(page.get_textpage().get_text_bounded() for page in pages).split())
