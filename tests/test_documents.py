"""The documents tell the truth: what is made from code is current, links and paths lead somewhere, README is short."""

import re

import pytest

from tests.support.documents.made import MADE, ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:broker|config|docs|huijian|kiosk_agent|recorder|signaling|tests)/[\w./-]*)`")


def relative(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MADE, ids=relative)
def test_what_is_made_from_code_is_current(path):
    assert path.read_text("utf-8") == MADE[path](), "stale: run `make docs`"


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
class TestEveryDocument:
    def test_links_lead_to_files(self, path):
        targets = [link for link in LINK.findall(path.read_text("utf-8")) if "://" not in link]
        assert [link for link in targets if not (path.parent / link).exists()] == []

    def test_paths_in_the_text_exist(self, path):
        named = PATH.findall(path.read_text("utf-8")) if path.name != "CHANGELOG.md" else []
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_is_one_page_and_has_a_picture_of_a_small_size():
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.count("\n") <= 120
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert pictures and all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)
