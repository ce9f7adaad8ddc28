"""The ledger as pages to print and to file (PDF, A4 across), with totals, the end of the site's chain as a line and as
a QR code, and places for the hands that sign on paper.

Rows are set by hand: the tables of fpdf2 set each cell twice, which a month of visits is too large for. Reads the font
and blocks."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import WrapMode

from recorder.export.cover_sheet import find_font
from recorder.witness.newest import Witnessed
from signaling.ledgers.columns import Column, cells_of, columns_of, total_lines
from signaling.ledgers.entry import Entry, Head, Totals
from signaling.ledgers.facts import WITNESS_TITLES, days, facts, title, witness_cells, witness_note
from signaling.ledgers.seal import chain_line

NEXT_LINE: dict[str, Any] = {"new_x": "LMARGIN", "new_y": "NEXT"}
MARGIN, FOOT = 10.0, 14.0  # mm
SIZE, LINE, INSET = 6.0, 2.7, 0.7
"""Size of the letters of a row in points; height of a line, and room around a text, in mm."""
NUMBER_WIDTH = 5
"""Share of the width that the running number has."""
MOST_LINES = 30
"""Lines of one cell: what is longer ends with a mark, and is whole in the workbook."""
CUT = "…"
CLOSING = "）)、，；：。,;:％%"
"""Signs that begin no line."""
QR_SIDE = 28.0  # mm
SIGN_HERE = (
    "制表（签名）：＿＿＿＿＿＿＿　　审核（签名）：＿＿＿＿＿＿＿　　单位（盖章）：　　　　　　　日期：＿＿＿＿＿＿"
)

CODE_SIDE, CODES_ACROSS, CODE_GAP = 26.0, 2, 4.0
"""Side of a code in mm, codes beside each other, and room between them in mm."""
CODE_LINE = 3.2  # mm
MOST_CODES = 48
"""Codes on paper, four pages of them; the workbook and the JSON have every head."""


def pages(head: Head, entries: Iterable[Entry], key: str, witnessed: Sequence[Witnessed]) -> tuple[bytes, Totals]:
    """Return the pages and what their rows add up to. Raises NoFont, OSError."""
    columns = columns_of(head.request.public)
    paper = _Paper(head, columns)
    for entry in entries:
        paper.totals.add(entry)
        paper.row([str(paper.totals.visits), *map(str, cells_of(columns, entry))])
    paper.finish(key)
    _add_witnesses(paper, head, witnessed, FOOT)
    return bytes(paper.output()), paper.totals


class _Paper(FPDF):
    """The pages of one ledger, with the titles of the columns on each."""

    def __init__(self, head: Head, columns: Sequence[Column]) -> None:
        super().__init__(orientation="landscape", format="A4")
        self._ledger, self.totals = head, Totals()
        self._titles = ["序号", *(column.title.zh for column in columns)]
        shares = [NUMBER_WIDTH, *(max(column.width, NUMBER_WIDTH) for column in columns)]
        self._widths = [share * (self.w - 2 * MARGIN) / sum(shares) for share in shares]
        self._letters: dict[str, float] = {}
        self._in_rows = True
        path, number = find_font()
        self.add_font("zh", fname=path, collection_font_number=number)
        self.set_lang("zh-CN")
        self.set_title(f"{title(head)} {days(head)}")
        self.set_creator("huijian")
        self.set_creation_date(head.made_at)
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)
        self.add_page()

    def header(self) -> None:
        """Begin a page: the title, and those of the columns as long as rows follow."""
        self.set_font("zh", size=13)
        self.cell(text=title(self._ledger), w=0, h=7, align="C", **NEXT_LINE)
        self.set_font("zh", size=8)
        self.cell(text=days(self._ledger), w=0, h=5, align="C", new_x="LMARGIN", new_y="NEXT")
        if self._in_rows:
            self._draw([self._fitted(text, width) for text, width in zip(self._titles, self._widths, strict=True)])

    def footer(self) -> None:
        """End a page: the end of the chain, and the page's number."""
        self.set_font("zh", size=6)
        self.set_y(-FOOT + 4)
        self.cell(text=chain_line(self._ledger), w=200, h=4)
        self.cell(text=f"第 {self.page_no()} 页 / 共 {{nb}} 页", w=0, h=4, align="R")

    def row(self, texts: Sequence[str]) -> None:
        """Add a row, on a new page where this one has no room."""
        lines = [self._fitted(text, width) for text, width in zip(texts, self._widths, strict=True)]
        if self.get_y() + self._height(lines) > self.h - FOOT:
            self.add_page()
        self._draw(lines)

    def finish(self, key: str) -> None:
        """Add the last page: totals, how the ledger is checked, and places to sign."""
        self._in_rows = False
        self.add_page()
        top = self.get_y() + 3
        self.set_xy(MARGIN, top)
        for label, number in total_lines(self.totals, self._ledger.request.public):
            self.set_font("zh", size=9)
            self.cell(text=label, w=70, h=5.5, border="B")
            self.cell(text=str(number), w=25, h=5.5, border="B", align="R", new_x="LMARGIN", new_y="NEXT")
        self._facts(key, top)
        self.set_font("zh", size=10)
        self.set_xy(MARGIN, self.h - FOOT - 12)
        self.cell(text=SIGN_HERE, w=0, h=8)

    def _facts(self, key: str, top: float) -> None:
        left, width = MARGIN + 105, self.w - 2 * MARGIN - 105
        self.set_y(top)
        for label, text in facts(self._ledger, key):
            self.set_font("zh", size=8)
            self.set_x(left)
            self.multi_cell(
                width, 5, f"{label}：{text}", wrapmode=WrapMode.CHAR, align="L", new_x="LMARGIN", new_y="NEXT"
            )
        if chain := chain_line(self._ledger):
            picture = BytesIO()
            segno.make(chain, error="m", micro=False).save(picture, kind="png", scale=6, border=2)
            self.image(picture, x=left, y=self.get_y() + 3, w=QR_SIDE, h=QR_SIDE)

    def _draw(self, cells: Sequence[Sequence[str]]) -> None:
        height, x, y = self._height(cells), MARGIN, self.get_y()
        self.set_font("zh", size=SIZE)
        for lines, width in zip(cells, self._widths, strict=True):
            self.rect(x, y, width, height)
            for number, line in enumerate(lines):
                if line:
                    self.text(x + INSET, y + INSET + LINE * (number + 0.75), line)
            x += width
        self.set_xy(MARGIN, y + height)

    def _height(self, cells: Sequence[Sequence[str]]) -> float:
        return max(len(lines) for lines in cells) * LINE + 2 * INSET

    def _fitted(self, text: str, width: float) -> list[str]:
        """Return a text in lines that fit into a width in mm."""
        self.set_font("zh", size=SIZE)
        lines, line, used, room = [], "", 0.0, width - 2 * INSET
        for letter in text:
            wide = self._wide(letter)
            if line and used + wide > room:
                kept = line[:-1] if letter in CLOSING and len(line) > 1 else line
                lines.append(kept)
                line = line[len(kept) :]
                used = sum(map(self._wide, line))
            line, used = line + letter, used + wide
        lines.append(line)
        return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], CUT]

    def _wide(self, letter: str) -> float:
        if letter not in self._letters:
            self._letters[letter] = self.get_string_width(letter)
        return self._letters[letter]


