"""Every error of the command line is one line that begins in Chinese and goes on in English, with its exit code."""

import ast
import errno
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer

from broker.kernel.errors import BadRequest, StorageUnavailable, VisitError
from huijian.errors import INTERNAL, INTERRUPTED, KINDS, REFUSED, STORAGE, SYSTEM, USAGE, report_error

ROOT = Path(__file__).parents[2]
FRONT_DOORS = ("broker.kernel.errors", "signaling.server.errors", "recorder.retention.due_proof")
for module in FRONT_DOORS:
    import_module(module)


def kinds(base):
    """Return a class and all below it that are imported."""
    return {base}.union(*(kinds(each) for each in base.__subclasses__()))


OURS = (each for each in kinds(VisitError) if not each.__module__.startswith("tests."))
REFUSALS = sorted(OURS, key=lambda each: each.__name__)
FACTS = {"RelayFull": {"carries": 2, "placed": 2, "limit": None}}
"""What a refusal is made of whose texts are made of numbers."""


def class_of(named):
    """Return the class that KINDS names."""
    module, _, name = named.partition(":")
    return getattr(import_module(module), name)


def line_of(error, capsys):
    """Return the exit code of an error and its line, which is checked to be one in both languages."""
    code = report_error(error)
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("huijian: ") and printed.err.count("\n") == 1
    line = printed.err.removeprefix("huijian: ")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in line[:10]), line  # "SDP 格式错误" begins with a name
    assert any("a" <= sign <= "z" for sign in line), line
    return code, line


class TestRefusals:
    @pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
    def test_of_every_type_are_one_line_in_both_languages(self, kind, capsys):
        error = kind(**FACTS.get(kind.__name__, {}))
        code, line = line_of(error, capsys)
        assert code == (STORAGE if issubclass(kind, StorageUnavailable) else REFUSED)
        assert line == f"{error.detail_zh} {error.detail_en}\n"

    def test_keep_to_one_line_whatever_their_text(self, capsys):
        assert line_of(BadRequest("one\ntwo", "一\n二"), capsys)[1] == "一 二 one two\n"


class TestOtherErrors:
    @pytest.mark.parametrize("named", KINDS)
    def test_with_a_type_say_what_they_are(self, named, capsys):
        code, line = line_of(class_of(named)("archive: what is wrong"), capsys)
        assert code == KINDS[named][1] and line.startswith(f"{KINDS[named][0]} archive: what is wrong")

    @pytest.mark.parametrize("number", [*SYSTEM, errno.EXDEV])
    def test_of_the_system_name_the_file(self, number, capsys):
        code, line = line_of(OSError(number, "Reason", "data/x"), capsys)
        assert code == REFUSED and line.endswith("data/x: Reason\n")

    def test_of_encodings(self, capsys):
        assert line_of(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), capsys)[0] == USAGE

    def test_that_are_mistakes_of_ours_do_not_quote_their_text(self, capsys):
        code, line = line_of(RuntimeError("刘某甲"), capsys)
        assert code == INTERNAL and "RuntimeError" in line and "刘" not in line

    def test_interruptions(self, capsys):
        assert line_of(typer.Abort(), capsys)[0] == INTERRUPTED


class TestUsage:
    @pytest.mark.parametrize(
        "args",
        [
            ("nonsense",),
            ("admin", "sites", "add"),
            ("admin", "sites", "list", "--nonsense"),
            ("admin", "sites", "list", "--json=x"),
            ("admin", "sites", "add", "a", "--kind", "castle", "--name", "n", "--policy", "yunnan"),
            ("sessions", "top", "--every", "soon"),
            ("purge", "--apply"),
        ],
    )
    def test_says_in_both_languages_what_is_wrong_and_where_help_is(self, huijian, args):
        answer = huijian(*args)
        assert answer.code == USAGE and answer.err.count("\n") == 1 and "--help" in answer.err
        assert "\u4e00" <= answer.err.removeprefix("huijian: ")[0] <= "\u9fff", answer.err


def texts_alone(path):
    """Yield the lines on which a refusal is raised with a text of its own in English and none in Chinese."""
    names = {kind.__name__ for kind in REFUSALS}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        refusal = isinstance(node, ast.Call) and getattr(node.func, "id", "") in names
        if refusal and len(node.args) == 1 and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


@pytest.mark.parametrize(
    "folder", ["huijian", "broker/authority", "broker/booking", "broker/control", "recorder/retention", "signaling"]
)
def test_a_text_that_a_person_reads_is_given_in_both_languages(folder):
    assert [line for path in sorted((ROOT / folder).rglob("*.py")) for line in texts_alone(path)] == []


def usage_texts(path):
    """Yield the lines of usage errors, and their texts where those are literals."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "BadParameter":
            literals = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
            yield f"{path.relative_to(ROOT)}:{node.lineno}", "".join(map(str, literals))


@pytest.mark.parametrize("folder", ["huijian", "kiosk_agent"])
def test_what_is_wrong_with_an_option_is_said_in_both_languages(folder):
    texts = [found for path in sorted((ROOT / folder).rglob("*.py")) for found in usage_texts(path)]
    written = [(line, text) for line, text in texts if " " in text.strip()]
    assert [line for line, text in written if not re.search("[\u4e00-\u9fff]", text)] == []
