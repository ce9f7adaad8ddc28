"""The English of docstrings, comments and names keeps to CONTRIBUTING.md, as far as a program can tell.

A first sentence has a subject and more than four words; people and things are named by a noun;
variables are not called `one` or `given` outside a comprehension.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("config", "broker", "recorder", "signaling", "kiosk_agent", "huijian", "tests")
NO_SUBJECT = re.compile(
    r"(Of|Who|Whoever|Nobody|Everybody|Somebody|Anybody|That was|That this|With|Without|And|But|So|Or|Also|For|To|In|At"
    r"|On|From|By)\b"
)
NO_NOUN = re.compile(r"\b(?:[Ww]hoever|[Nn]obody|[Ee]verybody|[Ss]omebody|[Aa]nybody|[Nn]o one else)\b")
NO_NAME = {"one", "who", "told", "given", "known", "said"}
WIRE_MEMBERS = "signaling/api/messages"
"""The folder whose classes have fields with names that the protocol gave them."""
FEWEST_WORDS = 5
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def findings(source):
    """What breaks the rules in a source, as "line: what"."""
    tree = ast.parse(source)
    yield from _docstrings(tree)
    yield from _names(tree)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from (f"{token.start[0]}: {word!r} in a comment" for word in NO_NOUN.findall(token.string))


def _docstrings(tree):
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        if text is None:
            continue
        line, first = getattr(node, "lineno", 1), re.split(r"(?<=[.!?])\s|\n\n", text)[0]
        if NO_SUBJECT.match(text):
            yield f"{line}: a first sentence without a subject: {first!r}"
        if len(first.split()) < FEWEST_WORDS:
            yield f"{line}: a first sentence of few words: {first!r}"
        yield from (f"{line}: {word!r} in a docstring" for word in NO_NOUN.findall(text))


def _names(tree):
    short = {id(node) for outer in ast.walk(tree) if isinstance(outer, COMPREHENSIONS) for node in ast.walk(outer)}
    for node in ast.walk(tree):
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        name = node.id if stored else node.arg if isinstance(node, ast.arg) else None
        if name in NO_NAME and id(node) not in short:
            yield f"{node.lineno}: the name {name!r}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_rules_of_english_are_kept(folder):
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        found += [f"{name}:{finding}" for finding in findings(path.read_text("utf-8"))]
    assert [finding for finding in found if not (finding.startswith(WIRE_MEMBERS) and "the name" in finding)] == []


class TestTheRulesThemselves:
    """Each of them fails where it should."""

    @pytest.mark.parametrize(
        "source",
        [
            '"""Of one side, and all that it sends."""',
            '"""That was wrong."""',
            '"""A lease that nobody renews runs out."""',
            "def f(who): ...",
            "def f(x):\n    given = x",
            "x = 1  # for whoever comes",
        ],
    )
    def test_what_breaks_them_is_found(self, source):
        assert list(findings(source))

    @pytest.mark.parametrize(
        "source",
        [
            '"""Send-rate limit of one publisher, in bit/s."""',
            "numbers = [one + 1 for one in range(3)]",
            "x = 1  # seconds: one keyframe interval",
        ],
    )
    def test_what_keeps_them_is_not(self, source):
        assert not list(findings(source))
