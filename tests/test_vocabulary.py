"""Every Chinese text that a person may read uses the words of `config/articles/vocabulary.py`, each in one meaning."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.articles.vocabulary import EXCEPT, TERMS, refusals

ROOT = Path(__file__).parent.parent
FOLDERS = ("config", "broker", "recorder", "signaling", "kiosk_agent", "huijian")
PAPERS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
STRING = re.compile(r"`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)


def _of_python(source: str) -> Iterator[str]:
    """Return the string constants of a module but its docstrings; parts of an f-string one by one."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def texts_of(path: Path) -> Iterator[str]:
    """Return the texts of a file that people may read."""
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        found: Iterator[str] = _of_python(source)
    elif path.suffix == ".js":
        found = iter(STRING.findall(COMMENT.sub("", source)))
    else:
        found = iter(source.splitlines())
    return (text for text in found if CHINESE.search(text))


def _files() -> list[Path]:
    code = [path for folder in FOLDERS for kind in ("py", "js", "html") for path in (ROOT / folder).rglob(f"*.{kind}")]
    papers = [
        path for name in PAPERS for path in ([ROOT / name] if name.endswith(".md") else (ROOT / name).rglob("*.md"))
    ]
    return [path for path in code + papers if path.relative_to(ROOT).as_posix() not in EXCEPT]


def test_every_text_uses_the_words_of_the_table() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {word!r} is said {instead!r}: {text.strip()[:60]}"
        for path in _files()
        for text in texts_of(path)
        for word, instead in refusals(text)
    ]
    assert found == []


def test_texts_are_found_in_every_kind_of_file() -> None:
    kinds = {path.suffix for path in _files() if any(True for _ in texts_of(path))}
    assert kinds == {".py", ".js", ".html", ".md"}


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("停止会见", "终止"),
        ("会见已暂停，请稍候", "中止"),
        ("家属一方未到场", "会见人"),
        ("在岗监督人员不足", "管理员"),
        ("请联系管理员。", "管理员"),
        ("由狱警带到会见室", "工作人员"),
    ],
)
def test_a_refused_word_is_found_and_the_right_one_named(text: str, instead: str) -> None:
    assert [right for _, right in refusals(text)] == [instead]


@pytest.mark.parametrize(
    "text",
    [
        "提出暂停会见建议",
        "停止插话",
        "播放或暂停",
        "管理员中止会见",
        "请联系系统管理员。",
        "会见人在押的",
        "所列人员已暂停会见",
    ],
)
def test_words_in_their_own_meaning_pass(text: str) -> None:
    assert refusals(text) == []


def test_every_word_has_its_meaning_in_both_languages_and_stands_once() -> None:
    assert len({term.zh for term in TERMS}) == len(TERMS)
    assert all(term.meaning_zh and term.meaning_en and CHINESE.search(term.zh) for term in TERMS)


def test_what_the_table_says_itself_is_in_its_own_words() -> None:
    assert [found for term in TERMS for found in refusals(term.meaning_zh)] == []
