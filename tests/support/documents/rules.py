"""Renders docs/rules.md: for each article of the two regulations the values of the policy packs, the modules and the
tests that name it. Everything is read from packs, docstrings and comments, so the page cannot claim a test that does
not exist."""

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.documents import authority, vocabulary

ROOT = Path(__file__).parents[3]
PACKAGES = ("config", "broker", "recorder", "signaling", "kiosk_agent", "huijian")
PROVINCES = {"Yunnan": "云南", "Guangdong": "广东"}
_LIST = re.compile(r"\b(Yunnan|Guangdong)((?:(?:, |,\s+| and | or | to )?\s*\(?\d+\)?(?:\(\d+\))*)+)")
_NUMBER = re.compile(r"(?<![\d(])(\d+)(?!\d)(?!\))")
_RANGE = re.compile(r"(?<![\d(])(\d+) to (\d+)")
_CHINESE = re.compile(r"(云南|广东)\s*((?:第[一二三四五六七八九十]+条(?:第[一二三四五六七八九十]+项)?[、，至]?)+)")
_ARTICLE = re.compile(r"第([一二三四五六七八九十]+)条")
_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}

TABLE_HEAD = ("| 条 article | 规则包 pack | 代码 code | 测试 tests |", "|---|---|---|---|")
HEAD = """# 规则：条款、代码、测试 · Rules: article, code, test

由 `make docs` 根据规则包、代码与测试中注明的条款生成，请勿手改。条文与业主决定见规则包
（[云南](../config/packs/yunnan.toml)、[广东](../config/packs/guangdong.toml)）：每个值都注明条款，可以更严，不能更宽，更宽的在读取时即被拒绝。
应当中止或取消的情形，不能以劝阻或静音了结，也不能在中止后恢复或改按较轻的代码终止：内核拒绝，任何入口都绕不过。

Made by `make docs` from the articles that packs, code and tests name; do not edit. Each value of a pack cites its
article. A pack may be stricter than the law, never looser: a looser one is refused with the article. What must be
stopped is not closed by a warning or a mute, nor resumed or ended under a lesser code after a hold: the core itself
refuses, whatever way the order comes.
""".splitlines()


class Article:
    """What one article of one province leads to: pack values, modules and tests."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.code: set[str] = set()
        self.tests: set[str] = set()


def articles_in(text: str) -> set[tuple[str, int]]:
    """The articles that a text names ("Yunnan 14, 27(3)", "云南 第十四条"), as (province in English, number)."""
    found: set[tuple[str, int]] = set()
    text = re.sub(r"\s+", " ", text)
    for province, numbers in _LIST.findall(text):
        found |= {(province, int(number)) for number in _NUMBER.findall(numbers)}
        for first, last in _RANGE.findall(numbers):
            found |= {(province, number) for number in range(int(first), int(last) + 1)}
    english = {chinese: name for name, chinese in PROVINCES.items()}
    for province, numbers in _CHINESE.findall(text):
        found |= {(english[province], number_of(number)) for number in _ARTICLE.findall(numbers)}
    return found


def number_of(chinese: str) -> int:
    """The value of a Chinese numeral up to ninety-nine: 十四 is 14, 二十五 is 25."""
    tens, has_tens, ones = chinese.rpartition("十")
    value = _DIGITS[ones] if ones else 0
    return value + (10 * (_DIGITS[tens] if tens else 1) if has_tens else 0)


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Each text of a module that people read, with the test class or function it belongs to ("" for the module)."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    owners: dict[int, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            owners |= dict.fromkeys(range(node.lineno, (node.end_lineno or node.lineno) + 1), node.name)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield owners.get(token.start[0], ""), token.string


def pack_values(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each entry of a pack that cites an article, as (its name and value, the citation)."""
    for name, entry in document.items():
        groups = [group for group in entry if isinstance(group, dict)] if isinstance(entry, list) else []
        for group in groups:  # [[interventions]] and the like: many items under one article
            codes = " ".join(str(item[0]) for item in group.get("items", ()))
            yield f"`{prefix}{name}: {codes}`", str(group.get("article", ""))
        if isinstance(entry, dict):
            if isinstance(entry.get("article"), str):
                shown = f" = {_shown(entry)}" if "value" in entry else ""
                yield f"`{prefix}{name}{shown}`", entry["article"]
            nested = {key: value for key, value in entry.items() if isinstance(value, dict)}
            yield from pack_values(nested, f"{prefix}{name}.")


def _shown(entry: dict[str, Any]) -> str:
    value = entry["value"]
    several = isinstance(value, list)
    shown = ", ".join(str(item[0] if isinstance(item, list) else item) for item in value) if several else str(value)
    return f"{shown} {entry['unit']}" if "unit" in entry else shown


def collect(root: Path = ROOT) -> dict[tuple[str, int], Article]:
    """Everything that names an article, by (province in English, number)."""
    found: defaultdict[tuple[str, int], Article] = defaultdict(Article)
    for province in PROVINCES:
        pack = tomllib.loads((root / "config" / "packs" / f"{province.lower()}.toml").read_text("utf-8"))
        for value, citation in pack_values(pack):
            for article in articles_in(citation):
                found[article].values.append(value)
    for package in (*PACKAGES, "tests"):
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if package == "tests" and not path.name.startswith("test_"):
                continue
            for owner, text in texts_of(path):
                for article in articles_in(text):
                    if package == "tests":
                        found[article].tests.add(f"{name}::{owner}" if owner.lower().startswith("test") else name)
                    else:
                        found[article].code.add(name)
    return found


def render(root: Path = ROOT) -> str:
    """Return the text of docs/rules.md."""
    found = collect(root)
    lines = [*HEAD]
    for province, chinese in PROVINCES.items():
        lines += [
            f"## {chinese} · {province}",
            "",
            "| 条 article | 规则包 pack | 代码 code | 测试 tests |",
            "|---|---|---|---|",
        ]
        for (_, number), article in sorted(item for item in found.items() if item[0][0] == province):
            lines.append(f"| {number} | {_cell(article.values)} | {_links(article.code)} | {_tests(article.tests)} |")
        lines.append("")
    return "\n".join([*lines, *authority.lines(), "", *vocabulary.lines(), ""])


def _cell(values: list[str]) -> str:
    return "<br>".join(dict.fromkeys(values)) or "–"


def _links(paths: set[str]) -> str:
    return "<br>".join(f"[{path}](../{path})" for path in sorted(paths)) or "–"


def _tests(names: set[str]) -> str:
    """A class of tests, and a module only where none of its classes is named already."""
    modules = {name.partition("::")[0] for name in names if "::" in name}
    shown = sorted(name for name in names if "::" in name or name not in modules)
    return "<br>".join(f"[{name.removeprefix('tests/')}](../{name.partition('::')[0]})" for name in shown) or "–"