def _add_witnesses(paper: FPDF, head: Head, witnessed: Sequence[Witnessed], foot: float) -> None:
    """Add what was witnessed on pages of its own. `foot`: mm that stay free below. Adds nothing where it is none."""
    if not witnessed:
        return
    _begin_codes(paper, witness_note(len(witnessed)))
    width = (paper.epw - CODE_GAP) / CODES_ACROSS
    top = paper.get_y()
    for number, each in enumerate(witnessed[:MOST_CODES]):
        column = number % CODES_ACROSS
        if not column and top + CODE_SIDE > paper.h - foot:
            _begin_codes(paper, "（续）")
            top = paper.get_y()
        _add_code(paper, head, each, paper.l_margin + column * (width + CODE_GAP), top, width)
        top += CODE_SIDE + CODE_GAP if column == CODES_ACROSS - 1 else 0
    if len(witnessed) > MOST_CODES:
        paper.set_xy(paper.l_margin, top)
        paper.cell(text=f"另有 {len(witnessed) - MOST_CODES} 条，见 XLSX 或 JSON。", w=0, h=6)


def _begin_codes(paper: FPDF, note: str) -> None:
    paper.add_page()
    paper.set_font("zh", size=9)
    paper.multi_cell(0, 6, note, wrapmode=WrapMode.CHAR, align="L", new_x="LMARGIN", new_y="NEXT")
    paper.ln(2)


def _add_code(paper: FPDF, head: Head, witnessed: Witnessed, x: float, y: float, width: float) -> None:
    picture = BytesIO()
    segno.make(witnessed.line, error="m", micro=False).save(picture, kind="png", scale=6, border=2)
    paper.image(picture, x=x, y=y, w=CODE_SIDE, h=CODE_SIDE)
    paper.set_font("zh", size=6)
    relation, *others = witness_cells(head, witnessed)
    words = [relation, *(f"{title}：{text}" for title, text in zip(WITNESS_TITLES[1:], others, strict=True))]
    paper.set_xy(x + CODE_SIDE + 2, y + 1)
    text = "\n".join(words)
    paper.multi_cell(
        width - CODE_SIDE - 2, CODE_LINE, text, wrapmode=WrapMode.CHAR, align="L", new_x="LEFT", new_y="NEXT"
    )
