"""The cover sheet: a PDF in Chinese whose text can be copied, or a plain refusal where the font is missing."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from pypdfium2 import PdfDocument

from recorder.explained.explain import Explained
from recorder.explained.words import NOT_EXPLAINED, NOTHING_MISSING
from recorder.export import cover_sheet
from recorder.export.contents import Participant
from recorder.export.cover_sheet import NoFont, find_font
from recorder.export.program import FAILURES, code_of
from tests.recorder.export.conftest import Made


def test_says_for_whom_why_and_by_which_key(made: Made) -> None:
    pages = PdfDocument(made.folder / "cover.pdf")
    text = "".join(page.get_textpage().get_text_bounded() for page in pages)
    assert len(pages) == 1
    for words in (
        "会见录像移交封面",
        made.order.receiver,
        "2026-114",
        "沈某",
        "白某",
        "甲某",
        "完好",
        "session_two",
        "另行提供",
    ):
        assert words in text, words


def test_fits_on_few_pages_and_has_its_letters_with_it(made: Made) -> None:
    data = (made.folder / "cover.pdf").read_bytes()
    assert data.startswith(b"%PDF") and b"/FontFile" in data and len(data) < 500_000


def test_is_refused_in_words_where_no_chinese_font_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cover_sheet, "FONTS", ((str(tmp_path / "none.ttc"), 0),))
    with pytest.raises(NoFont, match="fonts-noto-cjk") as refusal:
        find_font()
    assert code_of(refusal.value) == "no_font" and "fonts-noto-cjk" in FAILURES["no_font"][0]


def test_has_what_people_wrote_as_it_is_and_shows_what_cannot_be_seen(made: Made) -> None:
    person = Participant("prs_a", "<b>甲</b>**某**\u202e乙", "prison")
    order = replace(
        made.order, receiver="某法院\u202e<img src=x>", reason="[链接](http://x) &amp;\x1b", people=(person,)
    )
    data = cover_sheet.cover_sheet(order, {}, {}, {}, [], [])
    text = "".join("".join(page.get_textpage().get_text_bounded() for page in PdfDocument(data)).split())
    for words in ("某法院[U+202E]<imgsrc=x>", "[链接](http://x)&amp;[U+001B]", "<b>甲</b>**某**[U+202E]乙"):
        assert words in text, words
    assert b"/URI" not in data and b"/JavaScript" not in data


class TestWhatIsMissing:
    def sheet(self, made: Made, explained: list[Explained] | None) -> str:
        data = cover_sheet.cover_sheet(made.order, {}, {}, {}, [], [], explained)
        text = "".join(page.get_textpage().get_text_bounded() for page in PdfDocument(data))
        return "".join(text.split())

    def test_is_said_to_be_nothing_where_it_is(self, made: Made) -> None:
        assert NOTHING_MISSING.zh in self.sheet(made, [])

    def test_cannot_be_said_where_the_files_were_changed(self, made: Made) -> None:
        assert NOT_EXPLAINED.zh in self.sheet(made, None)

    def test_is_cut_where_a_bad_line_makes_thousands(self, made: Made) -> None:
        found = Explained(1.0, 2.0, "prison", "line", "both", "nothing", "线路中断。", "the line")
        text = self.sheet(made, [found] * (cover_sheet.MOST_EXPLAINED + 7))
        assert text.count("线路中断。") == cover_sheet.MOST_EXPLAINED and "另有7处，见timeline.html" in text
