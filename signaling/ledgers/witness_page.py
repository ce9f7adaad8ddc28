"""The heads that sites have witnessed, on the last pages of a ledger: each with its counter-signature, and as a QR code
that reads the line which `huijian verify --heads` takes."""

from collections.abc import Sequence
from io import BytesIO

import segno
from fpdf import FPDF
from fpdf.enums import WrapMode

from recorder.witness.newest import Witnessed
from signaling.ledgers.entry import Head
from signaling.ledgers.facts import WITNESS_TITLES, witness_cells, witness_note

SIDE, ACROSS, GAP = 26.0, 2, 4.0
"""Side of a code in mm, codes beside each other, and room between them in mm."""
LINE = 3.2  # mm
MOST_CODES = 48
"""Codes on paper, four pages of them; the workbook and the JSON have every head."""


def add_witnesses(paper: FPDF, head: Head, witnessed: Sequence[Witnessed], foot: float) -> None:
    """Add what was witnessed on pages of its own. `foot`: mm that stay free below. Adds nothing where it is none."""
    if not witnessed:
        return
    _begin(paper, witness_note(len(witnessed)))
    width = (paper.epw - GAP) / ACROSS
    top = paper.get_y()
    for number, each in enumerate(witnessed[:MOST_CODES]):
        column = number % ACROSS
        if not column and top + SIDE > paper.h - foot:
            _begin(paper, "（续）")
            top = paper.get_y()
        _add(paper, head, each, paper.l_margin + column * (width + GAP), top, width)
        top += SIDE + GAP if column == ACROSS - 1 else 0
    if len(witnessed) > MOST_CODES:
        paper.set_xy(paper.l_margin, top)
        paper.cell(text=f"另有 {len(witnessed) - MOST_CODES} 条，见 XLSX 或 JSON。", w=0, h=6)


def _begin(paper: FPDF, note: str) -> None:
    paper.add_page()
    paper.set_font("zh", size=9)
    paper.multi_cell(0, 6, note, wrapmode=WrapMode.CHAR, align="L", new_x="LMARGIN", new_y="NEXT")
    paper.ln(2)


def _add(paper: FPDF, head: Head, witnessed: Witnessed, x: float, y: float, width: float) -> None:
    picture = BytesIO()
    segno.make(witnessed.line, error="m", micro=False).save(picture, kind="png", scale=6, border=2)
    paper.image(picture, x=x, y=y, w=SIDE, h=SIDE)
    paper.set_font("zh", size=6)
    relation, *others = witness_cells(head, witnessed)
    words = [relation, *(f"{title}：{text}" for title, text in zip(WITNESS_TITLES[1:], others, strict=True))]
    paper.set_xy(x + SIDE + 2, y + 1)
    text = "\n".join(words)
    paper.multi_cell(width - SIDE - 2, LINE, text, wrapmode=WrapMode.CHAR, align="L", new_x="LEFT", new_y="NEXT")
